"""What this reader judged and no seal has confirmed yet, compared with what seals say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.errors import Untrusted
from ledger.events import VerdictRange
from ledger.refusals import ACCEPTED
from ledger.seal import SealedVerdict, verdict_range


class OwnVerdicts:
    """Own verdict ranges until a seal confirms them.

    Each position is confirmed once, per source in order, so what is held is what the
    sealer has not carried yet. After a restart ``stored`` reads what is not held any more:
    the verdicts on the positions from ``first`` to before ``end``.
    """

    def __init__(self, stored: Callable[[int, int], Sequence[SealedVerdict]]) -> None:
        self._stored = stored
        self._ranges: dict[int, tuple[VerdictRange | None, list[SealedVerdict]]] = {}

    def add(
        self, seal_no: int, source: str, judged: list[SealedVerdict]
    ) -> VerdictRange:
        """Takes the verdicts of one source of one seal and returns their summary."""
        own = verdict_range(seal_no=seal_no, source=source, entries=judged)
        self._ranges[own["first"]] = (own, judged)
        return own

    def confirm(self, sealed: VerdictRange, *, seal_no: int) -> None:
        """Compares a sealed range with the own one; raises Untrusted when they differ."""
        first, count = sealed["first"], sealed["count"]
        own, judged = self._take(first, count, sealed)
        if own == sealed:
            return
        codes = {refused["position"]: refused["code"] for refused in sealed["refused"]}
        for one in judged:
            code = codes.get(one.position, ACCEPTED)
            if code != one.code:
                raise Untrusted(
                    "a sealed verdict differs from the verdict found here",
                    code="verdict_differs",
                    expected=f"{code} as seal {seal_no} says",
                    found=one.code,
                    where=f"position {one.position}, {sealed['source']}",
                )
        raise Untrusted(
            "a sealed verdict root differs from the one found here",
            code="verdict_differs",
            expected=sealed["root"].hex(),
            found=own["root"].hex() if own else f"{len(judged)} verdicts",
            where=f"seal {seal_no}, {sealed['source']}, position {first}",
        )

    def _take(
        self, first: int, count: int, sealed: VerdictRange
    ) -> tuple[VerdictRange | None, list[SealedVerdict]]:
        own, judged = self._ranges.pop(first, (None, []))
        if own is not None and len(judged) == count:
            return own, judged
        if len(judged) > count:
            self._ranges[judged[count].position] = (None, judged[count:])
            judged = judged[:count]
        elif len(judged) < count:
            judged = list(self._stored(first, first + count))
        if not judged:
            return None, []
        own = verdict_range(
            seal_no=sealed["seal_no"], source=sealed["source"], entries=judged
        )
        return own, judged
