"""Who acts for whom: delegations, successions and custodians across two departments."""

from __future__ import annotations

from typing import Any

import pytest

from console.wiring import now_us
from ledger.workdays import day_to_date, legal_day
from tests.console.cli_ledger import BUSINESS, CliLedger, later
from tests.console.departments import Department, enrol

pytestmark = pytest.mark.postgres

SAFETY = "11210000999990010U042"
BASIS = ("--basis", "沈政示〔2026〕1号")


def day(ahead: int) -> str:
    """A day of this week, as the ledger counts them."""
    return day_to_date(legal_day(now_us()) + ahead).isoformat()


def issued(by: Department) -> str:
    """A business licence that a department has issued."""
    license_id: str = by.act("ISSUE", by.ledger.form())["license_id"]
    return license_id


def moved(license_id: str, address: str = "新址") -> dict[str, Any]:
    """The event file of a CHANGE."""
    return later(license_id, fields={"address": address})


def grants_from(ledger: CliLedger, uscc: str) -> list[dict[str, Any]]:
    """What an authority has given, as `registry grants` shows it."""
    found = ledger.json("registry", "grants")["grants"]
    return [one for one in found if one["from"] == uscc]


def test_a_delegate_acts_within_its_term_and_its_acts_only(
    cli_ledger: CliLedger,
) -> None:
    giver, delegate = enrol(cli_ledger, 11, 12)
    license_id = issued(giver)
    pair = (giver.uscc, delegate.uscc)
    assert delegate.act("CHANGE", moved(license_id), code=3)["refusal"] == (
        "not_authorised"
    )
    cli_ledger.json("registry", "delegate", *pair, "--from", day(1), *BASIS)
    early = delegate.act("CHANGE", moved(license_id), code=3)
    assert early["refusal"] == "not_authorised"
    cli_ledger.json(
        *("registry", "delegate", *pair, "--from", day(-1), "--until", day(1), *BASIS),
        *("--type", BUSINESS, "--act", "CHANGE", "--act", "SUSPEND"),
        *("--shown-name", "示范局委托窗口"),
    )
    assert delegate.act("CHANGE", moved(license_id))["verdict"] == "accepted"
    outside = delegate.act("REVOKE", later(license_id), code=3)
    assert outside["refusal"] == "not_authorised"
    states = [
        (one["state"], one["acts"]) for one in grants_from(cli_ledger, giver.uscc)
    ]
    assert states == [("to come", None), ("in force", ["CHANGE", "SUSPEND"])]
    cli_ledger.json("registry", "end-delegation", *pair, "--on", day(-1))
    after = delegate.act("CHANGE", moved(license_id, "又一处"), code=3)
    assert after["refusal"] == "not_authorised"
    # What had not begun is gone; what was used stands there with its last day.
    [left] = grants_from(cli_ledger, giver.uscc)
    assert (left["state"], left["until"]) == ("over", day(-1))
    assert left["shown_name"] == "示范局委托窗口"
    assert giver.act("CHANGE", moved(license_id, "又一处"))["sequence"] == 3


def test_a_delegation_of_one_type_leaves_the_others_alone(
    cli_ledger: CliLedger,
) -> None:
    giver, delegate = enrol(cli_ledger, 13, 14)
    pair = (giver.uscc, delegate.uscc)
    license_id = issued(giver)
    for code in (SAFETY, BUSINESS):
        cli_ledger.json(
            "registry", "delegate", *pair, "--from", day(0), "--type", code, *BASIS
        )
    cli_ledger.json("registry", "end-delegation", *pair, "--type", SAFETY)
    states = [(one["type"], one["until"]) for one in grants_from(cli_ledger, pair[0])]
    assert states == [(SAFETY, day(0)), (BUSINESS, None)]
    assert delegate.act("CHANGE", moved(license_id))["verdict"] == "accepted"


def test_a_successor_continues_the_chains_of_the_old_organ(
    cli_ledger: CliLedger,
) -> None:
    old, new, delegate, last = enrol(cli_ledger, 15, 16, 17, 18)
    license_id = issued(old)
    cli_ledger.json(
        "registry", "delegate", old.uscc, delegate.uscc, "--from", day(-1), *BASIS
    )
    assert new.act("CHANGE", moved(license_id), code=3)["refusal"] == "not_authorised"
    records = cli_ledger.json(
        "registry", "succeed", old.uscc, new.uscc, "--from", day(0), *BASIS
    )["records"]
    assert [one["act"] for one in records] == ["CHANGE", "END"]
    assert new.act("CHANGE", moved(license_id))["sequence"] == 2
    for stopped in (old, delegate):
        refused = stopped.act("CHANGE", moved(license_id, "别处"), code=3)
        assert refused["refusal"] == "not_authorised"
    shown = cli_ledger.json("show", license_id)
    assert (shown["state"], shown["fields"]["address"]) == ("VALID", "新址")
    states = {one["kind"]: one["state"] for one in grants_from(cli_ledger, old.uscc)}
    assert states == {"delegation": "lapsed", "succession": "in force"}
    # A second reorganisation: the successor of the successor goes on.
    cli_ledger.json(
        "registry", "succeed", new.uscc, last.uscc, "--from", day(0), *BASIS
    )
    assert last.act("CHANGE", moved(license_id, "第三处"))["sequence"] == 3


