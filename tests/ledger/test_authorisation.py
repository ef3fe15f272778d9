"""Check 9 of license and holder events: every ground, and every way to lack one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.events import Event, Flags
from ledger.refusals import Refusal
from ledger.registry_fields import GrantDraft
from tests.builders_registry import (
    BUSINESS,
    CONSTRUCTION,
    DALIAN,
    HEPING,
    JOINT,
    MAIN,
    PROVINCE,
    ROOTS,
    SAFETY,
    SEALED_AT,
    SEALER,
    SHENYANG,
    SUPERIOR,
    TODAY,
    Desk,
    event,
    founded,
    key,
    key_subject,
    license_type,
    signer,
)

CITY, OTHER, COUNTY, CUSTODIAN, BOSS, SECOND = (key(n) for n in range(1, 7))
STOCK = "12210000MB1X000127"
LICENSE = f"1.2.156.3005.2.{BUSINESS}.{SHENYANG}.0001"
PERMIT = f"1.2.156.3005.2.{CONSTRUCTION}.{SHENYANG}.0001"
BACKFILL: Flags = {
    "source_act": "register",
    "missing": {"strings": []},
    "nonstandard": False,
}
BY_CITY: dict[str, Any] = {"by": [CITY], "authority": SHENYANG}
BY_OTHER: dict[str, Any] = {"by": [OTHER], "authority": DALIAN}
BY_COUNTY: dict[str, Any] = {"by": [COUNTY], "authority": HEPING}
BY_CUSTODIAN: dict[str, Any] = {"by": [CUSTODIAN], "authority": STOCK}
BY_BOSS: dict[str, Any] = {"by": [BOSS], "authority": PROVINCE}


@pytest.fixture
def desk() -> Desk:
    """The issuer is Shenyang's; others stand around it."""
    made = founded()
    made.add_authority(SHENYANG, "210100", "publisher", keys=[CITY, SECOND])
    made.add_authority(DALIAN, "210200", "publisher", keys=[OTHER])
    made.add_authority(HEPING, "210102", "publisher", keys=[COUNTY])
    made.add_authority(
        STOCK, "210000", "custodian", keys=[CUSTODIAN], nonstandard_code=True
    )
    made.add_authority(PROVINCE, "210000", "supervisor", keys=[BOSS])
    return made


# --- The issuer itself ----------------------------------------------------------------------


def test_issuer_opens_and_carries_on_its_chain(desk: Desk) -> None:
    assert desk.may("ISSUE", LICENSE, opening=True, **BY_CITY) == "accepted"
    assert desk.may("REVOKE", LICENSE, **BY_CITY) == "accepted"


@pytest.mark.parametrize(
    ("by", "code"),
    [
        ([key(99)], "unknown_key"),
        ([CITY, key(99)], "unknown_key"),
        ([OTHER], "not_authorised"),
        ([ROOTS[0]], "not_authorised"),
        ([SEALER], "not_authorised"),
        ([CITY, OTHER], "not_authorised"),
        ([signer(CITY), signer(ROOTS[0], JOINT)], "not_authorised"),
        ([CITY, SECOND], "signatures_missing"),
        ([signer(CITY, JOINT)], "signatures_missing"),
        ([signer(CITY, SUPERIOR)], "signatures_missing"),
        ([signer(CITY), signer(SECOND, JOINT)], "signatures_missing"),
    ],
)
def test_signers_that_are_not_the_one_main_signer(
    desk: Desk, by: Any, code: str
) -> None:
    assert desk.may("ISSUE", LICENSE, by=by, authority=SHENYANG) == code


def test_unregistered_authority_or_issuer_is_not_authorised(desk: Desk) -> None:
    nobody = "91210100MA0TE5T168"
    assert desk.may("ISSUE", LICENSE, by=[CITY], authority=nobody) == "not_authorised"
    assert desk.may("ISSUE", LICENSE, by=[CITY], authority="") == "not_authorised"
    foreign = f"1.2.156.3005.2.{BUSINESS}.{nobody}.0001"
    assert desk.may("ISSUE", foreign, **BY_CITY) == "not_authorised"


def test_ended_key_is_inactive_before_anything_else_is_asked(desk: Desk) -> None:
    assert desk.put(key_subject(CITY), "END") == "accepted"
    assert desk.may("ISSUE", LICENSE, by=[CITY], authority="") == "key_inactive"
    both = [CITY, key(99)]
    assert desk.may("ISSUE", LICENSE, by=both, authority=SHENYANG) == "unknown_key"
    assert desk.may("ISSUE", LICENSE, by=[SECOND], authority=SHENYANG) == "accepted"


