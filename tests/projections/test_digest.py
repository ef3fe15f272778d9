"""Digests of tables: equal for equal rows, and the first other row is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import Connection

from ledger.admission import Verdict
from projections import audit_trail, license
from projections.digest import digests, first_difference, total
from projections.migrate import migrate, use_schema
from tests.projections.made import accepted, license_id, make_event, refused

pytestmark = pytest.mark.postgres
VERDICTS = [
    accepted(make_event(license_id("A1")), position=0),
    refused("malformed", position=1),
    accepted(make_event(license_id("A2")), position=2),
]


def _write(conn: Connection[Any], batches: Sequence[Sequence[Verdict]]) -> None:
    with conn.transaction(), conn.cursor() as cur:
        for verdicts in batches:
            audit_trail.write(cur, verdicts)
            license.write(cur, verdicts)


@pytest.fixture
def two(conn: Connection[Any]) -> Connection[Any]:
    """The same verdicts in two schemas, in other batches and another order of rows."""
    _write(conn, [VERDICTS])
    migrate(conn, schema="rebuild")
    _write(conn, [VERDICTS[2:], VERDICTS[:2]])
    return conn


def test_equal_rows_have_equal_digests_however_they_came_in(
    two: Connection[Any],
) -> None:
    rebuilt = digests(two)
    use_schema(two, "views")
    assert digests(two) == rebuilt
    assert total(digests(two)) == total(rebuilt)
    assert len(set(rebuilt.values())) == len(rebuilt)


def test_equal_tables_have_no_first_difference(two: Connection[Any]) -> None:
    for table in (*audit_trail.TABLES, *license.TABLES):
        assert first_difference(two, "views", "rebuild", table) is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("UPDATE rebuild.audit_trail SET verdict = 'stale' WHERE position = 1", (1,)),
        ("DELETE FROM rebuild.audit_trail WHERE position = 2", (2,)),
        ("UPDATE rebuild.audit_trail SET act = NULL WHERE position >= 0", (0,)),
    ],
)
def test_one_other_value_changes_the_digest_and_is_named(
    two: Connection[Any], change: str, key: tuple[int]
) -> None:
    before = digests(two)
    two.execute(change.encode())
    after = digests(two)
    assert before["audit_trail"] != after["audit_trail"]
    assert before["license"] == after["license"]
    assert total(before) != total(after)
    assert first_difference(two, "views", "rebuild", audit_trail.TABLE) == key
