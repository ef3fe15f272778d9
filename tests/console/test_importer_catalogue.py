"""Every packaged license type comes in from a file, by the mapping that is proposed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from console.importer.license_type import joint_acts
from console.importer.mapping import StockMapping, parse_mapping
from console.importer.proposal import propose
from console.importer.sample import look_at
from ledger.catalogue import LicenseType
from ledger.errors import Malformed
from tests.catalogue_office import CODES, packaged
from tests.console.import_desk import MemoryDesk
from tests.console.imports import DEPARTMENT
from tests.faces import face_of
from tests.sample_province import CITIZEN, HOLDER

LATER = {"变更": "CHANGE", "注销": "CANCEL"}
TERM = {"有效期起": "2025-06-01", "有效期止": "长期"}


def cell_of(value: Any) -> str:
    """A value as a register's cell says it."""
    if isinstance(value, dict):
        return "；".join(value["strings"])
    text = str(value)
    return text[:16].replace("T", " ") if text.endswith("+08:00") else text


def holder_column(kind: LicenseType) -> dict[str, str]:
    """The holder's code, under the name that registers give it."""
    if kind.holder_category in ("person", "household"):
        return {"公民身份号码": CITIZEN}
    return {"统一社会信用代码": HOLDER}


def rows_of(kind: LicenseType) -> list[dict[str, str]]:
    """The life of one license: as it stands, changed where the type allows it, ended."""
    face = {
        kind.fields[name].zh: cell_of(value) for name, value in face_of(kind).items()
    }
    beside = {"流水号": "2025000001", **holder_column(kind), **face, **TERM}
    acts = kind.acts - joint_acts(kind)
    words = ["存量", *(word for word, act in LATER.items() if act in acts)]
    return [
        {**beside, "业务类型": word, "办理日期": f"2025-{6 + n:02}-01"}
        for n, word in enumerate(words)
    ]


def written(folder: Path, kind: LicenseType) -> Path:
    path = folder / "register.csv"
    rows = rows_of(kind)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return path


def proposed(path: Path, kind: LicenseType) -> StockMapping:
    """The mapping that is proposed; no question may be left."""
    made = propose(look_at(path, sheet=""), kind, system="register")
    assert [question.text for question in made.questions] == []
    return parse_mapping(made.text, where="new.toml")


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


@pytest.mark.parametrize("code", CODES)
def test_every_type_is_imported_changed_ended_and_known_again(
    desk: MemoryDesk, tmp_path: Path, code: str
) -> None:
    kind = packaged(code)
    world = desk.world
    world.add_type(kind)
    path = written(tmp_path, kind)
    given = proposed(path, kind)
    result = desk.run(path, given=given)
    assert (result.reasons, result.rows_accepted) == ({}, len(rows_of(kind)))
    license_id = f"1.2.156.3005.2.{code}.{DEPARTMENT}.2025000001"
    chain = world.chains["license", license_id]
    assert chain.license is not None
    ended = any(row["业务类型"] == "注销" for row in rows_of(kind))
    assert chain.license.terminal == ("CANC" if ended else "")
    assert set(chain.license.face) >= set(kind.fields)
    assert desk.run(path, given=given).rows_unchanged == result.rows


def test_act_that_several_departments_sign_is_refused_before_anything_is_done(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    [kind] = [one for one in map(packaged, CODES) if "CHANGE" in joint_acts(one)]
    desk.world.add_type(kind)
    path = written(tmp_path, kind)
    made = propose(look_at(path, sheet=""), kind, system="register")
    text = made.text.replace('"存量" =', '"变更" = "CHANGE"\n"存量" =')
    with pytest.raises(Malformed, match="several departments sign") as caught:
        desk.run(path, given=parse_mapping(text, where="new.toml"))
    assert caught.value.found == "CHANGE"
