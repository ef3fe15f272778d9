"""Reads records of a source that were scanned before and are no longer in memory."""

from __future__ import annotations

from collections import deque
from typing import Any

from ledger.errors import Untrusted
from ledger.log.kafka_consumer import PartitionConsumer
from ledger.log.kafka_page import Page
from ledger.log.kafka_scan import Scan
from ledger.log.kafka_settings import Partition


class Behind:
    """Reads sources behind their scans; what a page had no room for waits for the next.

    Holds at most one answer of the brokers for each source.
    """

    def __init__(self, consumer: PartitionConsumer) -> None:
        self._consumer = consumer
        self._unread: dict[Partition, deque[Any]] = {}
        self._positions: dict[Partition, int] = {}

    def fill(self, page: Page, scan: Scan, partition: Partition) -> None:
        """Goes on with a page until it is full or has come to the scan's window.

        Raises Untrusted when a record is not where the scan, or somebody before, has
        seen it.
        """
        start, end = page.next, min(page.next + page.room, scan.window.first)
        gap = scan.gap_at(start)
        offset = scan.offset_of(start)
        for ordinal in range(start, end):
            if gap is not None and gap.ordinal == ordinal:
                offset = gap.offset
                gap = scan.gap_at(ordinal + 1)
            unread = self._fetched(partition, offset)
            if not unread or unread[0].offset != offset:
                raise Untrusted(
                    "a record is not where it was",
                    expected=f"offset {offset}",
                    found=f"offset {unread[0].offset}" if unread else "none there",
                    where=f"{scan.source}, record {ordinal}",
                )
            if not page.take(unread[0].value or b""):
                return
            unread.popleft()
            offset += 1

    def _fetched(self, partition: Partition, offset: int) -> deque[Any]:
        """What is fetched from ``offset`` on; empty when there is no record in it."""
        unread = self._unread.setdefault(partition, deque())
        if unread and unread[0].offset == offset:
            return unread
        if unread or self._positions.get(partition) != offset:
            unread.clear()
            self._positions[partition] = offset
            self._consumer.seek({partition: offset})
        while not unread and self._positions[partition] <= offset:
            for found in self._consumer.step({partition: offset + 1}, {partition}):
                unread.extend(found.records)
                self._positions[partition] = found.position
        return unread
