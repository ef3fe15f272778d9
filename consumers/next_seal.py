"""What goes into the next seal, before it is signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.events import Seal, VerdictRange
from ledger.tiles import TileUpdate
from ledger.tip import Tip


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of one source that the next seal covers, from ordinal ``start`` on."""

    source: str
    start: int
    records: Sequence[bytes]


def unsigned(
    tip: Tip,
    sealed_at: int,
    batches: Sequence[Batch],
    update: TileUpdate,
    verdicts: list[VerdictRange],
) -> Seal:
    """The seal behind ``tip``, its checkpoint still empty."""
    return {
        "seal_no": tip.seal_no + 1,
        "previous": tip.digest,
        "sealed_at": sealed_at,
        "ranges": [
            {
                "source": batch.source,
                "from": batch.start,
                "to": batch.start + len(batch.records),
            }
            for batch in batches
        ],
        "tree_size": update.size,
        "root": update.root,
        "verdicts": verdicts,
        "checkpoint": "",
    }
