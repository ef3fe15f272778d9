"""Reads records of a source that were scanned before and are no longer in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import Untrusted
from ledger.log.kafka_consumer import PartitionConsumer
from ledger.log.kafka_page import Page
from ledger.log.kafka_scan import Scan
from ledger.log.kafka_settings import Partition


@dataclass(slots=True)
class _Stream:
    """A partition read in order: ``read_to`` by us, ``fetched_to`` from the brokers."""

    read_to: int = -1
    fetched_to: int = -1
    unread: deque[Any] = field(default_factory=deque)


class Behind:
    """Reads sources behind their scans; what a page had no room for waits for the next.

    Holds at most one answer of the brokers for each source.
    """

    def __init__(self, consumer: PartitionConsumer) -> None:
        self._consumer = consumer
        self._streams: dict[Partition, _Stream] = {}

    def fill(self, page: Page, scan: Scan, partition: Partition) -> None:
        """Goes on with a page until it is full or has come to the scan's window.

        Raises Untrusted when a record is not where the scan, or somebody before, has
        seen it.
        """
        start, end = page.next, min(page.next + page.room, scan.window.first)
        gap = scan.gap_at(start)
        # From behind the last record on: a marker that has become a record is seen.
        read_to = scan.offset_of(start - 1) + 1 if start else 0
        for ordinal in range(start, end):
            offset = read_to
            if gap is not None and gap.ordinal == ordinal:
                offset = gap.offset
                gap = scan.gap_at(ordinal + 1)
            stream = self._fetched(partition, read_to, offset)
            if not stream.unread or stream.unread[0].offset != offset:
                raise _moved(scan.source, ordinal, offset, stream)
            if not page.take(stream.unread[0].value or b""):
                return
            stream.unread.popleft()
            stream.read_to = read_to = offset + 1

    def check_latest(self, scan: Scan, partition: Partition) -> None:
        """Raises Untrusted unless the log still has the latest record of a scan.

        One that was cut and written on since ends late enough all the same.
        """
        if scan.latest is None:
            return
        offset = scan.offset_of(scan.next - 1)
        self._streams.pop(partition, None)
        unread = self._fetched(partition, offset, offset).unread
        held = bool(unread) and unread[0].offset == offset
        if not held or (unread[0].value or b"") != scan.latest:
            raise Untrusted(
                "the log was cut and written on: another record is where one was read",
                code="log_record_changed",
                expected="the same record",
                found="another one" if held else "none",
                where=f"{scan.source}, record {scan.next - 1}",
            )

    def _fetched(self, partition: Partition, read_to: int, offset: int) -> _Stream:
        """A stream that stands at ``read_to`` and holds what lies up to ``offset``."""
        stream = self._streams.setdefault(partition, _Stream())
        if stream.read_to != read_to:
            stream.unread.clear()
            stream.read_to = stream.fetched_to = read_to
            self._consumer.seek({partition: read_to})
        while not stream.unread and stream.fetched_to <= offset:
            for found in self._consumer.step({partition: offset + 1}, {partition}):
                stream.unread.extend(found.records)
                stream.fetched_to = found.position
        return stream


def _moved(source: str, ordinal: int, offset: int, stream: _Stream) -> Untrusted:
    found = f"offset {stream.unread[0].offset}" if stream.unread else "none there"
    stream.read_to = -1
    return Untrusted(
        "a record is not where it was",
        code="log_record_changed",
        expected=f"offset {offset}",
        found=found,
        where=f"{source}, record {ordinal}",
    )
