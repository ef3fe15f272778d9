"""Signatures stripped, added, moved, respelled: none of it is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.codec import RECORD_1, decode_record, encode
from ledger.envelope import encode_event
from ledger.events import Event
from ledger.publish import Signed, sign_together
from ledger.signing import tbs
from ledger.sm2_curve import N
from tests.builders import World, province
from tests.sample_province import (
    FIELDS,
    JOINT_CODE,
)


@pytest.fixture
def world() -> World:
    return province()


def issue_event(world: World, serial: str = "1", **changes: Any) -> Event:
    return world.draft(
        "ISSUE", world.license_id(serial), **({"fields": FIELDS} | changes)
    )


def joint(world: World, serial: str = "1") -> Signed:
    license_id = world.license_id(serial, code=JOINT_CODE)
    event = world.draft("ISSUE", license_id, fields=FIELDS)
    return world.sign(event, "city", ("province", 2))


def rewritten(signed: Signed, **changes: Any) -> bytes:
    """The record with other signatures, or another body under the same ones."""
    record: Any = {**decode_record(signed.data), **changes}
    return encode(RECORD_1, record)


def test_stripped_signature_is_malformed(world: World) -> None:
    signed = joint(world)
    signatures = decode_record(signed.data)["signatures"]
    for rest in (signatures[:1], signatures[1:], []):
        data = rewritten(signed, signatures=rest)
        assert world.admit(data, signed.source).code == "malformed"
    world.accept(signed)


def test_added_signature_is_malformed(world: World) -> None:
    signed = world.sign(issue_event(world), "city")
    signatures = decode_record(signed.data)["signatures"]
    data = rewritten(signed, signatures=signatures * 2)
    assert world.admit(data, signed.source).code == "malformed"


def test_599_signatures_are_malformed(world: World) -> None:
    signed = world.sign(issue_event(world), "city")
    signatures = decode_record(signed.data)["signatures"]
    data = rewritten(signed, signatures=signatures * 599)
    assert len(data) < 60_000
    assert world.admit(data, signed.source).code == "malformed"


def test_signer_left_out_of_the_event_spoils_the_others_signature(
    world: World,
) -> None:
    event = issue_event(world)
    both = world.sign(event, "city", ("province", 2))
    assert world.send(both).code == "signatures_missing"
    alone = world.sign(event, "city")
    for one in decode_record(both.data)["signatures"]:
        data = rewritten(alone, signatures=[one])
        assert world.admit(data, alone.source).code == "bad_signature"


def test_signer_added_to_the_event_spoils_the_others_signature(world: World) -> None:
    license_id = world.license_id("1", code=JOINT_CODE)
    event = world.draft("ISSUE", license_id, fields=FIELDS)
    alone = world.sign(event, "city")
    assert world.send(alone).code == "signatures_missing"
    both = world.sign(event, "city", ("province", 2))
    [mine] = decode_record(alone.data)["signatures"]
    data = rewritten(both, signatures=[mine, mine])
    assert world.admit(data, both.source).code == "bad_signature"


def test_signatures_in_the_others_places_do_not_hold(world: World) -> None:
    signed = joint(world)
    signatures = decode_record(signed.data)["signatures"]
    data = rewritten(signed, signatures=signatures[::-1])
    assert world.admit(data, signed.source).code == "bad_signature"


def test_signature_made_for_another_role_does_not_hold(world: World) -> None:
    signed = world.sign(issue_event(world), "city")
    body = decode_record(signed.data)["body"]
    for role in (2, 3):
        value = world.signer("city").sign(tbs(role, body))
        data = rewritten(signed, signatures=[{"value": value, "batch": None}])
        assert world.admit(data, signed.source).code == "bad_signature"


def test_one_key_in_two_roles_is_malformed(world: World) -> None:
    entries = [
        {**one.entry, "role": role} for one in world.roles("city") for role in (1, 2)
    ]
    license_id = world.license_id("1", code=JOINT_CODE)
    event = world.draft("ISSUE", license_id, fields=FIELDS)
    signed = world.sign(event, "city")
    event["signers"] = entries  # type: ignore[typeddict-item]
    body = encode_event(event)
    signatures = [
        {"value": world.signer("city").sign(tbs(role, body)), "batch": None}
        for role in (1, 2)
    ]
    data = rewritten(signed, body=body, signatures=signatures)
    assert world.admit(data, signed.source).code == "malformed"


@pytest.mark.parametrize(
    "value",
    [
        bytes(64),
        bytes(32) + b"\x01" * 32,
        b"\x01" * 32 + bytes(32),
        N.to_bytes(32, "big") + b"\x01" * 32,
        b"\x01" * 32 + N.to_bytes(32, "big"),
        b"\xff" * 64,
        b"\x30\x44" + b"\x02" * 62,
    ],
)
def test_numbers_that_are_no_signature_do_not_hold(value: bytes, world: World) -> None:
    signed = world.sign(issue_event(world), "city")
    data = rewritten(signed, signatures=[{"value": value, "batch": None}])
    assert world.admit(data, signed.source).code == "bad_signature"


def test_other_spelling_of_a_signature_does_not_hold(world: World) -> None:
    signed = world.sign(issue_event(world), "city")
    value = decode_record(signed.data)["signatures"][0]["value"]
    r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    for numbers in ((r, N - s), (N - r, s), (s, r)):
        other = b"".join(number.to_bytes(32, "big") for number in numbers)
        data = rewritten(signed, signatures=[{"value": other, "batch": None}])
        assert world.admit(data, signed.source).code == "bad_signature"


def together(world: World, count: int = 3) -> list[Signed]:
    events = [issue_event(world, str(number)) for number in range(count)]
    roles = world.roles("city")
    for event in events:
        event["signers"] = [one.entry for one in roles]
    return sign_together(events, roles, batch_ids=[b"\x09" * 16], partitions=12)


def test_place_in_a_batch_is_not_anothers(world: World) -> None:
    signed = together(world)
    taken = [decode_record(one.data)["signatures"] for one in signed]
    data = rewritten(signed[0], signatures=taken[1])
    assert world.admit(data, signed[0].source).code == "bad_signature"
    for one in signed:
        world.accept(one)


@pytest.mark.parametrize(
    "changes",
    [{"index": 1}, {"count": 4}, {"batch_id": b"\x08" * 16}, {"path": [bytes(32)] * 2}],
)
def test_batch_told_otherwise_does_not_hold(
    changes: dict[str, Any], world: World
) -> None:
    signed = together(world)[0]
    [signature] = decode_record(signed.data)["signatures"]
    batch = {**(signature["batch"] or {}), **changes}
    data = rewritten(signed, signatures=[{**signature, "batch": batch}])
    assert world.admit(data, signed.source).code == "bad_signature"


def test_batch_signature_is_none_for_one_event_alone(world: World) -> None:
    signed = together(world, 1)[0]
    [signature] = decode_record(signed.data)["signatures"]
    data = rewritten(signed, signatures=[{**signature, "batch": None}])
    assert world.admit(data, signed.source).code == "bad_signature"
