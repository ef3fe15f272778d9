"""How the seal head's values go into rows and parameters, and come back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import Untrusted
from ledger.events import VerdictRange
from ledger.tiles import Tile
from ledger.tip import Tip


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last seal and where the log stands towards it.

    ``published``: the last seal known to be in the log, at ordinal ``seals_next`` − 1
    of its source; ``edge``: the partial tiles that the next extension starts from.
    """

    tip: Tip
    seal: bytes
    published: int
    seals_next: int
    edge: Mapping[int, bytes]

    @property
    def pending(self) -> bytes | None:
        """The bytes of the last seal if they still have to be appended."""
        return self.seal if self.published < self.tip.seal_no else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Verdicts on some records, and the seal that carries them (None: not yet)."""

    verdict: VerdictRange
    seal_no: int | None


def tip_of(seal_no: int, row: Sequence[Any]) -> Tip:
    """The tip from (digest, sealed_at, tree_size, root, nexts, verdict_nexts)."""
    digest, sealed_at, tree_size, root, nexts, verdict_nexts = row
    if None in row:
        raise Untrusted(
            "a seal of the head is gone", code="head_damaged", where=f"seal {seal_no}"
        )
    return Tip(
        seal_no=seal_no,
        digest=digest,
        sealed_at=sealed_at,
        tree_size=tree_size,
        root=root,
        nexts=nexts,
        verdict_nexts=verdict_nexts,
    )


def tile_values(tiles: Sequence[Tile]) -> dict[str, object]:
    """The parameters that write tiles."""
    return {
        "levels": [tile.level for tile in tiles],
        "indexes": [tile.index for tile in tiles],
        "hashes": [tile.hashes for tile in tiles],
    }


def verdict_values(verdicts: Sequence[VerdictRange]) -> dict[str, object]:
    """The parameters that write verdicts; refusals as JSON [[position, code], …]."""
    return {
        "seal_nos": [verdict["seal_no"] for verdict in verdicts],
        "sources": [verdict["source"] for verdict in verdicts],
        "firsts": [verdict["first"] for verdict in verdicts],
        "counts": [verdict["count"] for verdict in verdicts],
        "roots": [verdict["root"] for verdict in verdicts],
        "refused": [
            json.dumps([[r["position"], r["code"]] for r in verdict["refused"]])
            for verdict in verdicts
        ],
    }


def verdict_of(row: Sequence[Any]) -> VerdictRange:
    """The verdicts from (seal_no, source, first, count, root, refused)."""
    seal_no, source, first, count, root, refused = row
    return {
        "seal_no": seal_no,
        "source": source,
        "first": first,
        "count": count,
        "root": root,
        "refused": [{"position": position, "code": code} for position, code in refused],
    }


def verdict_size(verdict: VerdictRange) -> int:
    """About how many bytes the parameters of these verdicts take."""
    return 100 + 40 * len(verdict["refused"])
