from __future__ import annotations

from typing import Any, cast

import pytest

from ledger.checkpoint import Checkpoint, checkpoint_text
from ledger.errors import Untrusted
from ledger.events import Seal, VerdictRange
from ledger.note import make_note
from ledger.seal import decode_seal, encode_seal, seal_digest, signed_seal
from ledger.seal_reader import Fork, SealReader
from ledger.signing import verify
from ledger.tip import Tip
from tests.ledger.seal_maker import NOW, ORIGIN, SIGNERS, Keys, SealMaker


@pytest.fixture
def maker() -> SealMaker:
    return SealMaker()


def reader_of(
    maker: SealMaker, keys: Keys | None = None, tip: Tip | None = None
) -> SealReader:
    return SealReader(
        origin=ORIGIN, keys=keys or Keys(), verify=verify, seen=maker.seen, tip=tip
    )


def test_reader_follows_honest_seals(maker: SealMaker) -> None:
    reader = reader_of(maker)
    maker.seal({"registry": 1})
    maker.seal({"registry": 2, "events-1": 3}, maker.verdicts(0))
    maker.seal({}, maker.verdicts(1, "events-1"))
    maker.seal({"events-0": 1}, maker.verdicts(1, "registry"))
    taken = [reader.feed(data) for data in maker.seals]
    assert taken == maker.made
    assert reader.tip == maker.tip
    assert reader.tip.nexts == {"registry": 3, "events-1": 3, "events-0": 1}
    assert reader.tip.verdict_nexts == {"registry": 3, "events-1": 3}
    assert reader.skipped == 0


def test_reader_goes_on_from_a_tip(maker: SealMaker) -> None:
    maker.seal({"registry": 1})
    tip = maker.tip
    maker.seal({"events-0": 2}, maker.verdicts(0))
    reader = reader_of(maker, tip=tip)
    assert reader.feed(maker.seals[0]) is None
    assert reader.feed(maker.seals[1]) == maker.made[1]


def test_repeats_and_garbage_are_skipped_and_counted(maker: SealMaker) -> None:
    reader = reader_of(maker)
    first = maker.seal({"registry": 1})
    second = maker.seal({"events-0": 1})
    third = maker.seal({"events-0": 1})
    assert reader.feed(first) is not None
    for data in (b"", b"garbage", first, first[:-1], third):
        assert reader.feed(data) is None
    assert reader.skipped == 5
    assert reader.feed(second) is not None
    assert reader.feed(third) is not None
    assert reader.evidence.maxlen == 100
    assert not reader.evidence


def test_same_seal_signed_again_is_a_repeat(maker: SealMaker) -> None:
    reader = reader_of(maker)
    first = maker.seal({"registry": 1})
    again = encode_seal(signed_seal(decode_seal(first), ORIGIN, SIGNERS[0]))
    assert again != first
    assert reader.feed(first) is not None
    assert reader.feed(again) is None
    assert reader.skipped == 1


def test_seal_of_a_stranger_is_skipped(maker: SealMaker) -> None:
    reader = reader_of(maker)
    strange = maker.seal({"registry": 1}, signer=SIGNERS[3], sealed_at=NOW)
    assert reader.feed(strange) is None
    assert reader.feed(maker.seal({"registry": 1})) is not None
    assert not reader.evidence


def test_checkpoint_of_another_seal_does_not_sign_this_one(maker: SealMaker) -> None:
    reader = reader_of(maker)
    other = decode_seal(maker.seal({"registry": 2}, sealed_at=NOW))
    honest = decode_seal(maker.seal({"registry": 1}))
    forged = cast(Seal, {**other, "checkpoint": honest["checkpoint"]})
    assert reader.feed(encode_seal(forged)) is None
    assert reader.tip.seal_no == -1


def test_note_of_another_ledger_does_not_sign(maker: SealMaker) -> None:
    reader = reader_of(maker)
    seal = decode_seal(maker.seal({"registry": 1}))
    elsewhere = signed_seal(seal, "ledger.example/other", SIGNERS[0])
    assert reader.feed(encode_seal(elsewhere)) is None


def test_fork_halts_and_keeps_both_seals(maker: SealMaker) -> None:
    reader = reader_of(maker)
    first = maker.seal({"registry": 1})
    other = maker.seal({"registry": 1}, seal_no=0, previous=bytes(32), tree_size=1)
    assert reader.feed(first) is not None
    with pytest.raises(Fork) as caught:
        reader.feed(other)
    assert (caught.value.first, caught.value.second) == (first, other)
    assert "seal 0" in str(caught.value)
    assert reader.tip == maker.tip


def test_fork_of_an_old_number_halts(maker: SealMaker) -> None:
    other = maker.seal({"registry": 3})
    maker = SealMaker()
    for count in range(1, 5):
        maker.seal({"registry": count})
    reader = reader_of(maker, tip=maker.tip)
    with pytest.raises(Fork) as caught:
        reader.feed(other)
    assert caught.value.first == maker.seals[0]


