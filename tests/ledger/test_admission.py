from __future__ import annotations

from typing import Any

import pytest

from ledger.events import Event
from ledger.publish import sign
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.workdays import DAY_US
from tests.builders import World, province
from tests.refusal_cases import CASES, lengthen, spoilt
from tests.sample_province import CITY, FIELDS, JOINT_CODE, PROVINCE, TODAY, permit


@pytest.fixture
def world() -> World:
    return province()


def test_province_is_admitted_from_the_founding_record_on(world: World) -> None:
    assert {sent.code for sent in world.records} == {ACCEPTED}
    assert world.issue("1").verdict.after is not None


@pytest.mark.parametrize("name", CASES)
def test_record_is_refused(name: str, world: World) -> None:
    code, case = CASES[name]
    sent = case(world, "1")
    assert sent.code == code, sent.verdict.detail
    assert not sent.verdict.accepted
    assert sent.verdict.act is None
    assert sent.verdict.after is None


def test_every_refusal_code_is_reached_by_a_case() -> None:
    assert {code for code, _ in CASES.values()} == set(REFUSALS)


@pytest.mark.parametrize("name", CASES)
def test_refused_record_changes_nothing(name: str, world: World) -> None:
    _, case = CASES[name]
    sent = case(world, "1")
    before = world.state()
    again = world.admit(sent.data, sent.source)
    assert again.code == sent.code
    assert world.state() == before


# --- checks 5 and 6


def test_repeat_is_duplicate_whatever_has_changed_since(world: World) -> None:
    signed = world.sign(
        world.draft("ISSUE", world.license_id("1"), fields=FIELDS), "city"
    )
    first = world.accept(signed)
    world.now += 30 * DAY_US  # it would be expired
    world.end_key("city")  # its key has ended
    world.add_type(permit(name="二版"))  # its type version is not in force
    sent = world.admit(spoilt(signed), signed.source)
    assert sent.code == "duplicate"
    assert sent.verdict.detail == f"accepted at position {first.verdict.position}"


def test_repeat_of_an_earlier_act_is_duplicate(world: World) -> None:
    first = world.issue("1")
    world.act("REVOKE", world.license_id("1"))
    assert world.admit(first.data, first.source).code == "duplicate"


def test_founding_record_sent_again_is_duplicate(world: World) -> None:
    first = world.records[0]
    assert world.admit(first.data, first.source).code == "duplicate"


def test_source_repeated_names_the_first_position(world: World) -> None:
    matter = {"source_system": "oa", "source_ref": "7"}
    first = world.issue("1", matter=matter)
    event = world.draft("ISSUE", world.license_id("1"), fields=FIELDS, matter=matter)
    sent = world.send(world.sign(event, "city"))
    assert sent.code == "source_repeated"
    assert str(first.verdict.position) in sent.verdict.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"matter": {"source_system": "oa", "source_ref": "8"}},
        {"matter": {"source_system": "crm", "source_ref": "7"}},
        {"matter": {"source_system": "oa"}},
        {"matter": {"source_ref": "7"}},
        {"effective_at": TODAY + 1},
    ],
)
def test_other_act_of_the_same_source_is_not_repeated(
    changes: dict[str, Any], world: World
) -> None:
    license_id = world.license_id("1")
    matter = {"source_system": "oa", "source_ref": "7"}
    world.issue("1")
    world.act("ANNOTATE", license_id, matter=matter)
    again = world.act("ANNOTATE", license_id, **({"matter": matter} | changes))
    assert again.code == "accepted"


def test_act_without_a_source_may_look_like_another(world: World) -> None:
    world.issue("1")
    told = [world.act("ANNOTATE", world.license_id("1")) for _ in range(2)]
    assert [one.code for one in told] == ["accepted"] * 2


def test_stale_and_gap_tell_the_head(world: World) -> None:
    license_id = world.license_id("1")
    world.issue("1")
    rival, winner = (world.signed("ANNOTATE", license_id) for _ in range(2))
    head = world.accept(winner).verdict.digest.hex()
    stale = world.send(rival).verdict
    assert stale.code == "stale"
    assert stale.detail == f"head is sequence 2, digest {head}"
    event = world.draft("ANNOTATE", license_id)
    event["sequence"] = 9
    gap = world.send(world.sign(event, "city")).verdict
    assert gap.code == "gap"
    assert gap.detail == f"head is sequence 2, digest {head}"


def test_gap_on_an_empty_chain_says_so(world: World) -> None:
    event = world.draft("ISSUE", world.license_id("1"), fields=FIELDS)
    event["sequence"], event["previous"] = 2, b"\x01" * 32
    sent = world.send(world.sign(event, "city"))
    assert sent.code == "gap"
    assert sent.verdict.detail == "the chain is empty: sequence 1"


def test_first_valid_one_of_many_rivals_wins(world: World) -> None:
    world.issue("1")
    license_id = world.license_id("1")
    rivals = [world.signed("ANNOTATE", license_id) for _ in range(5)]
    broken = world.admit(spoilt(rivals[0]), rivals[0].source)
    codes = [world.send(rival).code for rival in rivals]
    assert broken.code == "bad_signature"
    assert codes == [ACCEPTED] + ["stale"] * 4


