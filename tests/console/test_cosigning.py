"""A joint act (联合签章) goes from department to department in a file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from console.key_ring import KeyRing
from console.pending_files import create, load
from console.settings import settings_of
from ledger.codec import decode_event
from ledger.envelope import encode_event
from ledger.pending import PendingAct, propose
from tests.console.cli_ledger import DEPARTMENT, CliLedger, call, later
from tests.console.departments import Department, enrol, small_type, stall
from tests.console.personal_data import CITIZENS, found_in

pytestmark = pytest.mark.postgres

CONSTRUCTION = "11210000999990010U045"


@pytest.fixture(scope="module")
def departments(cli_ledger: CliLedger) -> list[Department]:
    return enrol(cli_ledger, 1, 2)


@pytest.fixture
def housing(departments: list[Department]) -> Department:
    return departments[0]


@pytest.fixture
def planning(departments: list[Department]) -> Department:
    return departments[1]


def permit(serial: str, **changes: Any) -> dict[str, Any]:
    """The event file of a construction permit."""
    fields = {
        "builder": "沈阳示范建设有限公司",
        "project_name": "示范小学",
        "project_code": "2026-210102-47-01-000001",
        "address": "沈阳市和平区示范路9号",
        "scale": "4000",
        "contract_price": "950.5",
        "duration": "300日历天",
        "units": ["施工单位：甲", "监理单位：乙"],
        "valid_from": "2026-03-01",
        "valid_until": None,
    }
    form = {
        "type": CONSTRUCTION,
        "serial": serial,
        "holders": [{"kind": "001", "code": "91210100MA0TE5T168"}],
        "effective_at": "2026-03-01",
        "fields": fields,
    }
    return form | changes


def proposed(
    housing: Department, planning: Department, out: Path, event: dict[str, Any]
) -> Any:
    """A pending ISSUE of housing that planning must sign too."""
    return housing.json(
        *("cosign", "new", "ISSUE", "--file", "-", "--with", planning.uscc),
        *("--out", str(out)),
        event=event,
    )


def test_two_departments_issue_one_permit_by_a_file(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    file = tmp_path / "permit.pending"
    said = proposed(housing, planning, file, permit("JOINT0001"))
    assert (said["state"], len(said["missing"])) == ("waiting", 2)
    assert {(s["authority"], s["role"]) for s in said["signers"]} == {
        (housing.uscc, 1),
        (planning.uscc, 2),
    }
    assert file.stat().st_mode & 0o777 == 0o600
    assert housing.json("cosign", "sign", str(file))["state"] == "waiting"
    shown = cli_ledger.json("cosign", "show", str(file))
    assert (shown["act"], shown["authority"]) == ("ISSUE", housing.uscc)
    assert shown["fields"]["project_name"] == "示范小学"
    assert (shown["state_before"], shown["state_after"]) == ("NONE", "VALID")
    assert shown["verdict_now"] == {"code": "accepted", "detail": ""}
    assert planning.json("cosign", "sign", str(file))["state"] == "complete"
    before = cli_ledger.json("status")["records"]
    verdict = cli_ledger.json("cosign", "submit", str(file))
    assert (verdict["verdict"], verdict["sequence"]) == ("accepted", 1)
    event = cli_ledger.json("history", verdict["license_id"])["events"][0]
    assert event["event_digest"] == shown["event_digest"]
    assert len(event["signers"]) == 2
    # Who does not know whether it arrived sends it again: nothing more is published.
    again = cli_ledger.json("cosign", "submit", str(file))
    assert (again["verdict"], again["position"]) == ("accepted", verdict["position"])
    assert cli_ledger.json("status")["records"] == before + 1
    assert cli_ledger.json("cosign", "show", str(file))["state"] == "published"


def test_people_read_what_they_sign_in_words(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    file = tmp_path / "permit.pending"
    proposed(housing, planning, file, permit("JOINT0002"))
    said = cli_ledger.call("cosign", "show", str(file))
    assert said.code == 0
    for words in ("ISSUE 制发", "建筑工程施工许可证", "project_name: 示范小学",
                  "state 状态     NONE 无 -> VALID 有效", "waiting 待签, until",
                  f"joint 联合签章  {planning.uscc} {planning.name}"):  # fmt: skip
        assert words in said.out


def test_copies_signed_in_parallel_are_merged(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    proposed(housing, planning, one, permit("JOINT0003"))
    shutil.copy(one, other)
    housing.json("cosign", "sign", str(one))
    planning.json("cosign", "sign", str(other))
    third = tmp_path / "third"
    shutil.copy(other, third)
    said = call("cosign", "merge", str(one), str(other), "--json")
    assert (said.code, said.document["state"]) == (0, "complete")
    call("cosign", "merge", str(third), str(one), "--json")
    assert third.read_bytes() == one.read_bytes()
    assert cli_ledger.json("cosign", "submit", str(third))["verdict"] == "accepted"


def test_a_department_without_the_ledger_signs_offline(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    file, elsewhere = tmp_path / "permit.pending", tmp_path / "elsewhere"
    proposed(housing, planning, file, permit("JOINT0004"))
    elsewhere.mkdir()
    for name in ("passphrase", f"keys/{planning.key.name}"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        shutil.copy(cli_ledger.directory / name, elsewhere / name)
    key = elsewhere / "keys" / planning.key.name
    said = call(
        *("cosign", "sign", str(file), "--offline", "--dir", str(elsewhere)),
        *("--key", str(key), "--json"),
    )
    assert (said.code, said.document["verdict_now"]) == (0, None)
    shown = call("cosign", "show", str(file), "--offline", "--json").document
    assert [one["said"] for one in shown["signers"]].count("signed") == 1
    housing.json("cosign", "sign", str(file))
    assert cli_ledger.json("cosign", "submit", str(file))["verdict"] == "accepted"


def test_a_file_that_somebody_changed_is_not_signed(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    file = tmp_path / "permit.pending"
    said = proposed(housing, planning, file, permit("JOINT0013"))
    day, later_day = said["until"][:10], "2199-01-01"
    file.write_text(file.read_text(encoding="utf-8").replace(day, later_day))
    for command in ("sign", "show", "submit"):
        error = cli_ledger.json("cosign", command, str(file), code=5)["error"]
        assert error["code"] == "pending_act_changed"


def test_a_refusal_with_its_reason_ends_the_act(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    file = tmp_path / "permit.pending"
    proposed(housing, planning, file, permit("JOINT0005"))
    said = planning.json("cosign", "refuse", str(file), "--reason", "规划条件未核实")
    assert said["state"] == "refused"
    error = housing.json("cosign", "sign", str(file), code=3)["error"]
    assert error["reason"].startswith("a named signer has refused")
    assert "规划条件未核实" in error["found"]
    verdict = cli_ledger.json("cosign", "submit", str(file), code=3)
    assert (verdict["refusal"], verdict["position"]) == ("cosigner_refused", None)
    shown = cli_ledger.json("cosign", "show", str(file))
    assert [(s["said"], s["reason"]) for s in shown["signers"] if s["reason"]] == [
        ("refused", "规划条件未核实")
    ]


@pytest.mark.parametrize("reason", ["", " ", "身份证210102199003072113有误", "一\n二"])
def test_a_refusal_needs_words_without_personal_data(
    housing: Department, planning: Department, tmp_path: Path, reason: str
) -> None:
    file = tmp_path / "permit.pending"
    proposed(housing, planning, file, permit("JOINT0006"))
    before = file.read_bytes()
    error = planning.json("cosign", "refuse", str(file), "--reason", reason, code=2)
    assert error["error"]["where"] == "--reason"
    assert "2101021990" not in json.dumps(error)
    assert file.read_bytes() == before


def test_when_the_head_moved_everybody_signs_again(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    issued, change = tmp_path / "issued", tmp_path / "change"
    proposed(housing, planning, issued, permit("JOINT0007"))
    housing.json("cosign", "sign", str(issued))
    planning.json("cosign", "sign", str(issued))
    license_id = cli_ledger.json("cosign", "submit", str(issued))["license_id"]
    housing.json(
        *("cosign", "new", "CHANGE", "--file", "-", "--with", planning.uscc),
        *("--out", str(change)),
        event=later(
            license_id, effective_at="2026-06-01", fields={"duration": "360日历天"}
        ),
    )
    housing.json("cosign", "sign", str(change))
    mark = {"license_id": license_id, "effective_at": "2026-05-01"}
    housing.act("MARK", mark | {"fields": {"mark": "lost", "mark_on": True}})
    assert cli_ledger.json("cosign", "show", str(change))["state"] == "moved"
    error = planning.json("cosign", "sign", str(change), code=3)["error"]
    assert error["reason"].startswith("the head of the chain has moved")
    assert "cosign renew" in error["expected"]
    verdict = cli_ledger.json("cosign", "submit", str(change), code=3)
    assert verdict["refusal"] == "signatures_missing"
    renewed = tmp_path / "renewed"
    said = housing.json("cosign", "renew", str(change), "--out", str(renewed))
    assert (said["state"], len(said["missing"])) == ("waiting", 2)
    housing.json("cosign", "sign", str(renewed))
    planning.json("cosign", "sign", str(renewed))
    assert cli_ledger.json("cosign", "submit", str(renewed))["sequence"] == 3
    shown = cli_ledger.json("show", license_id)
    assert (shown["fields"]["duration"], shown["version"]) == ("360日历天", 2)


def test_an_act_with_all_signatures_that_lost_the_race_is_held_back(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        proposed(housing, planning, file, permit("JOINT0008"))
        housing.json("cosign", "sign", str(file))
        planning.json("cosign", "sign", str(file))
    assert cli_ledger.json("cosign", "submit", str(one))["verdict"] == "accepted"
    records = cli_ledger.json("status")["records"]
    verdict = cli_ledger.json("cosign", "submit", str(other), code=3)
    assert (verdict["refusal"], verdict["position"]) == ("stale", None)
    assert cli_ledger.json("status")["records"] == records


def test_nobody_signs_twice_or_unasked(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    file = tmp_path / "permit.pending"
    proposed(housing, planning, file, permit("JOINT0009"))
    housing.json("cosign", "sign", str(file))
    before = file.read_bytes()
    twice = housing.json("cosign", "sign", str(file), code=2)["error"]
    assert twice["reason"].startswith("this key has signed already")
    unasked = cli_ledger.json("cosign", "sign", str(file), code=2)["error"]
    assert unasked["reason"].startswith("the act does not name this key")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("until", "reason"),
    [("2020-01-01", "not a term"), ("2199-01-01", "not a term"), ("soon", "not a ")],
)
def test_a_term_is_at_most_seven_days(
    housing: Department, planning: Department, tmp_path: Path, until: str, reason: str
) -> None:
    file = tmp_path / "permit.pending"
    error = housing.json(
        *("cosign", "new", "ISSUE", "--file", "-", "--with", planning.uscc),
        *("--out", str(file), "--until", until),
        event=permit("JOINT0010"),
        code=2,
    )["error"]
    assert error["reason"].startswith(reason)
    assert not file.exists()


def test_what_the_ledger_would_refuse_is_not_proposed(
    cli_ledger: CliLedger, housing: Department, tmp_path: Path
) -> None:
    [far] = enrol(cli_ledger, 3, area="210200")
    file = tmp_path / "permit.pending"
    before = cli_ledger.json("status")["records"]
    for other, word in (
        (far.uscc, "not_authorised"),
        (housing.uscc, "one key is named twice"),
    ):
        said = housing.json(
            *("cosign", "new", "ISSUE", "--file", "-", "--with", other),
            *("--out", str(file)),
            event=permit("JOINT0011"),
            code=3 if other == far.uscc else 2,
        )
        assert word in json.dumps(said["error"])
    said = housing.json(
        *("cosign", "new", "ISSUE", "--file", "-", "--with", DEPARTMENT),
        *("--out", str(file)),
        event=permit("JOINT0011", fields={"builder": "无项目名称"}),
        code=3,
    )
    assert "invalid_fields" in said["error"]["reason"]
    assert not file.exists()
    assert cli_ledger.json("status")["records"] == before


def test_personal_values_stay_encrypted_in_the_file(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    definition, file = tmp_path / "type.toml", tmp_path / "stall.pending"
    code, toml = small_type("955", "ISSUE", "CHANGE", "CANCEL", joint=("ISSUE",))
    definition.write_text(toml, encoding="utf-8")
    cli_ledger.json("registry", "type", str(definition))
    citizen = CITIZENS[0]
    decision = {
        "number": "示〔2026〕1号",
        "date": "2026-03-01",
        "reason_code": "applied",
        "reason": f"{citizen.name}申请",
    }
    form = stall(code, "JOINT0012", citizen, decision=decision)
    proposed(housing, planning, file, form)
    housing.json("cosign", "sign", str(file))
    shown = cli_ledger.call("cosign", "show", str(file))
    printed = [("file", file.read_bytes()), ("show", shown.out.encode())]
    assert found_in(citizen.needles, printed) == set()
    document = cli_ledger.json("cosign", "show", str(file))
    assert document["fields"]["name"] == "欧**远"
    assert document["decision"]["reason"] == "****"
    assert document["holders"][0]["code"].startswith("210102****")
    revealed = cli_ledger.json("cosign", "show", str(file), "--reveal", "会签核对")
    assert revealed["fields"]["name"] == citizen.name
    assert revealed["decision"]["reason"] == f"{citizen.name}申请"
    access = (cli_ledger.directory / "access").read_text(encoding="utf-8")
    assert "会签核对" in access
    offline = call("cosign", "show", str(file), "--offline", "--json").document
    assert offline["fields"]["name"] == "(encrypted)"
    assert offline["fields"]["trade"] == "修鞋"
    planning.json("cosign", "sign", str(file))
    issued = cli_ledger.json("cosign", "submit", str(file))
    face = cli_ledger.json("show", issued["license_id"], "--reveal", "会签核对")
    assert face["fields"]["name"] == citizen.name


def test_a_citizen_number_that_a_foreign_file_shows_is_neither_shown_nor_signed(
    cli_ledger: CliLedger, housing: Department, planning: Department, tmp_path: Path
) -> None:
    number = CITIZENS[0].id_no
    mine, foreign = tmp_path / "mine", tmp_path / "foreign"
    event = permit("JOINT0014")
    event["fields"]["project_name"] = f"{number}的项目"
    refused = housing.json(
        *("cosign", "new", "ISSUE", "--file", "-", "--with", planning.uscc),
        *("--out", str(mine)),
        event=event,
        code=3,
    )
    assert refused["error"]["code"] == "clear_personal_data"
    # Somebody else's program does not look.
    proposed(housing, planning, mine, permit("JOINT0014"))
    create(foreign, rewritten(load(mine), "示范小学", number, housing, cli_ledger))
    for arguments in (("show",), ("show", "--offline"), ("sign",), ("submit",)):
        said = cli_ledger.call("cosign", *arguments, str(foreign))
        assert number not in said.out + said.err
    assert housing.json("cosign", "sign", str(foreign), code=3)["error"]["code"] == (
        "clear_personal_data"
    )


def rewritten(
    pending: PendingAct, old: str, new: str, by: Department, ledger: CliLedger
) -> PendingAct:
    """A proposal whose project has another name."""
    event = decode_event(pending.body)
    for field in event["fields"]:
        if field["value"] == old:
            field["value"] = new
    ring = KeyRing(settings_of(ledger.directory))
    return propose(
        body=encode_event(event),
        keys=pending.keys,
        until=pending.until,
        proposer=ring.signer_of(ring.open_any(by.key)),
    )