def test_seal_of_an_ended_key_is_evidence_and_does_not_halt(maker: SealMaker) -> None:
    keys = Keys()
    reader = reader_of(maker, keys)
    assert reader.feed(maker.seal({"registry": 1})) is not None
    keys.changes = 1
    old_fork = SealMaker().seal({"registry": 2})
    next_one = maker.seal({"registry": 1}, sealed_at=NOW)
    assert reader.feed(old_fork) is None
    assert reader.feed(next_one) is None
    assert list(reader.evidence) == [old_fork, next_one]
    assert reader.skipped == 2
    rightly = maker.seal({"registry": 1}, signer=SIGNERS[1])
    assert reader.feed(rightly) is not None


def test_evidence_is_bounded(maker: SealMaker) -> None:
    keys = Keys()
    keys.changes = 1
    reader = reader_of(maker, keys)
    old = maker.seal({"registry": 1})
    for _ in range(105):
        assert reader.feed(old) is None
    assert (len(reader.evidence), reader.skipped) == (100, 105)


def verdict(**changed: Any) -> list[VerdictRange]:
    return [
        cast(
            VerdictRange,
            {
                "seal_no": 0,
                "source": "registry",
                "first": 0,
                "count": 2,
                "root": bytes(32),
                "refused": [],
                **changed,
            },
        )
    ]


RANGE = {"source": "events-0", "from": 0, "to": 1}


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("another predecessor", {"previous": bytes(32)}),
        ("time goes back", {"sealed_at": NOW - 2}),
        ("do not add up", {"tree_size": 99}),
        ("without new records", {"ranges": [], "tree_size": 2, "root": bytes(32)}),
        ("where the last ended", {"ranges": [{**RANGE, "from": 1, "to": 2}]}),
        ("where the last ended", {"ranges": [{**RANGE, "to": 0}]}),
        ("where the last ended", {"ranges": [{**RANGE, "to": -1}]}),
        ("unknown or out of order", {"ranges": [{**RANGE, "source": "events-2"}]}),
        ("unknown or out of order", {"ranges": [RANGE, RANGE]}),
        (
            "unknown or out of order",
            {"ranges": [{**RANGE, "source": "events-1"}, RANGE]},
        ),
        ("too many", {"ranges": [{**RANGE, "to": 16_385}], "tree_size": 16_387}),
        ("no seal covers", {"verdicts": verdict(seal_no=1)}),
        ("no seal covers", {"verdicts": verdict(seal_no=-1)}),
        ("no seal covers", {"verdicts": verdict(source="events-0")}),
        ("no seal covers", {"verdicts": verdict(first=-1)}),
        ("follow one another", {"verdicts": verdict(first=1, count=1)}),
        ("follow one another", {"verdicts": verdict(count=0)}),
        ("follow one another", {"verdicts": verdict(count=-1)}),
        ("follow one another", {"verdicts": verdict(count=3)}),
        ("follow one another", {"verdicts": verdict() + verdict()}),
        ("refusals", {"verdicts": verdict(refused=[{"position": 2, "code": "x"}])}),
        ("refusals", {"verdicts": verdict(refused=[{"position": -1, "code": "x"}])}),
        ("refusals", {"verdicts": verdict(refused=[{"position": 0, "code": ""}])}),
        (
            "refusals",
            {"verdicts": verdict(refused=[{"position": 0, "code": "accepted"}])},
        ),
        ("refusals", {"verdicts": verdict(refused=[{"position": 0, "code": "x"}] * 2)}),
    ],
)
def test_signed_seal_that_breaks_a_rule_halts(
    maker: SealMaker, reason: str, changed: dict[str, Any]
) -> None:
    reader = reader_of(maker)
    reader.feed(maker.seal({"registry": 2}))
    broken = maker.seal({"events-0": 1}, **{"sealed_at": NOW, **changed})
    with pytest.raises(Untrusted, match=reason):
        reader.feed(broken)
    assert reader.tip == maker.tip


def test_first_seal_must_cover_the_founding_record(maker: SealMaker) -> None:
    reader = reader_of(maker)
    with pytest.raises(Untrusted, match="founding"):
        reader.feed(maker.seal({"events-0": 1}, sealed_at=NOW))


def test_verdicts_may_be_split_anywhere(maker: SealMaker) -> None:
    reader = reader_of(maker)
    maker.seal({"registry": 5})
    maker.seal({}, verdict(count=2))
    maker.seal({}, verdict(first=2, count=1) + verdict(first=3, count=2))
    for data in maker.seals:
        assert reader.feed(data) is not None
    assert reader.tip.verdict_nexts == {"registry": 5}


def test_checkpoint_that_says_other_things_than_its_seal_halts(
    maker: SealMaker,
) -> None:

    reader = reader_of(maker)
    seal = decode_seal(maker.seal({"registry": 1}))
    lying = Checkpoint(
        origin=ORIGIN,
        size=2,
        root=seal["root"],
        seal_no=0,
        sealed_at=seal["sealed_at"],
        seal_digest=seal_digest(seal),
    )
    text = checkpoint_text(lying)
    note = make_note(text, ORIGIN, SIGNERS[0].public_key, SIGNERS[0].sign(text))
    forged = cast(Seal, {**seal, "checkpoint": note.decode()})
    with pytest.raises(Untrusted, match="other things"):
        reader.feed(encode_seal(forged))


def test_any_flipped_bit_is_skipped(maker: SealMaker) -> None:
    data = maker.seal({"registry": 1})
    reader = reader_of(maker)
    for place in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        assert reader.feed(bytes(flipped)) is None
    assert reader.feed(data) is not None
