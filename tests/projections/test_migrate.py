"""Migrations: once, in order, the indexes last when asked, and never edited afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ledger.errors import Untrusted
from projections.migrate import migrate, migrations

pytestmark = pytest.mark.postgres


@pytest.fixture
def bare(dsn: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def _indexes(bare: Connection[Any]) -> int:
    row = bare.execute(
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'views' "
        "AND tablename IN ('audit_trail', 'timeline', 'field_history')"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_each_file_is_applied_once_in_the_order_of_names(bare: Connection[Any]) -> None:
    names = [migration.name for migration in migrations()]
    assert names == sorted(names)
    assert migrate(bare) == names
    assert migrate(bare) == []


def test_indexes_wait_until_they_are_asked_for(bare: Connection[Any]) -> None:
    migrate(bare, indexes=False)
    assert _indexes(bare) == 0
    assert all(name.endswith("_indexes") for name in migrate(bare))
    assert _indexes(bare) > 5


def test_an_applied_file_with_another_text_is_found(bare: Connection[Any]) -> None:
    migrate(bare)
    bare.execute("UPDATE schema_migration SET sm3 = 'other' WHERE name = '0001_views'")
    with pytest.raises(Untrusted) as caught:
        migrate(bare)
    assert caught.value.where == "0001_views"


def test_two_schemas_hold_their_own_tables(bare: Connection[Any]) -> None:
    migrate(bare)
    migrate(bare, schema="rebuild")
    bare.execute(
        "INSERT INTO registry_event VALUES (0, 0, 'ledger:', 1, 'FOUND', '', '')"
    )
    assert bare.execute("SELECT count(*) FROM views.registry_event").fetchone() == (0,)
    assert bare.execute("SELECT count(*) FROM rebuild.registry_event").fetchone() == (
        1,
    )