def test_a_successor_to_come_needs_the_old_organ_kept(cli_ledger: CliLedger) -> None:
    old, new = enrol(cli_ledger, 19, 20)
    pair = (old.uscc, new.uscc)
    records = cli_ledger.json("status")["records"]
    for more in ((), ("--type", BUSINESS)):
        when = day(0) if more else day(1)
        error = cli_ledger.json(
            "registry", "succeed", *pair, "--from", when, *more, *BASIS, code=2
        )["error"]
        assert "--keep" in error["expected"]
    assert cli_ledger.json("status")["records"] == records
    cli_ledger.json("registry", "succeed", *pair, "--from", day(1), "--keep", *BASIS)
    license_id = issued(old)
    assert new.act("CHANGE", moved(license_id), code=3)["refusal"] == "not_authorised"
    cli_ledger.json("registry", "end", old.uscc)
    refused = old.act("CHANGE", moved(license_id), code=3)
    assert refused["refusal"] == "not_authorised"


def test_a_custodian_links_what_it_did_not_issue(cli_ledger: CliLedger) -> None:
    issuer, custodian = enrol(cli_ledger, 21, 22)
    license_id, other = issued(issuer), issued(issuer)
    link = later(license_id, fields={"continues_as": other})
    assert custodian.act("LINK", link, code=3)["refusal"] == "not_authorised"
    cli_ledger.json("registry", "role", custodian.uscc, "--add", "custodian")
    listed = cli_ledger.json("registry", "list")["authorities"]
    roles = {one["uscc"]: one["roles"] for one in listed}
    assert roles[custodian.uscc] == ["custodian", "publisher"]
    assert custodian.act("LINK", link)["verdict"] == "accepted"
    cli_ledger.json("registry", "role", custodian.uscc, "--drop", "custodian")
    undo = cli_ledger.json("history", license_id)["events"][1]["event_digest"]
    refused = custodian.act("RESTORE", later(license_id, causes=[undo]), code=3)
    assert refused["refusal"] == "not_authorised"


@pytest.fixture(scope="module")
def pair(cli_ledger: CliLedger) -> list[Department]:
    return enrol(cli_ledger, 23, 24)


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("delegate", "FROM", "11210000999990999X", "--from", "2026-01-01"), 1,
         "no such authority"),
        (("delegate", "11210000999990999X", "FROM", "--from", "2026-01-01"), 1,
         "no such authority"),
        (("delegate", "FROM", "TO", "--from", "soon"), 2, "not a date"),
        (("delegate", "FROM", "TO", "--from", "2026-01-02", "--until", "2026-01-01"), 2,
         "the term ends before it begins"),
        (("delegate", "FROM", "TO", "--from", "2026-01-02", "--act", "EXPLODE"), 2,
         "no such act"),
        (("delegate", "FROM", "TO", "--from", "2026-01-02", "--type", "X"), 2,
         "no such license type"),
        (("end-delegation", "FROM", "TO"), 1, "no such delegation"),
        (("succeed", "FROM", "11210000999990999X", "--from", "2026-01-01"), 1,
         "no such authority"),
        (("end", "11210000999990999X"), 1, "no such authority"),
        (("role", "FROM", "--drop", "custodian"), 1, "the authority has no such role"),
        (("role", "FROM", "--add", "publisher"), 2, "nothing is changed"),
    ],
)  # fmt: skip
def test_what_nobody_means_is_said_and_not_recorded(
    cli_ledger: CliLedger,
    pair: list[Department],
    arguments: tuple[str, ...],
    code: int,
    reason: str,
) -> None:
    names = {"FROM": pair[0].uscc, "TO": pair[1].uscc}
    given = [names.get(word, word) for word in arguments]
    basis = () if given[0] == "role" else BASIS
    error = cli_ledger.json("registry", *given, *basis, code=code)["error"]
    assert error["reason"].startswith(reason)
    assert grants_from(cli_ledger, pair[0].uscc) == []
