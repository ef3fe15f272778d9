"""Whether every source of the log is whole: from 0, without holes, as far as is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from typing_extensions import override

from ledger.log.contract import EventLog
from ledger.log.offset_gaps import Gap, OffsetGaps
from ledger.log.stored import Span
from ledger.sources import SEALS, base_of
from replay.findings import Check, Findings

_NOTHING = Span(count=0, first=0, last=-1)


class SourceCounts(Protocol):
    """How a log counts its sources; the tables of a log in PostgreSQL do it by rows."""

    def ends(self) -> dict[str, int]:
        """Every source with the ordinal that its next record will get."""
        ...

    def spans(self) -> dict[str, Span]:
        """Every source that has records with the places that they take."""
        ...

    def hole(self, source: str) -> int | None:
        """The first ordinal of a source that is not there but has one behind it."""
        ...

    def gaps(self) -> Mapping[str, Sequence[Gap]]:
        """Per source, where markers lie that are no records."""
        ...


class CountsOfLog(SourceCounts):
    """Counts by the log's own word, for one that has no tables to look into.

    It was asked once: what is appended during the audit is not in it. ``gaps``: what it
    found of them by reading from 0.
    """

    def __init__(self, log: EventLog, sources: Sequence[str], gaps: OffsetGaps) -> None:
        self._gaps = gaps
        ends = log.ends()
        self._ends = {source: ends.get(source, 0) for source in sources}
        self._starts = {source: log.start(source) for source in sources}

    @override
    def ends(self) -> dict[str, int]:
        return self._ends

    @override
    def spans(self) -> dict[str, Span]:
        return {
            source: Span(count=end - self._starts[source], first=first, last=end - 1)
            for source, end in self._ends.items()
            if (first := self._starts[source]) < end
        }

    @override
    def hole(self, source: str) -> int | None:
        """A log that numbers what it reads has holes at its start only."""
        return 0 if self._starts[source] else None

    @override
    def gaps(self) -> Mapping[str, Sequence[Gap]]:
        return {source: self._gaps.known(source)[1] for source in self._ends}


class AuditedSources:
    """The sources as the log counts them; ``ends`` as in the log contract.

    ``seals_end``: the ordinal behind what can be read of ``seals``, whatever is damaged.
    """

    def __init__(self, counts: SourceCounts, findings: Findings) -> None:
        self.ends: dict[str, int] = {}
        self.seals_end = 0
        self._counts = counts
        self._findings = findings

    def read(self) -> None:
        """Counts all records and compares them with what each source says of itself."""
        self.ends = self._counts.ends()
        spans = self._counts.spans()
        self.seals_end = self._readable(spans.get(SEALS, _NOTHING))
        for source in sorted(self.ends.keys() | spans.keys()):
            span = spans.get(source, _NOTHING)
            self._findings.checked(Check.LOG, span.count)
            if source not in self.ends:
                self._fail(f"{source}: has records, but is no source of this log")
            elif (span.count, span.first, span.last + 1) != (
                self.ends[source],
                0,
                self.ends[source],
            ):
                self._fail(f"{source}, {self._what(source, span)}")

    def gaps(self) -> Mapping[str, Sequence[Gap]]:
        """Per source, where the log has markers that are no records."""
        return self._counts.gaps()

    def finish(self, sealed: Mapping[str, int], known: Sequence[str]) -> None:
        """Compares with what is sealed, and with the sources that the registry names.

        One that was succeeded need not be there: whoever read its records, from the
        archive, has found out whether they are the sealed ones.
        """
        apart = self.succeeded(sealed, known)
        for source, count in sealed.items():
            if source not in apart and self.ends.get(source, 0) < count:
                self._fail(
                    f"{source}: {count} records are sealed, the log ends at "
                    f"{self.ends.get(source, 0)}"
                )
        for source in known:
            if source not in self.ends:
                self._fail(f"{source}: the log has no such source")
        if SEALS not in self.ends:
            self._fail(f"{SEALS}: the log has no such source")
        bases = {base_of(source) for source in known} | {SEALS}
        for source in self.ends:
            if base_of(source) not in bases:
                self._fail(f"{source}: the registry names no such source")

    def unsealed(self, sealed: Mapping[str, int]) -> int:
        """How many records no seal covers, but those of ``seals``."""
        return sum(
            max(0, end - sealed.get(source, 0))
            for source, end in self.ends.items()
            if source != SEALS
        )

    def succeeded(self, sealed: Mapping[str, int], known: Sequence[str]) -> list[str]:
        """The sources whose records are in the archive alone, as far as one can count."""
        return [s for s in sealed if s not in known and s not in self.ends]

    def _readable(self, seals: Span) -> int:
        return min(seals.last + 1, max(seals.count, self.ends.get(SEALS, 0)))

    def _what(self, source: str, span: Span) -> str:
        hole = self._counts.hole(source)
        if hole is not None:
            return f"record {hole}: is missing"
        return (
            f"record {min(span.last + 1, self.ends[source])}: {span.count} records "
            f"are there, the source counts {self.ends[source]}"
        )

    def _fail(self, what: str) -> None:
        self._findings.fail(Check.LOG, what)
