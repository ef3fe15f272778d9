"""docs/importing.md does what it says: a newcomer's file, from mapping to mended rejects."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from console.importer.mapping import parse_mapping
from console.importer.mapping_keys import KEYS
from console.importer.tables import Table
from tests.console.imports import MAPPING
from tests.test_readme import Session, blocks, missing_lines

PAGE = Path(__file__).parents[1] / "docs/importing.md"


@pytest.mark.postgres
@pytest.mark.slow
def test_blocks_of_the_page_run_in_order_and_say_what_is_shown() -> None:
    with ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="license-ledger-importing-")
        stack.callback(shutil.rmtree, folder)
        session = Session(Path(folder), stack)
        for block in blocks(PAGE.read_text(encoding="utf-8")):
            if block.language == "sh":
                said = session.run(block)
                missing = missing_lines(block.shown, said)
                assert not missing, f"importing.md:{block.line}\n{said}"


def test_database_of_the_page_is_one_that_a_mapping_takes() -> None:
    [shown] = [b for b in blocks(PAGE.read_text("utf-8")) if b.language == "toml"]
    tomllib.loads(shown.text)
    text = MAPPING.replace("[license]", f"{shown.text}\n[license]", 1)
    found = parse_mapping(text, where="importing.md").database
    assert found is not None
    assert found.overlap == "15 minutes"


def test_every_key_that_a_mapping_may_have_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: set[str] = set()
    get, raw = Table._get, Table.raw

    def noted(self: Table, key: str, default: object) -> object:
        asked.add(f"{self._where}: {key}")
        return get(self, key, default)

    def noted_raw(self: Table, key: str) -> Any:
        asked.add(f"{self._where}: {key}")
        return raw(self, key)

    monkeypatch.setattr(Table, "_get", noted)
    monkeypatch.setattr(Table, "raw", noted_raw)
    database = (
        '[database]\ndsn_file = "f"\nquery = "q"\nwatermark = "w"\noverlap = "1"\n'
    )
    always = '[[acts]]\nalways = "BASELINE"\ndate = "Done"\n'
    parse_mapping(MAPPING.replace("[type]", f"{always}{database}[type]", 1), where="m")
    tables = {"source", "license", "holder", "fields", "acts", "database", "type"}
    found = {
        tuple(part.partition("[")[0] for part in place.split(": ")[1:3])
        for place in asked
        if place.count(": ") == 2 or place.split(": ")[1] not in tables
    }
    explained = {(key.table, key.key) for key in KEYS}
    assert {pair for pair in found if pair[0] not in ("fields", "type")} == {
        pair for pair in explained if pair[0] not in ("fields", "type")
    }