def test_chain_takes_only_endings_near_its_end_and_nothing_at_it(world: World) -> None:
    world.issue("1")
    world.act("ANNOTATE", world.license_id("1"))
    lengthen(world, "1", 3_839)
    license_id = world.license_id("1")
    world.accept(world.signed("ANNOTATE", license_id))
    assert world.send(world.signed("ANNOTATE", license_id)).code == "chain_full"
    world.act("SUSPEND", license_id, fields={"term_until": "2026-09-01"})
    lengthen(world, "1", 4_095)
    world.act("REVOKE", license_id)
    assert world.send(world.signed("CANCEL", license_id)).code == "chain_full"


# --- check 7


@pytest.mark.parametrize(
    ("signed_before", "code"),
    [
        (7 * DAY_US, ACCEPTED),
        (7 * DAY_US + 1, "expired"),
        (-DAY_US, ACCEPTED),
        (-DAY_US - 1, "expired"),
    ],
)
def test_act_is_signed_within_seven_days_before_and_one_after(
    signed_before: int, code: str, world: World
) -> None:
    event = world.draft(
        "ISSUE",
        world.license_id("1"),
        fields=FIELDS,
        signed_at=world.now - signed_before,
    )
    assert world.send(world.sign(event, "city")).code == code


def test_registry_record_of_the_root_quorum_never_expires(world: World) -> None:
    event = world.key_event("new", CITY)
    event["signed_at"] -= 400 * DAY_US
    assert world.send(world.sign(event, "root")).code == "accepted"


def test_registry_record_of_anybody_else_expires(world: World) -> None:
    subject = f"key:{world.signer('city').key_id.hex()}"
    event = world.registry_event(subject, "END", {}, CITY)
    event["signed_at"] -= 8 * DAY_US
    assert world.send(world.sign(event, "city")).code == "expired"


# --- checks 4, 8 to 10


def test_succeeding_source_carries_what_its_predecessor_did(world: World) -> None:
    signed = world.sign(
        world.draft("ISSUE", world.license_id("1"), fields=FIELDS), "city"
    )
    assert world.admit(signed.data, f"{signed.source}.1").code == ACCEPTED


@pytest.mark.parametrize("source", ["events-99", "registry", "seals", "events-", ""])
def test_license_record_elsewhere_is_misrouted(source: str, world: World) -> None:
    signed = world.sign(
        world.draft("ISSUE", world.license_id("1"), fields=FIELDS), "city"
    )
    assert world.admit(signed.data, source).code == "misrouted"


def test_registry_record_on_a_partition_is_misrouted(world: World) -> None:
    signed = world.sign(world.key_event("new", CITY), "root")
    assert world.admit(signed.data, "events-0").code == "misrouted"


def test_dispute_acts_are_not_switched_on_yet(world: World) -> None:
    event = world.draft("ANNOTATE", world.license_id("1"))
    event["chain"], event["subject"] = "dispute", world.license_id("1") + "/1"
    event["type_version"], event["act"] = 0, "DISPUTE_OPEN"
    assert world.send(world.sign(event, "city")).code == "unknown_act"


def test_joint_act_needs_both_and_takes_them_from_two_authorities(
    world: World,
) -> None:
    def event() -> Event:
        return world.draft(
            "ISSUE", world.license_id("1", code=JOINT_CODE), fields=FIELDS
        )

    assert world.send(world.sign(event(), "city")).code == "signatures_missing"
    world.add_key("city two", CITY)
    twice = world.sign(event(), "city", ("city two", 2))
    assert world.send(twice).code == "signatures_missing"
    world.accept(world.sign(event(), "city", ("province", 2)))


def test_verdict_does_not_depend_on_signatures_verified_ahead(world: World) -> None:
    signed = [
        world.sign(world.draft("ISSUE", world.license_id(n), fields=FIELDS), "city")
        for n in map(str, range(20))
    ]
    data = [one.data for one in signed]
    data[7] = spoilt(signed[7])
    world.admission.verify_ahead(world.admission.open(data))
    codes = [
        world.admit(one, place.source).code
        for one, place in zip(data, signed, strict=True)
    ]
    world.admission.forget_verified()
    assert codes == [ACCEPTED] * 7 + ["bad_signature"] + [ACCEPTED] * 12


def test_verdict_tells_what_the_license_was_and_is(world: World) -> None:
    issued = world.issue("1").verdict
    revoked = world.act("REVOKE", world.license_id("1")).verdict
    assert issued.before is None
    assert revoked.before == issued.after
    assert revoked.after is not None
    assert revoked.after.terminal == "REVD"
    assert revoked.act is not None
    assert revoked.act.position == revoked.position
    assert revoked.recorded_at == world.now


def test_late_act_is_flagged(world: World) -> None:
    license_id = world.license_id("1")
    world.issue("1", effective_at=TODAY - 30 * DAY_US)
    world.act("RENEW", license_id, fields={"valid_until": "2036-03-01"})
    late = world.act("SUSPEND", license_id, effective_at=TODAY - 10 * DAY_US)
    assert "late" in late.verdict.flags


def test_province_as_authority_of_a_citys_license_is_not_authorised(
    world: World,
) -> None:
    event = world.draft(
        "ISSUE", world.license_id("1"), fields=FIELDS, authority=PROVINCE
    )
    assert world.send(world.sign(event, "province")).code == "not_authorised"


def test_event_is_signed_by_the_keys_it_names(world: World) -> None:
    event = world.draft("ISSUE", world.license_id("1"), fields=FIELDS)
    signed = world.sign(event, "city")
    assert sign(event, world.roles("city"), partitions=12).digest == signed.digest
