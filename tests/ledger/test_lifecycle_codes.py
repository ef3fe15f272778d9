"""Check 12's codes, their order, and that what is refused changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.events import Decision, Event, Flags
from ledger.facts import act_of
from ledger.lifecycle import ACTS
from ledger.refusals import REFUSALS
from tests.builders_lifecycle import PERMISSIVE, STRICT, Chain, date, issued

NARROW = replace(STRICT, acts=frozenset({"ISSUE"}))
FOR_ALL = {"BASELINE", "LINK", "MARK", "ANNOTATE", "ARCHIVE", "RESTORE", "VOID_VERSION"}
DECIDED = {
    *("SUSPEND", "REVOKE", "ANNUL", "WITHDRAW", "CANCEL", "DOWNGRADE", "CORRECT"),
    *("RESTORE", "VOID_VERSION", "CHANGE", "LINK"),
}


def test_a_type_allows_what_it_lists_and_what_all_types_allow() -> None:
    assert {name for name, rule in ACTS.items() if rule.always_allowed} == FOR_ALL
    chain = Chain(NARROW).given("ISSUE", 0).given("ANNOTATE", 1)
    detail = chain.refuses("act_not_allowed", "CORRECT", 2, names=0)
    assert detail == f"type {NARROW.code} has no CORRECT"


@pytest.mark.parametrize("act", sorted(DECIDED))
def test_an_act_that_rests_on_a_decision_is_refused_without_one(act: str) -> None:
    needed: dict[str, dict[str, Any]] = {
        "CORRECT": {"names": 0},
        "RESTORE": {"names": 1},
        "LINK": {"continues_as": "B"},
        "VOID_VERSION": {"version": 1},
    }
    given = needed.get(act, {})
    chain = issued().given("REISSUE", 1)
    assert chain.outcome(act, 2, _decision=False, **given) == "decision_missing"
    # A missing document may be excused, a missing reason may not.
    excused = {"_decision": False, "_excused": True}
    assert chain.outcome(act, 2, **excused, **given) == "decision_missing"
    assert chain.outcome(act, 2, _reason=True, **excused, **given) == "accepted"


def test_a_decision_without_its_date_is_none() -> None:
    assert issued().outcome("REVOKE", 1, _dated=False) == "decision_missing"
    assert issued().outcome("REVOKE", 1) == "accepted"


def test_other_acts_need_no_decision() -> None:
    assert {name for name, rule in ACTS.items() if rule.decision_required} == DECIDED
    Chain().given("ISSUE", 0, _decision=False).when("RENEW", 1, _decision=False)


@pytest.mark.parametrize("act", ["CHANGE", "RENEW", "CORRECT"])
@pytest.mark.parametrize("makes", [0, 1, 3])
def test_a_version_other_than_the_next_is_refused(act: str, makes: int) -> None:
    detail = issued().refuses("wrong_version", act, 1, names=0, makes=makes)
    assert detail == "expected version 002"


def test_a_restoration_makes_a_version_only_if_the_named_act_did() -> None:
    chain = issued().given("CHANGE", 1).given("SUSPEND", 2)
    chain.refuses("wrong_version", "RESTORE", 3, names=1, makes=0)
    assert chain.refuses("wrong_version", "RESTORE", 3, names=2, makes=3)


def test_the_future_ends_at_the_type_s_horizon() -> None:
    chain = issued()
    assert chain.outcome("CHANGE", 31, recorded=0) == "too_far_ahead"
    assert chain.outcome("CHANGE", 30.001, recorded=0) == "too_far_ahead"
    assert chain.outcome("CHANGE", 30, recorded=0) == "accepted"


def test_codes_are_tried_in_the_order_of_the_table() -> None:
    codes = [code for code, one in REFUSALS.items() if one.check == 12]
    assert codes == [
        *("act_not_allowed", "merged", "unknown_target", "wrong_version"),
        *("decision_missing", "too_far_ahead", "out_of_grace", "illegal_transition"),
        "conflicts_with",
    ]
    chain = Chain(NARROW).given("ISSUE", 0).given("LINK", 1, continues_as="B")
    wrong = {"recorded": 1, "_decision": False, "makes": 9, "scope": "x"}
    chain.refuses("act_not_allowed", "CORRECT", 60, **wrong)
    chain.kind = replace(PERMISSIVE, horizon_days=30)
    chain.refuses("merged", "CORRECT", 60, **wrong)
    chain = issued(valid_until=date(1)).given("REVOKE", 1)
    chain.refuses("unknown_target", "CORRECT", 60, **wrong)
    chain.refuses("wrong_version", "CHANGE", 60, **wrong)
    wrong["makes"] = 2
    chain.refuses("decision_missing", "CHANGE", 60, **wrong)
    wrong["_decision"] = True
    chain.refuses("too_far_ahead", "CHANGE", 60, **wrong)
    wrong["recorded"] = 60
    chain.refuses("illegal_transition", "CHANGE", 60, **wrong, born="2000-01-01")


def test_conflicts_come_before_fields() -> None:
    chain = issued().given("REISSUE", 10)
    assert (
        chain.outcome("PAUSE", 5, holders=(("099", bytes(32), "X"),))
        == "conflicts_with"
    )


def test_everything_wrong_with_the_fields_is_told_at_once() -> None:
    detail = issued().refuses("invalid_fields", "CHANGE", 1, name=None, born="x")
    assert detail == "born cannot be changed; name is missing"


def test_required_reserved_fields_are_asked_for() -> None:
    assert issued().outcome("LINK", 1) == "invalid_fields"
    assert issued().outcome("MARK", 1) == "invalid_fields"
    assert (
        Chain().outcome("TRANSFER_IN", 0, previous_identifier=None) == "invalid_fields"
    )


def _event(decision: Decision | None, flags: Flags | None) -> Event:
    return {
        "event_id": bytes(16),
        "origin": bytes(16),
        "chain": "license",
        "subject": "x",
        "sequence": 1,
        "previous": bytes(32),
        "act": "CANCEL",
        "type_version": 1,
        "effective_at": 0,
        "effective_precision": "day",
        "signed_at": 0,
        "authority": "A",
        "deciding_authority": "",
        "decision": decision,
        "matter": {
            "item_code": "",
            "case_number": "",
            "source_system": "",
            "source_ref": "",
            "operator": "",
            "reviewer": "",
            "approver": "",
            "assurance": "",
        },
        "channel": "",
        "medium": "none",
        "paper_serial": "",
        "holders": [],
        "signers": [],
        "fields": [],
        "causes": [],
        "file": None,
        "flags": flags,
    }


@pytest.mark.parametrize(
    ("missing", "excused"),
    [
        (None, False),
        ([], False),
        (["decision=not in the register"], True),
        (["decision="], False),
        (["decision"], False),
        (["paper=lost", "decision=lost"], True),
    ],
)
def test_only_stock_that_says_why_is_excused_from_its_decision(
    missing: list[str] | None, excused: bool
) -> None:
    flags: Flags | None = None
    if missing is not None:
        flags = {
            "source_act": "",
            "missing": {"strings": missing},
            "nonstandard": False,
        }
    act = act_of(_event(None, flags), position=0, digest=b"", recorded_at=0)
    assert act.decision_excused is excused
