"""A person's license moves from one issuer to another, and duplicates become one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.reading import ERASED
from console.transferring import PURPOSE
from tests.console.cli_ledger import CliLedger, later
from tests.console.departments import Department, enrol, small_type, stall
from tests.console.personal_data import CITIZENS, found_in

pytestmark = pytest.mark.postgres

CODE, TOML = small_type("956", "ISSUE", "CHANGE", "TRANSFER_OUT", "TRANSFER_IN")


@pytest.fixture(scope="module")
def pair(
    cli_ledger: CliLedger, tmp_path_factory: pytest.TempPathFactory
) -> list[Department]:
    file = tmp_path_factory.mktemp("types") / "type.toml"
    file.write_text(TOML, encoding="utf-8")
    cli_ledger.json("registry", "type", str(file))
    return enrol(cli_ledger, 31, 32)


def out_of(license_id: str) -> dict[str, Any]:
    """The event file of a TRANSFER_OUT."""
    return {"license_id": license_id, "effective_at": "2026-06-01"}


def test_the_new_issuer_takes_the_face_over_without_typing_it(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    one, other = pair
    citizen = CITIZENS[1]
    old = one.act("ISSUE", stall(CODE, "MOVE01", citizen))["license_id"]
    early = other.json("act", "TRANSFER_IN", "--from", old, code=2)["error"]
    assert early["code"] == "not_transferred_out"
    assert other.act("TRANSFER_OUT", out_of(old), code=3)["refusal"] == "not_authorised"
    left = one.act("TRANSFER_OUT", out_of(old))
    came = other.json(
        *("act", "TRANSFER_IN", "--from", old, "--file", "-"),
        event={
            "serial": "MOVED01",
            "effective_at": "2026-06-02",
            "fields": {"trade": "修表"},
        },
    )
    new = came["license_id"]
    assert (came["verdict"], new.split(".")[6]) == ("accepted", other.uscc)
    shown = cli_ledger.json("show", new, "--reveal", "核对")
    assert shown["fields"] == {"name": citizen.name, "trade": "修表"}
    assert (shown["state"], shown["valid_until"]) == ("VALID", "2036-02-29")
    before = cli_ledger.json("show", old)
    assert (before["state"], before["holders"][0]["ref"]) == (
        "CANC",
        shown["holders"][0]["ref"],
    )
    assert PURPOSE in (cli_ledger.directory / "access").read_text(encoding="utf-8")
    # The old issuer lets it rest, the new one goes on.
    change = {"effective_at": "2026-07-01", "fields": {"trade": "修伞"}}
    assert one.act("CHANGE", later(old, **change), code=3)["refusal"] == (
        "illegal_transition"
    )
    assert other.act("CHANGE", later(new, **change))["sequence"] == 2
    printed = [("answers", f"{left}{came}".encode())]
    assert found_in(citizen.needles, printed) == set()


def test_only_a_license_that_comes_in_comes_from_another(
    pair: list[Department],
) -> None:
    error = pair[0].json("act", "CHANGE", "--from", "X", code=2)["error"]
    assert (error["code"], error["where"]) == ("bad_usage", "--from")
    error = pair[0].json("act", "TRANSFER_IN", "--from", "no:such", code=1)["error"]
    assert error["code"] == "license_not_found"


def test_a_license_that_two_offices_erased_together_does_not_go_over(
    cli_ledger: CliLedger, pair: list[Department], tmp_path: Path
) -> None:
    one, other = pair
    [custodian] = enrol(cli_ledger, 33, area="210000", roles=("custodian",))
    [supervisor] = enrol(cli_ledger, 34, area="210000", roles=("supervisor",))
    old = one.act("ISSUE", stall(CODE, "MOVE02", CITIZENS[2]))["license_id"]
    one.act("TRANSFER_OUT", out_of(old))
    pending = str(tmp_path / "erasure")
    custodian.json("cosign", "erase", old, "--with", supervisor.uscc, "--out", pending)
    custodian.json("cosign", "sign", pending)
    shown = cli_ledger.json("cosign", "show", pending)
    assert (shown["act_zh"], shown["fields"]) == ("销毁", {"license_ids": [old]})
    supervisor.json("cosign", "sign", pending)
    assert cli_ledger.json("cosign", "submit", pending)["verdict"] == "accepted"
    assert cli_ledger.json("show", old)["fields"]["name"] == ERASED
    error = other.json("act", "TRANSFER_IN", "--from", old, code=1)["error"]
    assert error["code"] == "value_erased"


def test_duplicates_become_one_and_a_link_can_be_undone(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    one, other = pair
    citizen = CITIZENS[3]
    first = one.act("ISSUE", stall(CODE, "TWIN01", citizen))["license_id"]
    second = other.act("ISSUE", stall(CODE, "TWIN02", citizen))["license_id"]
    linking = {"effective_at": "2026-06-01", "fields": {"continues_as": second}}
    link = one.act("LINK", later(first, **linking))
    assert cli_ledger.json("show", first)["state"] == "MRGD"
    mark = {"license_id": first, "effective_at": "2026-07-01",
            "fields": {"mark": "lost", "mark_on": True}}  # fmt: skip
    refused = one.act("MARK", mark, code=3)
    assert (refused["refusal"], refused["detail"]) == ("merged", f"goes on as {second}")
    undoing = {"effective_at": "2026-06-02", "causes": [link["event_digest"]]}
    undone = one.act("RESTORE", later(first, **undoing))
    assert undone["verdict"] == "accepted"
    assert cli_ledger.json("show", first)["state"] == "VALID"
    assert one.act("MARK", mark)["verdict"] == "accepted"
    states = [
        event["state_after"] for event in cli_ledger.json("history", first)["events"]
    ]
    assert states == ["VALID", "MRGD", "VALID", "VALID"]
