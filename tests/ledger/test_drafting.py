from __future__ import annotations

from typing import Any

import pytest

from ledger.codec import decode_value
from ledger.drafting import Draft, DraftKeys, Position, draft_event
from ledger.encryption import decrypt_field, event_key
from ledger.envelope import encode_event
from ledger.errors import Malformed
from ledger.events import Event
from ledger.license_identifiers import certificate_identifier
from ledger.next_position import next_position
from tests.builders import World, province
from tests.sample_province import CITIZEN, DECISION, FIELDS, HOLDER_ENTRY

SECRET = bytes(32)


@pytest.fixture(scope="module")
def world() -> World:
    return province()


def fields_of(event: Event) -> dict[str, Any]:
    return {field["name"]: field["value"] for field in event["fields"]}


def opened(world: World, event: Event, name: str, blob: bytes) -> object:
    found = decrypt_field(
        event_key=event_key(SECRET, event["event_id"]),
        origin=world.registry.origin,
        event_id=event["event_id"],
        holder_ref=HOLDER_ENTRY["ref"],
        name=name,
        blob=blob,
    )
    return decode_value(found.avro_value)


def test_personal_fields_and_reasons_go_in_encrypted_and_open_again(
    world: World,
) -> None:
    event = world.draft(
        "ISSUE", world.license_id("1"), fields=FIELDS, decision=DECISION
    )
    fields, decision = fields_of(event), event["decision"]
    assert fields["scope"] == FIELDS["scope"]
    assert opened(world, event, "name", fields["name"]) == FIELDS["name"]
    assert decision is not None
    reason = opened(world, event, "decision.reason", decision["reason"])
    assert reason == DECISION.reason
    for clear in (FIELDS["name"], DECISION.reason):
        assert str(clear).encode() not in encode_event(event)


def test_field_that_the_type_does_not_know_is_not_written_in_clear(
    world: World,
) -> None:
    fields = {**FIELDS, "citizen_number": CITIZEN}
    event = world.draft("ISSUE", world.license_id("1"), fields=fields)
    assert CITIZEN.encode() not in encode_event(event)


def test_fields_are_sorted_and_null_stays_null(world: World) -> None:
    event = world.draft(
        "ISSUE", world.license_id("1"), fields={**FIELDS, "valid_until": None}
    )
    names = [field["name"] for field in event["fields"]]
    assert names == sorted(names)
    assert fields_of(event)["valid_until"] is None


def test_version_making_act_gets_its_identifier_and_others_none(world: World) -> None:
    license_id = world.license_id("2")
    world.issue("2")
    changed = fields_of(world.draft("CHANGE", license_id, fields={"scope": "二"}))
    assert changed["certificate_identifier"] == certificate_identifier(license_id, 2)
    assert fields_of(world.draft("ANNOTATE", license_id)) == {}


def test_identifier_that_is_given_is_kept(world: World) -> None:
    given = certificate_identifier(world.license_id("1"), 7)
    event = world.draft(
        "ISSUE",
        world.license_id("1"),
        fields={**FIELDS, "certificate_identifier": given},
    )
    assert fields_of(event)["certificate_identifier"] == given


def test_next_position_follows_the_chain(world: World) -> None:
    license_id = world.license_id("3")
    draft = Draft(act="RENEW", license_id=license_id, effective_at=0, authority="")
    assert next_position(draft, world.chain(license_id)) == Position(version=1)
    head = world.issue("3").verdict.digest
    assert next_position(draft, world.chain(license_id)) == Position(
        sequence=2, previous=head, version=2
    )


def test_restoring_an_act_makes_a_version_when_that_act_did(world: World) -> None:
    license_id = world.license_id("4")
    world.issue("4")
    changed = world.act("CHANGE", license_id, fields={"scope": "二"}).verdict.digest
    revoked = world.act("REVOKE", license_id).verdict.digest
    for digest, version in ((changed, 3), (revoked, 0)):
        draft = Draft(
            act="RESTORE",
            license_id=license_id,
            effective_at=0,
            authority="",
            causes=(digest,),
        )
        assert next_position(draft, world.chain(license_id)).version == version


def test_value_to_encrypt_without_a_holder_is_malformed(world: World) -> None:
    kind = world.registry.license_type(world.license_id("1").split(".")[5])
    assert kind is not None
    draft = Draft(
        act="ISSUE",
        license_id=world.license_id("1"),
        effective_at=0,
        authority="",
        fields=FIELDS,
    )
    with pytest.raises(Malformed):
        draft_event(
            draft,
            origin=world.registry.origin,
            kind=kind,
            position=Position(version=1),
            keys=DraftKeys(event_id=bytes(16), holders=(), event_keys=()),
            signed_at=0,
            signers=[],
            random_bytes=world.chance,
        )


def test_unknown_part_of_the_matter_is_malformed(world: World) -> None:
    with pytest.raises(Malformed) as caught:
        world.draft("ISSUE", world.license_id("1"), fields=FIELDS, matter={"name": "x"})
    assert caught.value.found == "name"


def test_drafts_show_no_personal_values() -> None:
    draft = Draft(
        act="ISSUE", license_id="", effective_at=0, authority="", fields=FIELDS
    )
    for shown in (draft, DECISION):
        assert str(FIELDS["name"]) not in repr(shown)
        assert DECISION.reason not in repr(shown)
