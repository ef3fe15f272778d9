"""Knows the seal (封账): its bytes and digest, what it covers, and the verdict tree.

A seal fixes which records come next, in the order registry, events-0 … P-1. It carries
the tree head over everything sealed so far and the verdicts on records of earlier seals.
``ledger.seal_reader`` holds the rules by which one seal follows another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ledger.checkpoint import Checkpoint, checkpoint_text
from ledger.codec import SEAL_1, decode_canonical, encode
from ledger.errors import Malformed
from ledger.events import Seal, VerdictRange
from ledger.merkle import leaf_hash, tree_path, tree_root
from ledger.note import make_note
from ledger.refusals import ACCEPTED
from ledger.signing import Signer

SEAL_RECORDS_MAX = 16_384
SEAL_BYTES_MAX = 64 * 1024 * 1024
SEAL_SIZE_MAX = 900_000

_CONTEXT = b"license-ledger/seal/v1\0"
# What a seal holds besides ranges and verdicts: numbers, digests, and the checkpoint.
_REST_SIZE = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Records [start, end) of a source and the sealed position of the first of them."""

    source: str
    start: int
    end: int
    position: int

    @property
    def count(self) -> int:
        """The number of records, at least 1."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedVerdict:
    """What the verdict tree says of one record; ``leaf`` is the record's leaf hash."""

    position: int
    leaf: bytes
    code: str


def encode_seal(seal: Seal) -> bytes:
    """Returns the single-object bytes; Malformed above SEAL_SIZE_MAX."""
    data = encode(SEAL_1, seal)
    _check_size(data)
    return data


def decode_seal(data: bytes) -> Seal:
    """Returns the seal of which ``data`` is the one encoding, else raises Malformed."""
    _check_size(data)
    return cast(Seal, decode_canonical(SEAL_1, data))


def seal_digest(seal: Seal) -> bytes:
    """Returns SM3("license-ledger/seal/v1␀" ‖ bytes of the seal without checkpoint)."""
    unsigned = encode(SEAL_1, cast(Seal, {**seal, "checkpoint": ""}))
    return hashlib.new("sm3", _CONTEXT + unsigned).digest()


def placed_ranges(seal: Seal) -> tuple[Placed, ...]:
    """Returns the seal's ranges with the positions that they have in sealed order."""
    position = seal["tree_size"] - sum(r["to"] - r["from"] for r in seal["ranges"])
    placed = []
    for given in seal["ranges"]:
        start, end = given["from"], given["to"]
        placed.append(
            Placed(source=given["source"], start=start, end=end, position=position)
        )
        position += end - start
    return tuple(placed)


def checkpoint_of(seal: Seal, origin: str) -> Checkpoint:
    """Returns the checkpoint that belongs to a seal; ``origin`` is its origin line."""
    return Checkpoint(
        origin=origin,
        size=seal["tree_size"],
        root=seal["root"],
        seal_no=seal["seal_no"],
        sealed_at=seal["sealed_at"],
        seal_digest=seal_digest(seal),
    )


def signed_seal(seal: Seal, origin: str, signer: Signer) -> Seal:
    """Returns the seal with its checkpoint as a note signed by ``signer``."""
    text = checkpoint_text(checkpoint_of(seal, origin))
    note = make_note(text, origin, signer.public_key, signer.sign(text))
    return cast(Seal, {**seal, "checkpoint": note.decode()})


def fair_shares(
    waiting: Mapping[str, int], *, limit: int = SEAL_RECORDS_MAX
) -> dict[str, int]:
    """Shares out ``limit`` records so that no busy source can starve another.

    Each source gets what it has waiting or an equal part of what the less busy ones
    leave over, at least 1 unless there are more sources than records to share.
    """
    shares: dict[str, int] = {}
    busiest_last = sorted((n, source) for source, n in waiting.items() if n > 0)
    for served, (count, source) in enumerate(busiest_last):
        share = min(count, limit // (len(busiest_last) - served))
        limit -= share
        if share:
            shares[source] = share
    return shares


def fitting_verdicts(
    verdicts: Iterable[VerdictRange], sources: Sequence[str]
) -> list[VerdictRange]:
    """Returns the first of ``verdicts`` that fit into a seal over these sources."""
    left = SEAL_SIZE_MAX - _REST_SIZE - sum(24 + len(s.encode()) for s in sources)
    taken = []
    for verdict in verdicts:
        left -= _verdict_size(verdict)
        if left < 0:
            break
        taken.append(verdict)
    return taken


def verdict_leaf(position: int, leaf: bytes, code: str) -> bytes:
    """Returns the leaf data of one verdict: u64 position ‖ record leaf hash ‖ code."""
    return position.to_bytes(8, "big") + leaf + code.encode()


def verdict_root(entries: Sequence[SealedVerdict]) -> bytes:
    """Returns the root of the verdict tree over these records, in order of position."""
    return tree_root(_verdict_leaves(entries))


def verdict_path(entries: Sequence[SealedVerdict], position: int) -> list[bytes]:
    """Returns the inclusion path of one position in its range's verdict tree."""
    index = position - entries[0].position if entries else -1
    return tree_path(index, _verdict_leaves(entries))


def verdict_range(
    *, seal_no: int, source: str, entries: Sequence[SealedVerdict]
) -> VerdictRange:
    """Returns the sealed form of the verdicts on consecutive records of one source.

    ``first`` is the position of the first. Raises Malformed if there are none, or if
    the positions are not consecutive.
    """
    if not entries:
        raise Malformed("no verdicts to seal", expected="at least one")
    first = entries[0].position
    for expected, entry in enumerate(entries, first):
        if entry.position != expected:
            raise Malformed(
                "verdicts are not consecutive",
                expected=f"position {expected}",
                found=f"position {entry.position}",
                where=f"seal {seal_no}, {source}",
            )
    return {
        "seal_no": seal_no,
        "source": source,
        "first": first,
        "count": len(entries),
        "root": verdict_root(entries),
        "refused": [
            {"position": entry.position, "code": entry.code}
            for entry in entries
            if entry.code != ACCEPTED
        ],
    }


def _verdict_leaves(entries: Sequence[SealedVerdict]) -> list[bytes]:
    return [
        leaf_hash(verdict_leaf(entry.position, entry.leaf, entry.code))
        for entry in entries
    ]


def _verdict_size(verdict: VerdictRange) -> int:
    """An upper bound: a long takes at most 10 bytes, a string 5 besides its own."""
    refused = sum(15 + len(refusal["code"].encode()) for refusal in verdict["refused"])
    return 90 + len(verdict["source"].encode()) + refused


def _check_size(data: bytes) -> None:
    if len(data) > SEAL_SIZE_MAX:
        raise Malformed(
            "a seal is too large",
            expected=f"at most {SEAL_SIZE_MAX} bytes",
            found=f"{len(data)} bytes",
        )
