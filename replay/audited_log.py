"""The log as an audit reads it: what is missing or damaged does not stop the reading.

A record that is not there reads as no bytes, so that everything behind it is still
judged. A seal that is not there as it was signed is taken from the head instead, if that
has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from typing_extensions import override

from ledger.errors import Unknown, Untrusted
from ledger.events import Seal
from ledger.log.contract import EventLog
from ledger.seal import decode_seal
from ledger.seal_reader import SealReader
from ledger.sources import SEALS
from ledger.tip import Tip
from replay.audited_archive import AuditedArchive
from replay.audited_head import Taken
from replay.findings import Check, Findings

_PAGE = 256
_PAGE_SIZE = 4 * 1024 * 1024


class SealStream:
    """The records of ``seals`` one at a time, up to ``end``; fills gaps from the head.

    Whoever reads tells by ``took`` when a record was accepted as the next seal, and
    keeps in ``taken`` the seals that are being judged.
    ``stop_at``: no seal behind the one that reaches this tree size is given out.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        end: int,
        published: int,
        stored: Callable[[int], bytes | None],
        findings: Findings,
    ) -> None:
        self.stop_at: int | None = None
        self.bridged: set[int] = set()
        self.taken: list[Taken] = []
        self._log = log
        self._end = end
        self._published = published
        self._stored = stored
        self._findings = findings
        self._tip = Tip()
        self._page: list[tuple[int, bytes]] = []
        self._next = 0
        self._behind_taken = 0
        self._current: int | None = None
        self._tried = -1
        self._shifts: list[tuple[int, int]] = [(-1, 0)]

    def read(self) -> list[bytes]:
        """The next record to judge, none at the end."""
        if self.stop_at is not None and self._tip.tree_size >= self.stop_at:
            return []
        if not self._page:
            self._page = self._read_page()
        if self._page:
            self._current, data = self._page.pop()
            return [data]
        return self._bridge()

    @property
    def where(self) -> str:
        """The place of what was read last."""
        if self._current is None:
            return f"head.seal, seal {self._tip.seal_no + 1}"
        return f"{SEALS}, record {self._current}"

    def took(self, tip: Tip) -> None:
        """What was read last is the seal that made this tip."""
        self._tip = tip
        if self._current is not None:
            self._behind_taken = self._current + 1
            shift = self._current - tip.seal_no
            if shift != self._shifts[-1][1]:
                self._shifts.append((tip.seal_no, shift))
            return
        if tip.seal_no <= self._published:
            self._findings.fail(
                Check.SEALS,
                f"{SEALS}, record {self._behind_taken}: seal {tip.seal_no} is not "
                "in the log as it was signed",
            )
        # What follows the gap was passed over: read it again.
        self.bridged.add(tip.seal_no)
        self._page, self._next = [], self._behind_taken

    def seen(self, seal_no: int) -> bytes | None:
        """The bytes of a seal that was taken."""
        if seal_no in self.bridged:
            return self._stored(seal_no)
        return record_at(self._log, SEALS, self.ordinal_of(seal_no))

    def ordinal_of(self, seal_no: int) -> int:
        """Where in ``seals`` a seal stands; the end behind the last one."""
        if seal_no > self._tip.seal_no:
            return self._end
        at = bisect_right(self._shifts, seal_no, key=lambda shift: shift[0]) - 1
        return seal_no + self._shifts[at][1]

    def last_idle(self, seal_no: int) -> int:
        """The last of the seals behind this one that bring verdicts only."""
        while seal_no < self._tip.seal_no:
            data = self.seen(seal_no + 1)
            if data is None or decode_seal(data)["ranges"]:
                break
            seal_no += 1
        return seal_no

    def _bridge(self) -> list[bytes]:
        number = self._tip.seal_no + 1
        data = None if self._tried == number else self._stored(number)
        self._tried, self._current = number, None
        return [] if data is None else [data]

    def _read_page(self) -> list[tuple[int, bytes]]:
        while self._next < self._end:
            limit = min(_PAGE, self._end - self._next)
            start = self._next
            found = held(self._log, SEALS, start, limit=limit, size_max=_PAGE_SIZE)
            self._next += max(1, len(found))
            if found:
                return list(enumerate(found, start))[::-1]
        return []


class AuditedReader(SealReader):
    """A reader of ``seals`` that writes down what a daily reader halts at."""

    stream: SealStream
    findings: Findings

    def follow(self, stream: SealStream, findings: Findings) -> None:
        """Says what is read and where findings go; before anything is fed."""
        self.stream, self.findings = stream, findings
        self.taken = stream.taken

    @override
    def feed(self, data: bytes) -> Seal | None:
        try:
            seal = super().feed(data)
        except Untrusted as error:
            self.findings.fail(Check.SEALS, f"{self.stream.where}: {error}")
            self.skipped += 1
            return None
        if seal is not None:
            self.stream.took(self.tip)
            self.taken.append((seal, data, self.tip))
            self.findings.checked(Check.SEALS)
        return seal


class AuditedLog(EventLog):
    """Another log with its holes filled, and ``stream`` as ``seals``.

    What is missing comes from the archive; where that has nothing either, an empty
    record stands in.
    """

    def __init__(
        self, log: EventLog, stream: SealStream, archive: AuditedArchive
    ) -> None:
        self._log = log
        self._stream = stream
        self._archive = archive

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        if source == SEALS:
            return self._stream.read()
        found = held(self._log, source, start, limit=limit, size_max=size_max)
        if not found:
            found = self._archive.lent(self._stream.taken, source, start, limit)
        return found or [b""]

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        return self._log.append_all(batches)

    @override
    def start(self, source: str) -> int:
        return self._log.start(source)

    @override
    def ends(self) -> Mapping[str, int]:
        return self._log.ends()

    @override
    def clock(self) -> int | None:
        return self._log.clock()

    @override
    def wait(self, timeout_s: float) -> None:
        self._log.wait(timeout_s)

    @override
    def close(self) -> None:
        self._log.close()


def held(
    log: EventLog, source: str, start: int, *, limit: int, size_max: int
) -> list[bytes]:
    """Records from ``start`` on up to the first hole; none if that is a hole itself."""
    try:
        return log.read(source, start, limit=limit, size_max=size_max)
    except Unknown:
        return []
    except Untrusted:
        if limit == 1:
            return []
        return held(log, source, start, limit=limit // 2, size_max=size_max)


def record_at(log: EventLog, source: str, ordinal: int) -> bytes | None:
    """One record; None where there is none."""
    found = held(log, source, ordinal, limit=1, size_max=1)
    return found[0] if found else None