def test_ended_authority_is_not_authorised(desk: Desk) -> None:
    assert desk.put("authority:" + SHENYANG, "END") == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_CITY) == "not_authorised"


def test_compromised_key_changes_no_verdict(desk: Desk) -> None:
    since = {"since": "2020-01-01T00:00:00+08:00"}
    assert desk.put(key_subject(CITY), "COMPROMISE", since) == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_CITY) == "accepted"


def test_authority_without_the_role_publishes_nothing(desk: Desk) -> None:
    assert desk.change(SHENYANG, roles=["auditor", "definer"]) == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_CITY) == "not_authorised"


def test_authority_keeps_to_its_types(desk: Desk) -> None:
    assert desk.change(SHENYANG, types=[SAFETY]) == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_CITY) == "not_authorised"
    assert desk.change(SHENYANG, types=[SAFETY, BUSINESS]) == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_CITY) == "accepted"


def test_publisher_squats_on_no_other_issuers_serial(desk: Desk) -> None:
    for by in (BY_OTHER, BY_COUNTY):
        assert desk.may("ISSUE", LICENSE, opening=True, **by) == "not_authorised"
    assert desk.change(DALIAN, area="210000") == "accepted"
    assert desk.may("ISSUE", LICENSE, opening=True, **BY_OTHER) == "not_authorised"


# --- Delegates and successors ---------------------------------------------------------------


def delegate(desk: Desk, **given: Any) -> None:
    grant = {"to": DALIAN, "from_date": "2026-01-01", "area": "210100"} | given
    assert desk.change(SHENYANG, delegations=[GrantDraft(**grant)]) == "accepted"


def test_delegate_acts_for_the_issuer(desk: Desk) -> None:
    delegate(desk)
    assert desk.may("ISSUE", LICENSE, opening=True, **BY_OTHER) == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_COUNTY) == "not_authorised"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"from_date": TODAY, "until_date": TODAY}, "accepted"),
        ({"from_date": "2026-11-24"}, "not_authorised"),
        ({"until_date": "2026-11-22"}, "not_authorised"),
        ({"acts": ["ISSUE", "REVOKE"]}, "accepted"),
        ({"acts": ["REVOKE"]}, "not_authorised"),
        ({"type_code": BUSINESS}, "accepted"),
        ({"type_code": SAFETY}, "not_authorised"),
        ({"to": HEPING}, "not_authorised"),
        ({"area": None}, "not_authorised"),
        ({"area": "210102"}, "not_authorised"),
        ({"area": "210000"}, "accepted"),
    ],
)
def test_delegation_reaches_as_far_as_it_says(
    desk: Desk, given: dict[str, Any], code: str
) -> None:
    delegate(desk, **given)
    assert desk.may("ISSUE", LICENSE, **BY_OTHER) == code


def test_delegate_whose_own_area_covers_the_issuer_needs_no_other(desk: Desk) -> None:
    delegate(desk, area=None)
    assert desk.change(DALIAN, area="210000") == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_OTHER) == "accepted"


def test_delegation_lapses_with_its_delegator(desk: Desk) -> None:
    delegate(desk)
    assert desk.put("authority:" + SHENYANG, "END") == "accepted"
    assert desk.may("REVOKE", LICENSE, **BY_OTHER) == "not_authorised"


def test_delegate_needs_the_role_of_a_publisher(desk: Desk) -> None:
    delegate(desk)
    assert desk.change(DALIAN, roles=["custodian"]) == "accepted"
    assert desk.may("ISSUE", LICENSE, **BY_OTHER) == "not_authorised"


def succeed(desk: Desk, predecessor: str, to: str, **given: Any) -> None:
    grant = {"to": to, "from_date": "2026-01-01", "area": "210100"} | given
    assert desk.change(predecessor, successions=[GrantDraft(**grant)]) == "accepted"


def test_successor_carries_on_what_an_ended_organ_issued(desk: Desk) -> None:
    succeed(desk, SHENYANG, DALIAN)
    assert desk.put("authority:" + SHENYANG, "END") == "accepted"
    assert desk.may("RENEW", LICENSE, **BY_OTHER) == "accepted"


