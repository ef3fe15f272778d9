"""Names a record for people: where it stands, and which license it is about."""

from __future__ import annotations

from collections.abc import Callable

from ledger.envelope import open_record
from ledger.events import Event
from ledger.log.contract import EventLog
from ledger.refusals import Refusal
from ledger.registry import Registry
from ledger.seal import decode_seal, placed_ranges
from ledger.workdays import day_to_date, legal_day
from projections.text import harmless
from replay.audited_log import record_at

SealOf = Callable[[int], bytes | None]
"""position -> bytes of the seal that covers it."""


class Places:
    """Finds source, ordinal and subject of a position when something is wrong there.

    ``subject_of`` is asked when the record itself no longer says what it is about.
    """

    def __init__(
        self,
        log: EventLog,
        registry: Registry,
        *,
        seal_of: SealOf,
        subject_of: Callable[[int], str | None],
    ) -> None:
        self._log = log
        self._registry = registry
        self._seal_of = seal_of
        self._subject_of = subject_of

    def at(self, position: int) -> str:
        """Source, record, position, and license as one text."""
        data = self._seal_of(position)
        if data is None:
            return f"position {position}"
        seal = decode_seal(data)
        for placed in placed_ranges(seal):
            if placed.position <= position < placed.position + placed.count:
                ordinal = placed.start + position - placed.position
                about = self._about(placed.source, ordinal, position, seal["sealed_at"])
                return f"{placed.source}, record {ordinal} (position {position}){about}"
        return f"position {position}"

    def _about(self, source: str, ordinal: int, position: int, now: int) -> str:
        found = record_at(self._log, source, ordinal)
        try:
            event: Event | None = open_record(found or b"", self._registry).event
        except Refusal:
            event = None
        if event is not None:
            latest = day_to_date(legal_day(now))
            return f", {event['chain']} {harmless(event['subject'], latest=latest)}"
        subject = self._subject_of(position)
        return f", {subject}" if subject else ""
