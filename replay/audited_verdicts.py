"""The verdicts of an audit's own fold against those that later seals carry."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from ledger.events import VerdictRange
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.seal import SealedVerdict
from projections.own_verdicts import OwnVerdicts
from replay.findings import Check, Findings
from replay.places import Places


class AuditedVerdicts(OwnVerdicts):
    """Own verdicts until a seal carries them; writes down what differs and goes on."""

    def __init__(self, places: Places, findings: Findings) -> None:
        super().__init__(_nothing_stored)
        self._places = places
        self._findings = findings

    @override
    def confirm(self, sealed: VerdictRange, *, seal_no: int) -> None:
        own, judged = self._take(sealed["first"], sealed["count"], sealed)
        self._findings.checked(Check.VERDICTS)
        if own == sealed:
            return
        codes = {refused["position"]: refused["code"] for refused in sealed["refused"]}
        wrong = False
        for one in judged:
            code = codes.get(one.position, ACCEPTED)
            if code != one.code:
                wrong = True
                self._differs(one, code, seal_no)
        if not wrong:
            self._findings.fail(
                Check.VERDICTS,
                f"seal {seal_no}: the verdict root of {sealed['source']}, seal "
                f"{sealed['seal_no']}, position {sealed['first']} on is not that of "
                f"its {sealed['count']} records",
            )

    def waiting(self) -> dict[int, VerdictRange]:
        """Position -> the own verdicts from there on that no seal carries yet."""
        return {first: own for first, (own, _) in self._ranges.items() if own}

    def _differs(self, own: SealedVerdict, code: str, seal_no: int) -> None:
        def words() -> str:
            found = own.code
            if found in REFUSALS:
                found += f" (check {REFUSALS[found].check})"
            return f"{self._places.at(own.position)}: {found}, sealed as {code} in seal {seal_no}"

        self._findings.fail(Check.RECORDS, words)


def _nothing_stored(_first: int, _end: int) -> Sequence[SealedVerdict]:
    return ()
