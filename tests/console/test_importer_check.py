"""What ``import --check`` tells, and that it writes nothing anywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from console.embedded import EmbeddedPostgres
from console.importer.check import check_stock
from console.importer.input_file import open_file
from tests.console.cli_ledger import CliLedger
from tests.console.import_desk import MemoryDesk
from tests.console.imports import DEPARTMENT, MAPPING, csv_file, mapping, row

CLOSED = {"Status": "closed", "Status_on": "05.06.2024"}
_TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
)
_CONTENT = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"


def check(desk: MemoryDesk, path: Path, text: str = MAPPING) -> dict[str, Any]:
    used = mapping(text)
    found = check_stock(desk, used, open_file(path, used), progress=lambda *_: None)
    return found.document


def test_check_tells_what_the_import_then_does(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        row(**CLOSED),
        row(Id="r2", Number="200", Kind="longer"),
        row(Id="bad", Done="?"),
        row(Id="r4", Kind="new", Done="05.05.2025"),
    )
    desk = MemoryDesk()
    before = len(desk.world.records), dict(desk.keys.refs)
    told = check(desk, path)
    assert (len(desk.world.records), desk.keys.refs) == before
    done = desk.run(path).document
    for same in ("rows", "rows_accepted", "rows_rejected", "rows_unchanged", "reasons"):
        assert told[same] == done[same]
    assert told["events"] == {
        f"{DEPARTMENT}900": {"BASELINE": 1, "CANCEL": 1, "ISSUE": 1}
    }
    assert told["type"]["state"] == "added"
    assert [(one["line"], one["reason"]) for one in told["rejects"]] == [
        (4, "not_a_date"),
        (5, "illegal_transition"),
    ]
    again = check(desk, path)
    assert (again["rows_accepted"], again["rows_unchanged"]) == (0, 2)
    assert again["type"]["state"] == "in force"


def test_changed_rows_are_seen_by_a_check(tmp_path: Path) -> None:
    desk = MemoryDesk()
    desk.run(csv_file(tmp_path, row()))
    told = check(desk, csv_file(tmp_path, row(Name="另一家茶馆"), name="b.csv"))
    assert told["reasons"] == {"row_changed": 1}


def test_examples_are_masked(tmp_path: Path) -> None:
    text = MAPPING.replace('kind = "099"', 'kind = "111"').replace(
        'holder_category = "organisation"', 'holder_category = "person"'
    )
    path = csv_file(tmp_path, row(Account="210102190001010014", Phone="13800138000"))
    [example] = check(MemoryDesk(), path, text)["examples"]
    assert example["holder"] == {"kind": "111", "code": "210102********0014"}
    assert example["fields"]["name"] == "白***馆"
    assert example["fields"]["phone"] == "138****8000"
    assert example["fields"]["trade"] == "tea"
    assert example["acts"] == [{"act": "ISSUE", "day": "2020-02-01"}]


def test_what_the_registry_lacks_is_named(tmp_path: Path) -> None:
    desk = MemoryDesk()
    world = desk.world
    event = world.registry_event(
        f"authority:{DEPARTMENT}", "CHANGE", {"roles": {"strings": ["publisher"]}}
    )
    world.accept(world.sign(event, "root"))
    told = check(desk, csv_file(tmp_path, row()))
    assert told["missing"] == [
        f"authority {DEPARTMENT} may not define types 无权定义类型 (role definer)",
        f"authority {DEPARTMENT} may not import 无权归集 ISSUE of type {DEPARTMENT}900 "
        f"for issuer {DEPARTMENT} (role custodian, types, area)",
    ]
    text = MAPPING[: MAPPING.index("[type]")]
    start, end = text.index("[fields]"), text.index("[[acts]]")
    fields = ("name", "uscc", "responsible_person", "scope", "number")
    lines = "".join(f'{field} = "Name"\n' for field in fields)
    text = f"{text[:start]}[fields]\n{lines}\n{text[end:]}"
    text = text.replace("type_sequence = ", f'type_code = "{DEPARTMENT}042" # ')
    told = check(desk, csv_file(tmp_path, row(Done="?"), name="b.csv"), text)
    assert told["type"]["state"] == "missing"
    assert f"type {DEPARTMENT}042 is not in force 类型未启用" in told["missing"][0]


def state(ledger: CliLedger) -> dict[str, Any]:
    """Everything that a command could have changed: files, rows."""
    files = {
        str(path.relative_to(ledger.directory)): hashlib.sha256(
            path.read_bytes() if path.is_file() else b""
        ).hexdigest()
        for path in sorted(ledger.directory.rglob("*"))
        if "pg" not in path.relative_to(ledger.directory).parts
    }
    with (
        EmbeddedPostgres(ledger.directory / "pg") as server,
        psycopg.connect(server.dsn) as conn,
    ):
        rows = {
            f"{schema}.{name}": conn.execute(
                sql.SQL(_CONTENT).format(sql.Identifier(schema, name))
            ).fetchone()
            for schema, name in conn.execute(_TABLES).fetchall()
        }
    return {"files": files, "rows": rows}


@pytest.mark.postgres
def test_check_on_a_real_ledger_changes_no_file_and_no_row(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    given = tmp_path / "mapping.toml"
    given.write_text(MAPPING.replace('"register"', '"checked"'))
    path = csv_file(tmp_path, row(**CLOSED), row(Id="bad", Done="?"))
    before = state(cli_ledger)
    told = cli_ledger.json("import", str(given), str(path), "--check")
    said = cli_ledger.call("import", str(given), str(path), "--check")
    assert state(cli_ledger) == before
    assert (told["rows_accepted"], told["rows_rejected"]) == (1, 1)
    assert told["missing"] == []
    assert "nothing was written; 2 rows: 1 would be accepted" in said.out
    assert "白玉兰茶馆" not in said.out + said.err
    done = cli_ledger.json("import", str(given), str(path))
    assert (done["rows_accepted"], done["rows_rejected"]) == (1, 1)
    assert done["rejects_file"] is not None
    middle = state(cli_ledger)
    told = cli_ledger.json("import", str(given), str(path), "--check")
    assert (told["rows_accepted"], told["rows_unchanged"]) == (0, 1)
    assert state(cli_ledger) == middle


def test_licenses_without_a_last_day_are_counted_where_the_type_has_years(
    tmp_path: Path,
) -> None:
    rows = [
        row(Until="长期"),
        row(Id="r2", Number="200"),
        row(Id="r3", Number="200", Kind="moved", Done="01.02.2021", Until="长期"),
        row(Id="r4", Number="300", Until="长期"),
        row(Id="r5", Number="300", Kind="longer", Done="01.02.2021"),
    ]
    told = check(MemoryDesk(), csv_file(tmp_path, *rows))
    assert (told["rows_accepted"], told["endless"]) == (5, 2)
    text = MAPPING.replace('validity = ["5年"]', 'validity = ["5年", "长期"]')
    assert check(MemoryDesk(), csv_file(tmp_path, *rows), text)["endless"] == 0
