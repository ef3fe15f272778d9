from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.checkpoint import parse_checkpoint
from ledger.errors import Malformed, Untrusted
from ledger.note import parse_note
from ledger.receipt import verify_receipt
from ledger.receipt_file import Receipt, VerdictProof, read_receipt, write_receipt
from ledger.seal import decode_seal, encode_seal, placed_ranges, signed_seal
from ledger.tip import Tip, next_tip
from ledger.workdays import DAY_US
from tests.builders import World, province
from tests.deviants import DEVIANTS
from tests.golden.log import send_batch
from tests.refusal_cases import spoilt
from tests.sample_province import FIELDS, JOINT_CODE
from tests.sealed import SealedWorld, seal_world


def story() -> World:
    """A province with some licenses, a change of the sealer's key, and a refusal."""
    world = province()
    for day, serial in enumerate("123"):
        world.now += DAY_US
        world.issue(serial)
        if day == 1:
            world.add_key("sealer two", "", "seal")
    event = world.draft("ISSUE", world.license_id("J", code=JOINT_CODE), fields=FIELDS)
    world.accept(world.sign(event, "city", ("province", 2)))
    signed = world.signed("REVOKE", world.license_id("1"))
    world.admit(spoilt(signed), signed.source)
    world.accept(signed)
    send_batch(world, 5)
    world.now += DAY_US
    world.add_key("sealer three", "", "seal")
    return world


@pytest.fixture(scope="module")
def sealed() -> SealedWorld:
    return seal_world(story())


@pytest.fixture(scope="module")
def receipt(sealed: SealedWorld) -> Receipt:
    return sealed.receipt(position_of(sealed, "REVOKE"))


def position_of(sealed: SealedWorld, act: str, code: str = "accepted") -> int:
    """The position of the first record of this act with this verdict."""
    return next(
        sent.verdict.position
        for sent in sealed.world.records
        if sent.code == code
        and sent.verdict.event is not None
        and sent.verdict.event["act"] == act
    )


def test_seals_of_the_story_follow_one_another(sealed: SealedWorld) -> None:
    tip = Tip()
    for number, seal in enumerate(sealed.seals):
        tip = next_tip(
            tip,
            decode_seal(encode_seal(seal)),
            sources=sealed.world.registry.sources(),
            placed_of=lambda n: placed_ranges(sealed.seals[n]),
        )
        assert tip.seal_no == number
    assert tip.tree_size == len(sealed.world.records)


def test_receipt_of_every_accepted_record_verifies(sealed: SealedWorld) -> None:
    for sent in sealed.world.records:
        if sent.code == "accepted":
            given = sealed.receipt(sent.verdict.position)
            proven = verify_receipt(given, name=sealed.origin)
            assert proven.accepted
            assert proven.event == sent.verdict.event
            assert proven.digest == sent.verdict.digest
            assert proven.position == sent.verdict.position


