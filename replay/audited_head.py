"""The rows of the seal head against the seals that the log holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from ledger.events import Seal, VerdictRange
from ledger.log.offset_gaps import Gap
from ledger.log.stored import StoredTables
from ledger.seal import decode_seal
from ledger.sources import REGISTRY, SEALS, base_of
from ledger.tip import Tip
from replay.findings import Check, Findings

Taken = tuple[Seal, bytes, Tip]
"""A seal, its bytes, and where sealed order stands after it."""

_COLUMNS = (
    "digest",
    "sealed_at",
    "tree_size",
    "root",
    "nexts",
    "verdict_nexts",
    "registry",
)


class AuditedHead:
    """Compares the rows of each seal as it comes, and the head itself at the end.

    ``bridged``: seals that were taken from these rows because the log lacks them.
    """

    def __init__(
        self, stored: StoredTables, findings: Findings, bridged: AbstractSet[int]
    ) -> None:
        self._stored = stored
        self._bridged = bridged
        self._findings = findings
        self._matched = 0

    def take(self, taken: Sequence[Taken]) -> None:
        """Compares the rows of consecutive seals and of the verdicts in them."""
        if not taken:
            return
        first, last = taken[0][0]["seal_no"], taken[-1][0]["seal_no"]
        rows = self._stored.seals(first, last + 1)
        for seal, data, tip in taken:
            self._compare(seal, data, tip, rows.get(seal["seal_no"]))
        carried = [
            (verdict, seal["seal_no"])
            for seal, _, _ in taken
            for verdict in seal["verdicts"]
        ]
        found = self._stored.verdicts([verdict for verdict, _ in carried])
        for (_, seal_no), (verdict, row) in zip(carried, found, strict=True):
            self._compare_verdict(verdict, row, seal_no)

    def finish(
        self,
        tip: Tip,
        *,
        waiting: Mapping[int, VerdictRange],
        offered_to: int,
        seal_at: Callable[[int], bytes | None],
        seal_of: Callable[[int], bytes | None],
        gaps: Mapping[str, Sequence[Gap]],
    ) -> None:
        """Compares what there is once: the head, and rows that belong to no seal.

        ``waiting``: own verdicts by position that no seal carries; those on seals below
        ``offered_to`` must wait in the head. ``seal_at`` reads an ordinal of ``seals``,
        ``seal_of`` gives a seal by its number. ``gaps``: as they were found in the log.
        """
        self._compare_head(tip, seal_at, seal_of)
        self._compare_gaps(tip, gaps)
        stray = self._stored.stray_seal(tip.seal_no + 1)
        if stray is not None:
            self._fail(f"head.seal, seal {stray}: there is no such seal in the log")
        for own, row in self._stored.verdicts(list(waiting.values())):
            if row[0] is not None or own["seal_no"] < offered_to:
                self._compare_verdict(own, row, None)
        if self._stored.verdict_count() != self._matched:
            self._name_stray(waiting, seal_of)

    def _compare(
        self, seal: Seal, data: bytes, tip: Tip, row: tuple[Any, ...] | None
    ) -> None:
        number = seal["seal_no"]
        self._findings.checked(Check.HEAD)
        if row is None:
            self._fail(f"head.seal, seal {number}: is missing")
            return
        covered = any(base_of(r["source"]) == REGISTRY for r in seal["ranges"])
        expected = (
            tip.digest,
            seal["sealed_at"],
            seal["tree_size"],
            seal["root"],
            dict(tip.nexts),
            dict(tip.verdict_nexts),
            covered,
        )
        for column, found, wanted in zip(_COLUMNS, row, expected, strict=False):
            if found != wanted:
                self._fail(f"head.seal, seal {number}: {column} is not the seal's")
        if number in self._bridged:
            return
        self._findings.checked(Check.SEAL_BYTES)
        if row[-1] != data:
            self._findings.fail(
                Check.SEAL_BYTES,
                f"head.seal, seal {number}: data is not what {SEALS} holds",
            )

    def _compare_verdict(
        self, verdict: VerdictRange, row: tuple[Any, ...], carried_in: int | None
    ) -> None:
        self._findings.checked(Check.HEAD)
        where = (
            f"head.verdict, seal {verdict['seal_no']}, {verdict['source']}, "
            f"position {verdict['first']}"
        )
        if row[0] is None:
            self._fail(f"{where}: is missing")
            return
        self._matched += 1
        refused = [[r["position"], r["code"]] for r in verdict["refused"]]
        expected = (verdict["count"], verdict["root"], refused, carried_in)
        names = ("count", "root", "refused", "carried_in")
        for name, found, wanted in zip(names, row, expected, strict=True):
            if found != wanted:
                self._fail(f"{where}: {name} is not that of the log")

    def _compare_gaps(self, tip: Tip, found: Mapping[str, Sequence[Gap]]) -> None:
        """What is noted was found; what was found is noted, as far as it is sealed."""
        noted = set(self._stored.noted_gaps())
        there = {(source, gap) for source, gaps in found.items() for gap in gaps}
        for source, gap in sorted(noted - there):
            self._fail(f"head.gap, {source}, record {gap.ordinal}: is not in the log")
        for source, gap in sorted(there - noted):
            if gap.ordinal < tip.nexts.get(source, 0):
                self._fail(f"head.gap, {source}, record {gap.ordinal}: is not noted")

    def _compare_head(
        self,
        tip: Tip,
        seal_at: Callable[[int], bytes | None],
        seal_of: Callable[[int], bytes | None],
    ) -> None:
        self._findings.checked(Check.HEAD)
        row = self._stored.head()
        if row is None:
            self._fail("head.head: the row is gone")
            return
        seal_no, digest, published, seals_next = row
        if (seal_no, digest) != (tip.seal_no, tip.digest):
            self._fail(
                f"head.head: is seal {seal_no}, digest {digest.hex()}; "
                f"the last seal is {tip.seal_no}, digest {tip.digest.hex()}"
            )
        if published not in (tip.seal_no - 1, tip.seal_no):
            self._fail(f"head.head: published is {published}, not {tip.seal_no}")
        elif published in self._bridged:
            return  # the log lacks it, which is no fault of the head's
        elif published >= 0 and seal_at(seals_next - 1) != seal_of(published):
            self._fail(
                f"head.head: seals_next is {seals_next}, published {published}, but "
                f"{SEALS} does not hold that seal there"
            )

    def _name_stray(
        self,
        waiting: Mapping[int, VerdictRange],
        seal_of: Callable[[int], bytes | None],
    ) -> None:
        for seal_no, source, first, carried_in in self._stored.verdict_keys():
            if carried_in is None:
                known: Iterable[VerdictRange] = waiting.values()
            else:
                data = seal_of(carried_in)
                known = decode_seal(data)["verdicts"] if data is not None else ()
            if (seal_no, source, first) not in map(_key, known):
                self._fail(
                    f"head.verdict, seal {seal_no}, {source}, position {first}: "
                    "there are no such verdicts"
                )

    def _fail(self, what: str) -> None:
        self._findings.fail(Check.HEAD, what)


def _key(verdict: VerdictRange) -> tuple[int, str, int]:
    return verdict["seal_no"], verdict["source"], verdict["first"]
