"""The catalogue for people: the look-ups, and the page that a department reads."""

from __future__ import annotations

from pathlib import Path

import pytest

import schemas
from console.catalogue_page import catalogue_page
from console.catalogue_words import REGISTERS, rules_of
from console.cataloguing import find_type, packaged_types
from ledger.errors import Malformed, Unknown
from tests.console.cli_ledger import CliLedger, call

KINDS = packaged_types()
DRIVER = "11210000999990010U012"


def test_types_are_listed_without_a_ledger_by_their_number() -> None:
    said = call("types", "--packaged", "--json")
    assert said.code == 0
    types = said.document["types"]
    assert [one["number"] for one in types] == list(range(1, 57))
    assert types[11] == {
        "number": 12,
        "code": DRIVER,
        "version": 1,
        "code_status": "placeholder",
        "name": "机动车驾驶证",
        "name_en": "driver licence",
        "holder_category": "person",
        "issuer_name": "市级公安机关交通管理部门",
        "validity": ["6年", "10年", "长期"],
        "acts": [
            *("ISSUE", "CHANGE", "REPLACE", "REISSUE", "SUSPEND", "RESUME", "REVOKE"),
            *("ANNUL", "CANCEL", "CORRECT"),
        ],
    }


@pytest.mark.parametrize("name", [DRIVER, "12", "机动车驾驶证", "驾驶证", "Driver lic"])
def test_type_is_found_by_code_number_name_and_part_of_a_name(name: str) -> None:
    said = call("type", name, "--packaged", "--json")
    assert (said.code, said.document["code"]) == (0, DRIVER)
    fields = {face["name"]: face for face in said.document["fields"]}
    assert fields["id_no"]["data_class"] == 4
    assert said.document["acts_for_all"][0] == "BASELINE"


def test_type_for_people_says_its_rules_and_its_face_in_chinese() -> None:
    lines = call("type", "12", "--packaged").out.splitlines()
    said = [" ".join(line.split()) for line in lines]
    assert said[0] == "机动车驾驶证 driver licence (version 1)"
    assert "届满后换发 365 日内" in said
    assert "first_issue 初次领证日期 日期 ✓ 3 个人 ✓ 驾驶人库" in said


def test_a_part_that_fits_several_names_them() -> None:
    with pytest.raises(Malformed) as caught:
        find_type(KINDS, "医师")
    assert caught.value.found == (
        "11210000999990010U019 医师资格证书, 11210000999990010U020 医师执业证书"
    )


@pytest.mark.parametrize("name", ["", " ", "57", "狗证"])
def test_no_such_type_says_where_to_look(name: str) -> None:
    with pytest.raises(Unknown) as caught:
        find_type(KINDS, name)
    assert "license-ledger types" in caught.value.expected


def test_page_has_a_row_and_a_section_for_every_type_and_field() -> None:
    page = catalogue_page()
    for kind in KINDS:
        assert f"| [{kind.source_rows}](#{kind.code.lower()}) | {kind.name} |" in page
        section = page.partition(f"\n## {kind.source_rows} {kind.name}\n")[2]
        section = section.partition("\n## ")[0]
        assert [n for n in kind.fields if f"| `{n}` |" not in section] == []


def test_every_type_file_begins_with_its_name_and_the_law() -> None:
    for kind in KINDS:
        comment = schemas.comment(f"types/{kind.code}.toml")
        assert comment.startswith(f"{kind.name}. ")
        assert len(comment) > 80


def test_every_base_register_has_its_chinese_name() -> None:
    named = {face.register for kind in KINDS for face in kind.fields.values()}
    assert named - {""} == set(REGISTERS)


def test_rules_of_a_joint_and_a_renewable_type_are_in_words() -> None:
    joint = dict(rules_of(find_type(KINDS, "45")))
    assert joint["签名要求"].endswith("主办＋联合签章")
    assert joint["暂扣、中止的解除"] == "须办理恢复"
    food = dict(rules_of(find_type(KINDS, "33")))
    assert food["延续申请"] == "届满 15 个工作日前提出"
    estate = dict(rules_of(find_type(KINDS, "30")))
    assert estate["持证主体"] == "自然人、法人和其他组织，可共有（至多 255）"


@pytest.mark.postgres
def test_a_ledger_shows_its_types_at_the_version_in_force(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    packaged = Path(str(schemas.root())) / "types" / f"{DRIVER}.toml"
    changed = tmp_path / "driver.toml"
    text = packaged.read_text(encoding="utf-8")
    changed.write_text(text.replace("grace_days = 365", "grace_days = 730"))
    [record] = cli_ledger.json("registry", "type", str(changed))["records"]
    assert (record["act"], record["verdict"]) == ("CHANGE", "accepted")
    found = cli_ledger.json("type", DRIVER)
    assert (found["version"], found["grace_days"]) == (2, 730)
    listed = {one["code"]: one["version"] for one in cli_ledger.json("types")["types"]}
    assert listed[DRIVER] == found["version"]
    assert listed[KINDS[0].code] == 1