def test_succession_counts_from_its_day(desk: Desk) -> None:
    succeed(desk, SHENYANG, DALIAN, from_date="2026-11-24")
    assert desk.may("RENEW", LICENSE, **BY_OTHER) == "not_authorised"


def test_successor_of_a_successor_and_its_delegate_act_too(desk: Desk) -> None:
    succeed(desk, SHENYANG, DALIAN)
    succeed(desk, DALIAN, HEPING)
    assert desk.may("RENEW", LICENSE, **BY_COUNTY) == "accepted"
    grant = GrantDraft(to=HEPING, from_date="2026-01-01", area="210100")
    changed = desk.change(DALIAN, successions=[], delegations=[grant])
    assert changed == "accepted"
    assert desk.may("RENEW", LICENSE, **BY_COUNTY) == "accepted"


def test_successions_in_a_circle_come_to_an_end(desk: Desk) -> None:
    succeed(desk, SHENYANG, DALIAN)
    succeed(desk, DALIAN, SHENYANG)
    assert desk.may("RENEW", LICENSE, **BY_OTHER) == "accepted"
    assert desk.may("RENEW", LICENSE, **BY_COUNTY) == "not_authorised"


# --- Custodians and superiors ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "flags", "code"),
    [
        ("BASELINE", None, "accepted"),
        ("LINK", None, "accepted"),
        ("ISSUE", None, "not_authorised"),
        ("CANCEL", None, "not_authorised"),
        ("ISSUE", BACKFILL, "accepted"),
        ("CANCEL", BACKFILL, "accepted"),
    ],
)
def test_custodian_keeps_stock_and_decides_nothing(
    desk: Desk, act: str, flags: Flags | None, code: str
) -> None:
    found = desk.may(act, LICENSE, opening=True, flags=flags, **BY_CUSTODIAN)
    assert found == code


def test_custodian_of_another_area_is_not_authorised(desk: Desk) -> None:
    assert desk.change(STOCK, area="210200") == "accepted"
    assert desk.may("BASELINE", LICENSE, **BY_CUSTODIAN) == "not_authorised"


def test_backfill_needs_the_role_even_from_the_issuer(desk: Desk) -> None:
    found = desk.may("BASELINE", LICENSE, flags=BACKFILL, **BY_CITY)
    assert found == "not_authorised"
    assert desk.may("BASELINE", LICENSE, **BY_CITY) == "accepted"
    assert desk.change(SHENYANG, roles=["publisher", "custodian"]) == "accepted"
    assert desk.may("BASELINE", LICENSE, flags=BACKFILL, **BY_CITY) == "accepted"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("ANNUL", "accepted"),
        ("RESTORE", "accepted"),
        ("REVOKE", "not_authorised"),
        ("CHANGE", "not_authorised"),
    ],
)
def test_superior_undoes_and_does_nothing_else(desk: Desk, act: str, code: str) -> None:
    assert desk.may(act, LICENSE, **BY_BOSS) == code


def test_superior_opens_no_chain(desk: Desk) -> None:
    assert desk.may("ANNUL", LICENSE, opening=True, **BY_BOSS) == "not_authorised"


def test_superior_of_another_area_is_not_authorised(desk: Desk) -> None:
    assert desk.change(PROVINCE, area="210102") == "accepted"
    assert desk.may("ANNUL", LICENSE, **BY_BOSS) == "not_authorised"


def test_penalty_organ_may_be_named_without_being_registered(desk: Desk) -> None:
    found = desk.may("REVOKE", LICENSE, deciding_authority="某区人民法院", **BY_CITY)
    assert found == "accepted"


# --- Sets of signatures ------------------------------------------------------------------------


def cosigned(desk: Desk, *by: Any) -> str:
    return desk.may("ISSUE", PERMIT, by=by, authority=SHENYANG)


def test_joint_act_needs_exactly_main_and_joint(desk: Desk) -> None:
    desk.add_authority(
        "12210100MB1X00026K",
        "210100",
        "publisher",
        keys=[key(20)],
        nonstandard_code=True,
    )
    main, joint = signer(CITY), signer(key(20), JOINT)
    assert cosigned(desk, main, joint) == "accepted"
    assert cosigned(desk, main) == "signatures_missing"
    assert cosigned(desk, main, joint, signer(BOSS, SUPERIOR)) == "signatures_missing"
    assert cosigned(desk, main, signer(key(20), SUPERIOR)) == "signatures_missing"
    found = desk.may("BASELINE", PERMIT, by=[main, joint], authority=SHENYANG)
    assert found == "signatures_missing"


