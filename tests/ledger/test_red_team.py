"""Attacks by those who may append, and by those who hold somebody's key."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.events import Event, Value
from ledger.keyring import possession_message
from ledger.license_identifiers import certificate_identifier
from ledger.refusals import ACCEPTED
from ledger.workdays import DAY_US
from tests import fixed, hostile
from tests.builders import World, province
from tests.deviants import DEVIANTS
from tests.sample_province import (
    CITY,
    DECISION,
    FIELDS,
    HOLDER_ENTRY,
    OTHER_CITY,
    PROVINCE,
)


@pytest.fixture
def world() -> World:
    return province()


def issue_event(world: World, serial: str = "1", **changes: Any) -> Event:
    return world.draft(
        "ISSUE", world.license_id(serial), **({"fields": FIELDS} | changes)
    )


# --- other licenses, other ledgers, other people's keys


def test_certificate_identifier_of_another_license_is_invalid(world: World) -> None:
    other = certificate_identifier(world.license_id("2"), 1)
    fields: dict[str, Value] = {**FIELDS, "certificate_identifier": other}
    signed = world.sign(issue_event(world, "1", fields=fields), "city")
    assert world.send(signed).code == "invalid_fields"


def test_serial_of_another_issuer_cannot_be_squatted_on(world: World) -> None:
    event = issue_event(world, "1", authority=OTHER_CITY)
    assert world.send(world.sign(event, "other city")).code == "not_authorised"
    posing = world.sign(issue_event(world, "1"), "other city")
    assert world.send(posing).code == "not_authorised"
    assert world.issue("1").code == ACCEPTED


def test_refused_revocation_lives_again_until_it_has_expired(world: World) -> None:
    world.issue("1")
    license_id = world.license_id("1")
    event = world.draft("REVOKE", license_id, decision=DECISION)
    signed = world.sign(event, "new")
    assert world.send(signed).code == "unknown_key"
    world.add_key("new", CITY)
    before = world.state()
    signed_at = world.now
    world.now = signed_at + 7 * DAY_US + 1
    assert world.send(signed).code == "expired"
    assert world.state() == before
    world.now = signed_at + 7 * DAY_US
    assert world.send(signed).code == ACCEPTED


def test_record_of_another_ledger_of_the_same_name_is_refused(world: World) -> None:
    other = World(name=world.name)
    other.found(roots=("root", "second root"))
    assert other.name == world.name
    assert other.registry.origin != world.registry.origin
    for sent in (other.records[0], other.add_key("key", "", "witness")):
        assert world.admit(sent.data, "registry").code == "wrong_ledger"


def test_key_is_registered_by_nobody_but_its_owner(world: World) -> None:
    event = world.key_event("victim", OTHER_CITY, possession=bytes(64).hex())
    assert world.send(world.sign(event, "root")).code == "invalid_fields"
    elsewhere = fixed.signer("victim").sign(
        possession_message(bytes(16), OTHER_CITY, "act")
    )
    other_office = fixed.signer("victim").sign(
        possession_message(world.registry.origin, CITY, "act")
    )
    other_purpose = fixed.signer("victim").sign(
        possession_message(world.registry.origin, OTHER_CITY, "witness")
    )
    for stolen in (elsewhere, other_office, other_purpose):
        event = world.key_event("victim", OTHER_CITY, possession=stolen.hex())
        assert world.send(world.sign(event, "root")).code == "invalid_fields"
    world.add_key("victim", OTHER_CITY)


def test_department_registers_no_key_for_itself_or_others(world: World) -> None:
    for uscc in (CITY, OTHER_CITY, PROVINCE):
        event = world.key_event("more", uscc)
        event["authority"] = CITY
        assert world.send(world.sign(event, "city")).code == "not_authorised"


def test_registered_key_is_never_registered_again(world: World) -> None:
    event = world.key_event("former", OTHER_CITY)
    event["sequence"], event["previous"] = 1, bytes(32)
    assert world.send(world.sign(event, "root")).code == "stale"
    again = world.key_event("former", OTHER_CITY)
    assert world.send(world.sign(again, "root")).code == "illegal_transition"


def test_ended_key_signs_nothing_however_early_it_says_it_signed(
    world: World,
) -> None:
    event = issue_event(world, signed_at=world.now - 6 * DAY_US)
    signed = world.sign(event, "city")
    world.end_key("city")
    assert world.send(signed).code == "key_inactive"


def test_root_and_sealer_keys_sign_no_license(world: World) -> None:
    for name in ("root", "sealer"):
        signed = world.sign(issue_event(world), name)
        assert world.send(signed).code == "not_authorised"


def test_second_founding_founds_nothing(world: World) -> None:
    event = world.founding_event()
    event["event_id"] = b"\x01" * 16
    event["sequence"], event["previous"] = 1, bytes(32)
    signed = world.sign(event, "root", "sealer")
    before = world.state()
    assert world.send(signed).code == "wrong_ledger"
    event["origin"] = world.registry.origin
    assert world.send(world.sign(event, "root", "sealer")).code == "stale"
    event["sequence"], event["previous"] = 2, world.records[0].verdict.digest
    assert world.send(world.sign(event, "root")).code == "illegal_transition"
    assert world.state() == before


def test_nothing_is_accepted_before_the_founding_record() -> None:
    ready, empty = province(), World()
    before = empty.state()
    signed = ready.sign(issue_event(ready), "city")
    later = [(one.data, one.source) for one in ready.records[1:]]
    for data, source in [*later, (signed.data, signed.source)]:
        assert empty.admit(data, source).code == "wrong_ledger"
    assert empty.state() == before


# --- roles


def test_backfill_needs_the_role(world: World) -> None:
    fields: dict[str, Value] = {**FIELDS, "state": "VALID"}
    license_id = world.license_id("1")

    def event(authority: str) -> Event:
        return world.draft(
            "BASELINE",
            license_id,
            fields=fields,
            authority=authority,
            source_act="register",
        )

    assert world.send(world.sign(event(CITY), "city")).code == "not_authorised"
    world.accept(world.sign(event(PROVINCE), "province"))


def test_destruction_needs_custodian_and_supervisor(world: World) -> None:
    ref = HOLDER_ENTRY["ref"].hex()
    world.add_authority("11100000MB03271699", area="210000", roles=["supervisor"])
    world.add_key("supervisor", "11100000MB03271699")

    def event(authority: str = PROVINCE) -> Event:
        return world.destroy_event(ref, [world.license_id("1")], authority)

    assert world.send(world.sign(event(), "province")).code == "signatures_missing"
    alone = world.sign(event(CITY), "city", ("supervisor", 3))
    assert world.send(alone).code == "not_authorised"
    both = world.sign(event(), "province", ("supervisor", 3))
    world.accept(both)
    assert world.send(both).code == "duplicate"
    world.accept(world.sign(event(), "province", ("supervisor", 3)))


# --- floods, flips, repeats


def test_flood_of_refusals_changes_nothing(world: World) -> None:
    world.issue("1")
    before = world.state()
    junk = [data for data, _ in DEVIANTS.values()]
    junk += [data for _, data in hostile.corpus()]
    for number, data in enumerate(junk):
        sent = world.admit(data, ("registry", "events-0")[number % 2])
        assert sent.code in ("malformed", "unknown_schema")
    assert world.state() == before
    world.act("REVOKE", world.license_id("1"))


def test_flipped_bit_anywhere_is_refused(world: World) -> None:
    signed = world.sign(issue_event(world), "city")
    before = world.state()
    for at in range(len(signed.data)):
        data = bytearray(signed.data)
        data[at] ^= 1 << at % 8
        assert world.admit(bytes(data), signed.source).code != ACCEPTED
    assert world.state() == before
    world.accept(signed)


def test_log_delivered_twice_makes_the_same_licenses(world: World) -> None:
    world.issue("1")
    world.act("REVOKE", world.license_id("1"))
    before = world.state()
    for sent in list(world.records):
        assert world.admit(sent.data, sent.source).code == "duplicate"
    assert world.state() == before
