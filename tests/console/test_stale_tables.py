"""Tables that an older program made: said at every start, made again by rebuild --swap."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.console.cli_ledger import CliLedger, founded, later
from tests.folders import own_folder

pytestmark = pytest.mark.postgres
_MADE_OLD = (
    "DROP TABLE views.holder_archive, views.license_descent, views.field_history",
    "ALTER TABLE views.license DROP COLUMN opened_day",
    "DELETE FROM views.schema_migration WHERE name >= '0002'",
)


@pytest.fixture
def ledger() -> Iterator[CliLedger]:
    with own_folder() as folder, founded(folder / "ledger") as made:
        yield made


@pytest.mark.parametrize("processes", ["1", "2"])
def test_tables_of_an_older_program_are_named_and_made_again(
    ledger: CliLedger, processes: str
) -> None:
    one = ledger.issue(scope="软件")
    ledger.act("CHANGE", {**later(one), "fields": {"scope": "餐饮"}})
    expected = ledger.json("trace", one, "scope", "--as-of", "2026-01-01")
    with psycopg.connect(ledger.json("status")["dsn"], autocommit=True) as conn:
        for statement in _MADE_OLD:
            conn.execute(statement.encode())
    for command in (("status",), ("show", one), ("rebuild",)):
        said = ledger.call(*command)
        assert said.code == 4
        assert "rebuild --swap" in said.err
        assert said.out == ""
    renewed = ledger.json("rebuild", "--swap", "--processes", processes)
    assert (renewed["replaced"], renewed["swapped"]) == (True, True)
    again = ledger.json("trace", one, "scope", "--as-of", "2026-01-01")
    assert again == expected
    assert ledger.json("rebuild")["replaced"] is False
    ledger.issue()
    assert ledger.json("audit")["result"] == "pass"
