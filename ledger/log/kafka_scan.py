"""One source read in order: its records counted, its gaps found, the latest ones kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ledger.errors import Untrusted
from ledger.log.offset_gaps import (
    Gap,
    OffsetGaps,
    check_same,
    offset_of,
    ordinal_of,
)


class Window:
    """The latest records of a source, at most ``size_max`` bytes of them and one more."""

    def __init__(self, first: int, *, size_max: int) -> None:
        self.first = first
        self._records: list[bytes] = []
        self._size = 0
        self._size_max = size_max
        self._gone = 0

    @property
    def end(self) -> int:
        """The ordinal behind the last record."""
        return self.first + len(self._records) - self._gone

    @property
    def full(self) -> bool:
        """Whether the next record will drive out the first."""
        return self._size >= self._size_max

    def add(self, record: bytes) -> None:
        """Takes the next record in; the first ones go when there are too many bytes."""
        while self._gone < len(self._records) and self.full:
            self._drop()
        self._records.append(record)
        self._size += len(record)

    def forget(self, ordinal: int) -> None:
        """Lets go of the records before ``ordinal``: they were read."""
        while self.first < min(ordinal, self.end):
            self._drop()

    def records(self, start: int, count: int) -> Sequence[bytes]:
        """At most ``count`` records from ordinal ``start``, which must be in it."""
        at = start - self.first + self._gone
        return self._records[at : at + count]

    def _drop(self) -> None:
        self._size -= len(self._records[self._gone])
        self._records[self._gone] = b""
        self.first += 1
        self._gone += 1
        if 2 * self._gone > len(self._records) and self._gone > _KEPT_GONE:
            del self._records[: self._gone]
            self._gone = 0


_KEPT_GONE = 64


class Scan:
    """Where the reading of a source in order stands.

    ``position`` is the offset up to which it was read, ``next`` the ordinal of the
    record that comes then, ``latest`` the one before it, if it was seen. It starts at
    what ``gaps`` knows, and tells it every gap.
    """

    def __init__(self, source: str, gaps: OffsetGaps, *, window_max: int) -> None:
        known, found = gaps.known(source)
        self.source = source
        self.next = known
        self.position = offset_of(found, known - 1) + 1 if known else 0
        self.window = Window(known, size_max=window_max)
        self.latest: bytes | None = None
        self._window_max = window_max
        self._noted = gaps
        self._gaps = [gap for gap in found if gap.ordinal < known]
        self._ahead = {gap.ordinal: gap for gap in found if gap.ordinal >= known}
        self._shift = self.position - known

    def cut(self, end: int) -> None:
        """Says that the partition ends at offset ``end``, before what was known."""
        self.next = self.ordinal_of(end)
        lost = [gap for gap in self._gaps if gap.offset >= end]
        self._ahead.update((gap.ordinal, gap) for gap in lost)
        del self._gaps[len(self._gaps) - len(lost) :]
        self.position = end
        self.window = Window(self.next, size_max=self._window_max)
        self.latest = None
        last = self._gaps[-1] if self._gaps else Gap(0, 0)
        self._shift = last.offset - last.ordinal

    def take(self, records: Sequence[Any], position: int) -> None:
        """Takes in what was fetched from ``position`` on, up to the new ``position``.

        Each has an ``offset`` and a ``value``; no value is empty bytes. Untrusted when a
        record is not where it was before.
        """
        for record in records:
            self.add(record.offset, record.value or b"")
        self.position = max(self.position, position)

    def add(self, offset: int, record: bytes) -> None:
        """Takes in one record: what lies between it and the last one are markers."""
        if offset != self.next + self._shift or self.next in self._ahead:
            self._jump(offset)
        self.window.add(record)
        self.latest = record
        self.next += 1
        self.position = offset + 1

    def offset_of(self, ordinal: int) -> int:
        """Where a record lies that was scanned, or was known before."""
        return offset_of(self._gaps, ordinal)

    def ordinal_of(self, offset: int) -> int:
        """How many records lie before an offset that was scanned."""
        return min(ordinal_of(self._gaps, offset), self.next)

    def gap_at(self, ordinal: int) -> Gap | None:
        """The first gap at or behind a record."""
        at = bisect_right(self._gaps, ordinal - 1, key=lambda gap: gap.ordinal)
        return self._gaps[at] if at < len(self._gaps) else None

    def _jump(self, offset: int) -> None:
        gap = Gap(self.next, offset)
        if (ahead := self._ahead.pop(self.next, None)) is not None:
            check_same(self.source, ahead, gap)
        if offset < self.position:
            raise Untrusted(
                "Kafka gave a record again that was read",
                code="log_record_changed",
                expected=f"offset {self.position}",
                found=f"offset {offset}",
                where=self.source,
            )
        self._noted.note(self.source, gap)
        self._gaps.append(gap)
        self._shift = offset - self.next
