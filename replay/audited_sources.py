"""Whether every source of the log is whole: from 0, without holes, as far as is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.log.stored import Span, StoredTables
from ledger.sources import SEALS, base_of
from replay.findings import Check, Findings

_NOTHING = Span(count=0, first=0, last=-1)


class AuditedSources:
    """The sources as the log's own tables count them; ``ends`` as in the log contract.

    ``seals_end``: the ordinal behind what can be read of ``seals``, whatever is damaged.
    """

    def __init__(self, stored: StoredTables, findings: Findings) -> None:
        self.ends: dict[str, int] = {}
        self.seals_end = 0
        self._stored = stored
        self._findings = findings

    def read(self) -> None:
        """Counts all records and compares them with what each source says of itself."""
        self.ends = self._stored.ends()
        spans = self._stored.spans()
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

    def finish(self, sealed: Mapping[str, int], known: Sequence[str]) -> None:
        """Compares with what is sealed, and with the sources that the registry names."""
        for source, count in sealed.items():
            if self.ends.get(source, 0) < count:
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

    def _readable(self, seals: Span) -> int:
        return min(seals.last + 1, max(seals.count, self.ends.get(SEALS, 0)))

    def _what(self, source: str, span: Span) -> str:
        hole = self._stored.hole(source)
        if hole is not None:
            return f"record {hole}: is missing"
        return (
            f"record {min(span.last + 1, self.ends[source])}: {span.count} records "
            f"are there, the source counts {self.ends[source]}"
        )

    def _fail(self, what: str) -> None:
        self._findings.fail(Check.LOG, what)