def test_two_keys_of_one_authority_are_no_joint_signature(desk: Desk) -> None:
    found = cosigned(desk, signer(CITY), signer(SECOND, JOINT))
    assert found == "signatures_missing"


@pytest.mark.parametrize(
    "cosigner",
    [
        signer(OTHER, JOINT),  # of another city
        signer(COUNTY, JOINT),  # of a part of it only
        signer(CUSTODIAN, JOINT),  # no publisher
        signer(ROOTS[0], JOINT),  # no act key
    ],
)
def test_cosigner_that_has_no_say_here(desk: Desk, cosigner: Any) -> None:
    assert cosigned(desk, signer(CITY), cosigner) == "not_authorised"


def test_ended_cosigner_is_not_authorised(desk: Desk) -> None:
    assert desk.change(DALIAN, area="210100") == "accepted"
    assert cosigned(desk, signer(CITY), signer(OTHER, JOINT)) == "accepted"
    assert desk.put("authority:" + DALIAN, "END") == "accepted"
    assert cosigned(desk, signer(CITY), signer(OTHER, JOINT)) == "not_authorised"


def test_superior_signature_is_a_supervisors(desk: Desk) -> None:
    kind = replace(license_type(BUSINESS), signatures={"ANNUL": (MAIN, SUPERIOR)})
    by = [signer(CITY), signer(BOSS, SUPERIOR)]
    named: dict[str, Any] = {"authority": SHENYANG, "kind": kind}
    assert desk.may("ANNUL", LICENSE, by=by, **named) == "accepted"
    assert desk.may("ANNUL", LICENSE, by=by[:1], **named) == "signatures_missing"
    below = [signer(CITY), signer(COUNTY, SUPERIOR)]
    assert desk.may("ANNUL", LICENSE, by=below, **named) == "not_authorised"


# --- Destruction of holder keys -------------------------------------------------------------------


def destroy(desk: Desk, by: Any, authority: str, *license_ids: Any) -> str:
    fields = {"license_ids": {"strings": list(license_ids)}}
    made: Event = event(
        "ab" * 32,
        "DESTROY",
        fields,  # type: ignore[arg-type]
        by=by,
        authority=authority,
        chain="holder",
    )
    try:
        desk.registry.authorise(
            made, license_id=None, license_type=None, opening=True, sealed_at=SEALED_AT
        )
    except Refusal as refusal:
        return refusal.code
    return "accepted"


def test_custodian_and_supervisor_destroy_together(desk: Desk) -> None:
    both = [signer(CUSTODIAN), signer(BOSS, SUPERIOR)]
    assert destroy(desk, both, STOCK, LICENSE, "") == "accepted"
    assert destroy(desk, both[:1], STOCK, LICENSE) == "signatures_missing"
    joint = [signer(CUSTODIAN), signer(BOSS, JOINT)]
    assert destroy(desk, joint, STOCK, LICENSE) == "not_authorised"
    assert destroy(desk, [CITY], SHENYANG, LICENSE) == "not_authorised"


def test_nobody_destroys_outside_its_area(desk: Desk) -> None:
    both = [signer(CUSTODIAN), signer(BOSS, SUPERIOR)]
    unknown = LICENSE.replace(SHENYANG, "91210100MA0TE5T168")
    assert destroy(desk, both, STOCK, LICENSE, unknown) == "not_authorised"
    assert desk.change(PROVINCE, area="210200") == "accepted"
    assert destroy(desk, both, STOCK, LICENSE) == "not_authorised"
    assert desk.change(PROVINCE, area="210000") == "accepted"
    assert desk.change(STOCK, area="210200") == "accepted"
    assert destroy(desk, both, STOCK, LICENSE) == "not_authorised"


def test_destruction_of_no_named_license_is_left_to_the_field_check(desk: Desk) -> None:
    both = [signer(CUSTODIAN), signer(BOSS, SUPERIOR)]
    assert destroy(desk, both, STOCK, "not an id") == "accepted"


def test_one_organ_in_both_roles_destroys_nothing(desk: Desk) -> None:
    desk.add_authority(
        "12210000MB1X00034F",
        "210000",
        "custodian",
        "supervisor",
        keys=[key(30), key(31)],
        nonstandard_code=True,
    )
    both = [signer(key(30)), signer(key(31), SUPERIOR)]
    assert destroy(desk, both, "12210000MB1X00034F", LICENSE) == "signatures_missing"
