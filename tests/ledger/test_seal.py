from __future__ import annotations

import hashlib
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import open_checkpoint
from ledger.errors import Malformed
from ledger.events import Refused, Seal, VerdictRange
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.seal import (
    SEAL_SIZE_MAX,
    Placed,
    SealedVerdict,
    checkpoint_of,
    decode_seal,
    encode_seal,
    fair_shares,
    fitting_verdicts,
    placed_ranges,
    seal_digest,
    signed_seal,
    verdict_leaf,
    verdict_path,
    verdict_range,
    verdict_root,
)
from ledger.signing import verify
from tests.ledger.seal_maker import NOW, ORIGIN, SIGNERS, SOURCES

SEAL: Seal = {
    "seal_no": 7,
    "previous": b"\x01" * 32,
    "sealed_at": NOW,
    "ranges": [
        {"source": "registry", "from": 1, "to": 3},
        {"source": "events-1", "from": 40, "to": 45},
    ],
    "tree_size": 100,
    "root": b"\x02" * 32,
    "verdicts": [
        {
            "seal_no": 6,
            "source": "events-0",
            "first": 90,
            "count": 3,
            "root": b"\x03" * 32,
            "refused": [{"position": 91, "code": "stale"}],
        }
    ],
    "checkpoint": "",
}


def avro_long(number: int) -> bytes:
    """Avro 1.11, "Binary encoding": zigzag, then seven bits a byte."""
    number = number << 1 if number >= 0 else ((-number) << 1) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def avro_text(text: str) -> bytes:
    return avro_long(len(text.encode())) + text.encode()


def by_hand(seal: Seal) -> bytes:
    out = bytes.fromhex("c301") + encode_seal(seal)[2:10]
    out += avro_long(seal["seal_no"]) + seal["previous"]
    out += avro_long(seal["sealed_at"]) + avro_long(len(seal["ranges"]))
    for given_range in seal["ranges"]:
        out += avro_text(given_range["source"])
        out += avro_long(given_range["from"]) + avro_long(given_range["to"])
    out += b"\0" + avro_long(seal["tree_size"]) + seal["root"]
    out += avro_long(len(seal["verdicts"]))
    for verdict in seal["verdicts"]:
        out += avro_long(verdict["seal_no"]) + avro_text(verdict["source"])
        out += avro_long(verdict["first"]) + avro_long(verdict["count"])
        out += verdict["root"] + avro_long(len(verdict["refused"]))
        for refusal in verdict["refused"]:
            out += avro_long(refusal["position"]) + avro_text(refusal["code"])
        out += b"\0"
    return out + b"\0" + avro_text(seal["checkpoint"])


def test_seal_bytes_are_those_of_the_avro_specification() -> None:
    assert encode_seal(SEAL) == by_hand(SEAL)
    assert decode_seal(encode_seal(SEAL)) == SEAL


def test_seal_digest_leaves_the_checkpoint_out() -> None:
    expected = hashlib.new("sm3", b"license-ledger/seal/v1\0" + by_hand(SEAL))
    assert seal_digest(SEAL) == expected.digest()
    signed = signed_seal(SEAL, ORIGIN, SIGNERS[0])
    assert signed["checkpoint"]
    assert seal_digest(signed) == expected.digest()