def test_receipt_tells_ledger_checkpoint_and_steps(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    proven = verify_receipt(receipt, name=sealed.origin)
    assert proven.ledger == sealed.world.name
    assert proven.origin == sealed.world.registry.origin
    assert proven.checkpoint == parse_checkpoint(parse_note(receipt.checkpoint).text)
    assert len(proven.steps) == 6
    assert proven.steps[1] == "3 sealer keys since the founding"


def test_receipt_verifies_under_every_seal_since(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    for at, seal in enumerate(sealed.seals):
        if seal["tree_size"] > receipt.position:
            given = sealed.receipt(receipt.position, at=at)
            assert verify_receipt(given, name=sealed.origin).accepted


def test_receipt_survives_being_written(sealed: SealedWorld, receipt: Receipt) -> None:
    again = read_receipt(write_receipt(receipt))
    assert again == receipt
    assert verify_receipt(again, name=sealed.origin).accepted


def test_receipt_without_its_second_half_shows_no_verdict(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    for position in (receipt.position, position_of(sealed, "REVOKE", "bad_signature")):
        half = sealed.receipt(position, verdict=False)
        if position == receipt.position:
            proven = verify_receipt(half, name=sealed.origin)
            assert not proven.accepted
            assert proven.steps[-1] == "in the log, verdict not shown"
        else:
            with pytest.raises(Untrusted):
                verify_receipt(half, name=sealed.origin)


def test_refused_record_is_never_shown_as_accepted(sealed: SealedWorld) -> None:
    position = position_of(sealed, "REVOKE", "bad_signature")
    with pytest.raises(Untrusted):
        verify_receipt(sealed.receipt(position), name=sealed.origin)


def test_well_signed_refused_record_is_in_the_log_and_not_accepted() -> None:
    world = province()
    world.issue("1")
    rival, winner = (world.signed("REVOKE", world.license_id("1")) for _ in range(2))
    world.accept(winner)
    assert world.send(rival).code == "stale"
    sealed = seal_world(world)
    position = position_of(sealed, "REVOKE", "stale")
    half = sealed.receipt(position, verdict=False)
    assert not verify_receipt(half, name=sealed.origin).accepted
    with pytest.raises(Untrusted):
        verify_receipt(sealed.receipt(position), name=sealed.origin)


# --- whose keys


def test_every_sealer_key_of_the_ledger_may_be_the_readers_own(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    for name in ("sealer", "sealer two", "sealer three"):
        key = sealed.world.signer(name).public_key
        assert verify_receipt(receipt, name=sealed.origin, public_key=key).accepted


@pytest.mark.parametrize("name", ["stranger", "root", "city"])
def test_readers_key_must_be_the_sealers(
    name: str, sealed: SealedWorld, receipt: Receipt
) -> None:
    key = sealed.world.signer(name).public_key
    with pytest.raises(Untrusted, match="sealer key"):
        verify_receipt(receipt, name=sealed.origin, public_key=key)


def test_receipt_of_another_ledger_is_untrusted(receipt: Receipt) -> None:
    other = seal_world(province(name="elsewhere"))
    with pytest.raises(Untrusted, match="another ledger"):
        verify_receipt(receipt, name=other.origin)
    with pytest.raises(Untrusted):
        verify_receipt(replace(receipt, sealers=other.sealers()), name=other.origin)


def test_ledger_of_the_same_name_is_another_one(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    world = World(name=sealed.world.name)
    world.found(roots=("root", "second root"))
    twin = seal_world(world)
    assert twin.origin != sealed.origin
    with pytest.raises(Untrusted, match="another ledger"):
        verify_receipt(receipt, name=twin.origin)


def test_checkpoint_of_a_key_that_never_sealed_is_untrusted(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    for name in ("root", "city", "stranger"):
        forged = signed_seal(sealed.seals[-1], sealed.origin, sealed.world.signer(name))
        note = forged["checkpoint"].encode()
        with pytest.raises(Untrusted, match="no sealer key"):
            verify_receipt(replace(receipt, checkpoint=note), name=sealed.origin)


def test_key_records_must_follow_from_the_founding_record(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    founding, second, third = receipt.sealers
    world = sealed.world
    other = next(
        s.data
        for s in world.records
        if s.source == "registry" and s.data not in receipt.sealers
    )
    license_record = next(s.data for s in world.records if s.source != "registry")
    for wrong in (
        (),
        (founding,),  # the last checkpoint is by a later key
        (second, third),
        (second, founding, third),
        (founding, second, second),
        (founding, founding),
        (founding, second, third, b""),
        (founding, second, third, license_record),
        (founding, other, second, third),
        (founding, second, third[:-1]),
    ):
        with pytest.raises(Untrusted):
            verify_receipt(replace(receipt, sealers=wrong), name=sealed.origin)


def test_root_record_about_something_else_is_no_key_record(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    """One that this code could not follow would halt a fold; a receipt is no fold."""
    world = province(name=sealed.world.name)
    fields: dict[str, Any] = {"acts": {"strings": ["license/X"]}, "sm3": "00" * 32}
    event = world.registry_event("rule:2", "ADD", fields)
    event["origin"] = sealed.world.registry.origin
    rule = world.sign(event, "root").data
    with pytest.raises(Untrusted, match="not a key record"):
        verify_receipt(
            replace(receipt, sealers=(*receipt.sealers, rule)), name=sealed.origin
        )


# --- tampering


def tampered(receipt: Receipt) -> list[Receipt]:
    """The receipt with each of its members changed in several ways."""
    verdict = receipt.verdict
    assert verdict is not None
    found = [
        replace(receipt, position=position)
        for position in (0, receipt.position - 1, receipt.position + 1, 2**63, 2**200)
    ]
    found += [replace(receipt, record=other) for other in flipped(receipt.record)]
    found += [replace(receipt, record=data) for data, _ in list(DEVIANTS.values())[::5]]
    found += [replace(receipt, checkpoint=n) for n in flipped(receipt.checkpoint, 11)]
    found += [replace(receipt, path=p) for p in broken_lists(receipt.path)]
    found += [replace(receipt, keys=k) for k in broken_lists(receipt.keys)]
    found += [replace(receipt, sealers=s) for s in broken_lists(receipt.sealers, 211)]
    proofs: list[VerdictProof] = [
        replace(verdict, first=first)
        for first in (verdict.first - 1, verdict.first + 1, 0, 2**200)
    ]
    proofs += [replace(verdict, path=p) for p in broken_lists(verdict.path)]
    proofs += [replace(verdict, seal=s) for s in flipped(verdict.seal)]
    return found + [replace(receipt, verdict=proof) for proof in proofs]


def flipped(data: bytes, step: int = 31) -> list[bytes]:
    """The bytes with one bit changed, at many places, cut short, and gone on."""
    found = []
    for at in range(0, len(data), step):
        other = bytearray(data)
        other[at] ^= 1 << at % 8
        found.append(bytes(other))
    return [*found, data[:-1], data + b"\0", b""]


def broken_lists(items: tuple[bytes, ...], step: int = 17) -> list[tuple[bytes, ...]]:
    """The list with an item changed, missing, twice, added, or out of order."""
    found = [
        (*items[:at], other, *items[at + 1 :])
        for at, item in enumerate(items)
        for other in flipped(item, step)
    ]
    found += [items[:at] + items[at + 1 :] for at in range(len(items))]
    found += [(*items, items[-1]), (*items, bytes(32)), (*items, b"")] if items else []
    return found + ([items[::-1]] if len(items) > 1 else [])


def test_receipt_with_any_member_changed_is_untrusted(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    count = 0
    for other in tampered(receipt):
        count += 1
        with pytest.raises(Untrusted):
            verify_receipt(other, name=sealed.origin)
    assert count > 100


def test_receipt_file_with_any_byte_changed_is_malformed_or_untrusted(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    data = write_receipt(receipt)
    for at in range(0, len(data), 61):
        other = bytearray(data)
        other[at] ^= 1 << at % 8
        with pytest.raises((Malformed, Untrusted)):
            verify_receipt(read_receipt(bytes(other)), name=sealed.origin)


def test_receipt_of_one_record_proves_no_other(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    other = sealed.receipt(position_of(sealed, "ISSUE"))
    for part in ("record", "position", "path", "verdict", "keys"):
        mixed = replace(receipt, **{part: getattr(other, part)})
        if mixed != receipt:
            with pytest.raises(Untrusted):
                verify_receipt(mixed, name=sealed.origin)


def test_seal_that_carries_other_verdicts_proves_nothing(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    verdict = receipt.verdict
    assert verdict is not None
    for seal in sealed.seals:
        proof = replace(verdict, seal=encode_seal(seal))
        if proof != verdict:
            with pytest.raises(Untrusted):
                verify_receipt(replace(receipt, verdict=proof), name=sealed.origin)


def test_seal_changed_under_its_checkpoint_is_untrusted(
    sealed: SealedWorld, receipt: Receipt
) -> None:
    assert receipt.verdict is not None
    seal = decode_seal(receipt.verdict.seal)
    for changes in ({"sealed_at": 1}, {"seal_no": 0}, {"root": bytes(32)}):
        other = encode_seal({**seal, **changes})  # type: ignore[typeddict-item]
        proof = replace(receipt.verdict, seal=other)
        with pytest.raises(Untrusted):
            verify_receipt(replace(receipt, verdict=proof), name=sealed.origin)


def test_members_out_of_the_file_are_what_they_were(receipt: Receipt) -> None:
    document = json.loads(write_receipt(receipt))
    assert document["format"] == "license-ledger/receipt@v1"
    assert document["position"] == receipt.position
    assert document["checkpoint"].startswith("liaoning/")
