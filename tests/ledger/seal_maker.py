"""Makes rightly signed seals for tests, and wrong ones on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ledger.events import Seal, VerdictRange
from ledger.merkle import leaf_hash, tree_root
from ledger.seal import (
    SealedVerdict,
    encode_seal,
    placed_ranges,
    signed_seal,
    verdict_range,
)
from ledger.signing import Signer, SoftwareSigner, public_from_private
from ledger.sources import source_names
from ledger.tip import Tip, next_tip

PARTITIONS = 2
SOURCES = source_names(PARTITIONS)
ORIGIN = "ledger.example/0123456789abcdef0123456789abcdef"
NOW = 1_780_000_000_000_000


def make_signer(number: int) -> SoftwareSigner:
    private = hashlib.sha256(b"test key %d" % number).digest()
    return SoftwareSigner(private, public_from_private(private))


SIGNERS = tuple(make_signer(number) for number in range(4))


class Keys:
    """The sealer keys in force: SIGNERS[changes], those before it have ended."""

    def __init__(self) -> None:
        self.changes = 0

    def sealer_key(self) -> bytes:
        return SIGNERS[self.changes].public_key

    def ended_sealer_keys(self) -> Sequence[bytes]:
        return [signer.public_key for signer in SIGNERS[: self.changes]]

    def sources(self) -> Sequence[str]:
        return SOURCES


class SealMaker:
    """Makes one seal after the other; ``seals[n]`` are the bytes of seal n.

    Record k of a source is the bytes ``<source>/<k>``; its verdict is "accepted"
    unless ``refused`` names another code for its position.
    """

    def __init__(self, signer: Signer = SIGNERS[0]) -> None:
        self.signer = signer
        self.tip = Tip()
        self.leaves: list[bytes] = []
        self.seals: list[bytes] = []
        self.made: list[Seal] = []
        self.refused: dict[int, str] = {}

    def seal(
        self,
        counts: Mapping[str, int],
        verdicts: Sequence[VerdictRange] = (),
        *,
        signer: Signer | None = None,
        **changed: Any,
    ) -> bytes:
        """The next seal over so many records more of each source, and take it.

        ``changed`` replaces members before signing; then the seal is not taken.
        """
        leaves = list(self.leaves)
        ranges = []
        for source in SOURCES:
            if counts.get(source):
                start = self.tip.nexts.get(source, 0)
                end = start + counts[source]
                ranges.append({"source": source, "from": start, "to": end})
                leaves += [record_leaf(source, n) for n in range(start, end)]
        unsigned: dict[str, Any] = {
            "seal_no": self.tip.seal_no + 1,
            "previous": self.tip.digest,
            "sealed_at": NOW + self.tip.seal_no,
            "ranges": ranges,
            "tree_size": len(leaves),
            "root": tree_root(leaves),
            "verdicts": list(verdicts),
            "checkpoint": "",
            **changed,
        }
        seal = signed_seal(cast(Seal, unsigned), ORIGIN, signer or self.signer)
        data = encode_seal(seal)
        if not changed:
            self.tip = next_tip(
                self.tip,
                seal,
                sources=SOURCES,
                placed_of=lambda number: placed_ranges(self.made[number]),
            )
            self.leaves = leaves
            self.seals.append(data)
            self.made.append(seal)
        return data

    def verdicts(self, seal_no: int, *sources: str) -> list[VerdictRange]:
        """The verdicts on a seal's records, of all its sources by default."""
        return [
            verdict_range(
                seal_no=seal_no,
                source=placed.source,
                entries=[
                    SealedVerdict(
                        position=position,
                        leaf=self.leaves[position],
                        code=self.refused.get(position, "accepted"),
                    )
                    for position in range(
                        placed.position, placed.position + placed.count
                    )
                ],
            )
            for placed in placed_ranges(self.made[seal_no])
            if not sources or placed.source in sources
        ]

    def seen(self, seal_no: int) -> bytes | None:
        return self.seals[seal_no] if 0 <= seal_no < len(self.seals) else None


def record_leaf(source: str, ordinal: int) -> bytes:
    return leaf_hash(f"{source}/{ordinal}".encode())