def test_signed_seal_carries_the_checkpoint_of_its_own_digest() -> None:
    signed = signed_seal(SEAL, ORIGIN, SIGNERS[0])
    checkpoint = open_checkpoint(
        signed["checkpoint"].encode(),
        origin=ORIGIN,
        public_key=SIGNERS[0].public_key,
        verify=verify,
    )
    assert checkpoint == checkpoint_of(SEAL, ORIGIN)
    assert (checkpoint.size, checkpoint.seal_no) == (100, 7)
    assert checkpoint.seal_digest == seal_digest(SEAL)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc3\x01",
        encode_seal(SEAL)[:-1],
        encode_seal(SEAL) + b"\0",
        b"\xc3\x01" + bytes(8) + encode_seal(SEAL)[10:],
        encode_seal(SEAL)[:10] + b"\x8e\x00" + encode_seal(SEAL)[11:],
        bytes(SEAL_SIZE_MAX + 1),
    ],
)
def test_other_bytes_are_no_seal(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_seal(data)


def test_seal_above_its_size_cannot_be_made() -> None:
    crowded = cast(Seal, {**SEAL, "checkpoint": "x" * SEAL_SIZE_MAX})
    with pytest.raises(Malformed, match="too large"):
        encode_seal(crowded)


def test_positions_run_on_through_the_ranges() -> None:
    assert placed_ranges(SEAL) == (
        Placed(source="registry", start=1, end=3, position=93),
        Placed(source="events-1", start=40, end=45, position=95),
    )


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 50)), st.integers(0, 99)
)
def test_shares_are_fair(waiting: dict[str, int], limit: int) -> None:
    shares = fair_shares(waiting, limit=limit)
    assert sum(shares.values()) == min(limit, sum(waiting.values()))
    assert all(0 < share <= waiting[source] for source, share in shares.items())
    # Nobody gets less than an even part, except what it does not need.
    busy = sum(count > 0 for count in waiting.values())
    for source, count in waiting.items():
        assert shares.get(source, 0) >= min(count, limit // busy if busy else 0)


def entries(count: int, first: int = 5) -> list[SealedVerdict]:
    return [
        SealedVerdict(
            position=position,
            leaf=leaf_hash(b"%d" % position),
            code="accepted" if position % 3 else "stale",
        )
        for position in range(first, first + count)
    ]


def test_verdict_leaf_is_position_leaf_hash_and_code() -> None:
    leaf = leaf_hash(b"record")
    assert verdict_leaf(258, leaf, "stale") == bytes(6) + b"\x01\x02" + leaf + b"stale"


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 33])
def test_every_verdict_is_proved_by_its_path(count: int) -> None:
    sealed = entries(count)
    for entry in sealed:
        verify_inclusion(
            leaf_hash=leaf_hash(verdict_leaf(entry.position, entry.leaf, entry.code)),
            index=entry.position - 5,
            size=count,
            path=verdict_path(sealed, entry.position),
            root=verdict_root(sealed),
        )


def test_path_of_a_position_outside_the_range_is_malformed() -> None:
    for position in (4, 9, -1):
        with pytest.raises(Malformed):
            verdict_path(entries(4), position)
    with pytest.raises(Malformed):
        verdict_path([], 0)


def test_verdict_range_lists_the_refused() -> None:
    sealed = entries(5)
    assert verdict_range(seal_no=3, source="events-0", entries=sealed) == {
        "seal_no": 3,
        "source": "events-0",
        "first": 5,
        "count": 5,
        "root": verdict_root(sealed),
        "refused": [
            {"position": 6, "code": "stale"},
            {"position": 9, "code": "stale"},
        ],
    }


def test_verdict_range_takes_consecutive_positions_only() -> None:
    with pytest.raises(Malformed, match="at least one"):
        verdict_range(seal_no=3, source="events-0", entries=[])
    with pytest.raises(Malformed, match="not consecutive"):
        verdict_range(seal_no=3, source="events-0", entries=entries(5)[::2])


def full_verdicts(first: int, refused: int) -> VerdictRange:
    listed: list[Refused] = [
        {"position": position, "code": "signatures_missing"}
        for position in range(first, first + refused)
    ]
    return {
        "seal_no": 2**40,
        "source": "events-0",
        "first": first,
        "count": max(refused, 1),
        "root": bytes(32),
        "refused": listed,
    }


@pytest.mark.parametrize("refused", [0, 1, 1_000, 16_384])
def test_fitting_verdicts_fill_a_seal_but_never_burst_it(refused: int) -> None:
    offered = (full_verdicts(2**50 + n * 20_000, refused) for n in range(12_000))
    taken = fitting_verdicts(offered, SOURCES)
    firsts = [verdict["first"] for verdict in taken]
    assert firsts == [2**50 + n * 20_000 for n in range(len(taken))]
    seal = cast(Seal, {**SEAL, "verdicts": taken})
    size = len(encode_seal(signed_seal(seal, ORIGIN, SIGNERS[0])))
    assert SEAL_SIZE_MAX * 0.4 < size <= SEAL_SIZE_MAX
