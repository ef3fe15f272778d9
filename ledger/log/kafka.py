"""The log on Kafka: a source is a partition, an ordinal counts its data records.

One consumer follows the ends of all sources and counts; another one reads what lies
behind. An open transaction stops nobody: what it wrote is in the log, whatever becomes
of it (KIP-98: its markers take offsets, and are no records).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from typing_extensions import override

from ledger.errors import Unknown, Untrusted
from ledger.log.contract import EventLog
from ledger.log.kafka_behind import Behind
from ledger.log.kafka_consumer import Fetched, PartitionConsumer
from ledger.log.kafka_page import Page
from ledger.log.kafka_patience import Monotonic, Patience
from ledger.log.kafka_producer import PATIENCE_S, KafkaAppender
from ledger.log.kafka_scan import Scan
from ledger.log.kafka_settings import KafkaPlace, Partition
from ledger.log.offset_gaps import OffsetGaps

WINDOWS_MAX: Final = 64 * 1024 * 1024
_WINDOW_MIN: Final = 1024 * 1024
_TAIL_WAIT_MS: Final = 100
_REDISCOVER_S: Final = 5.0
_ACTIVE_S: Final = 1.0
_SLICE_ACTIVE_S: Final = 0.005
_SLICE_IDLE_S: Final = 0.1
_SLICE_ALONE_S: Final = 1.0
_CHECK_S: Final = 2.0


class KafkaLog(EventLog):
    """One handle on the log at ``place``; connects when it is first used.

    ``sources``: those that it deals with; None: all topics under the prefix, and new
    ones within seconds; those in ``without`` are as if they were not there. ``gaps``:
    where markers lie; what it knows is not scanned again. ``woken`` is asked while
    waiting whether there is other news. ``patience_s`` bounds every call that makes no
    progress: then Unavailable. Memory: at most ``windows_max`` bytes of records, or
    1 MiB for each source, and as much again in answers of the brokers.
    """

    def __init__(
        self,
        place: KafkaPlace,
        *,
        gaps: OffsetGaps,
        monotonic: Monotonic,
        sources: Collection[str] | None = None,
        without: Collection[str] = (),
        woken: Callable[[], bool] | None = None,
        patience_s: float = PATIENCE_S,
        windows_max: int = WINDOWS_MAX,
    ) -> None:
        self._place = place
        self._gaps = gaps
        self._monotonic = monotonic
        self._given = None if sources is None else frozenset(sources)
        self._without = frozenset(without)
        self._woken = woken
        self._windows_max = windows_max
        self._appender = KafkaAppender(
            place, monotonic=monotonic, patience_s=patience_s
        )
        self._tail = PartitionConsumer(
            place, monotonic=monotonic, patience_s=patience_s, wait_ms=_TAIL_WAIT_MS
        )
        self._reader = PartitionConsumer(
            place, monotonic=monotonic, patience_s=patience_s, wait_ms=0
        )
        self._behind = Behind(self._reader)
        self._partitions: dict[str, Partition] = {}
        self._discovered_at: float | None = None
        self._scans: dict[Partition, Scan] = {}
        self._news = False
        self._connection = 0
        self._active_until = monotonic()

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        scans = {source: self._scan(source) for source in batches}
        offsets = self._appender.append_all(batches)
        self._active_until = self._monotonic() + _ACTIVE_S
        for source, scan in scans.items():
            self._take_own(scan, offsets[source], batches[source])
        ahead = [s for s in batches if scans[s].position <= offsets[s][-1]]
        if ahead:
            self._catch_up({self._partitions[source] for source in ahead})
        return {
            source: [scan.ordinal_of(offset) for offset in offsets[source]]
            for source, scan in scans.items()
        }

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        scan = self._scan(source)
        partition = self._partitions[source]
        page = Page(start, limit=limit, size_max=size_max)
        behind = start < scan.window.first
        if scan.window.full:
            scan.window.forget(start)
        end: int | None = None
        while not page.full:
            if page.next < scan.window.first:
                self._behind.fill(page, scan, partition)
            elif page.next < scan.next:
                for record in scan.window.records(page.next, page.room):
                    page.take(record)
            else:
                if end is None:
                    end = self._ends({partition})[partition]
                if not self._step({partition: end}, self._wanted() | {partition}):
                    break
        if behind and page.next == scan.next and page.records:
            scan.latest = page.records[-1]
        return page.records

    @override
    def start(self, source: str) -> int:
        scan = self._scan(source)
        partition = self._partitions[source]
        offset = self._tail.starts({partition})[partition]
        return max(1, scan.ordinal_of(offset)) if offset else 0

    @override
    def ends(self) -> Mapping[str, int]:
        """See the contract; reads all that is new, so that markers are not counted."""
        self._follow_all()
        self._catch_up(self._scans)
        self._check_unchanged()
        self._news = False
        return {scan.source: scan.next for scan in self._scans.values() if scan.next}

    @override
    def clock(self) -> int | None:
        return self._appender.clock()

    @override
    def wait(self, timeout_s: float) -> None:
        self._follow_all()
        time = Patience(self._monotonic, timeout_s)
        check = Patience(self._monotonic, _CHECK_S)
        while not self._news:
            arrived = self._tail.poll(self._wanted(), min(self._slice_s, time.left_s))
            if self._take(arrived) or (self._woken is not None and self._woken()):
                self._active_until = self._monotonic() + _ACTIVE_S
                break
            if not time.left_s:
                break
            if not check.left_s:
                # A consumer that has got stuck is found out, and healed by the caller.
                if self._ends(self._scans) != self._read_to(self._scans):
                    break
                check.renew()
        self._news = False

    @override
    def close(self) -> None:
        self._appender.close()
        self._tail.close()
        self._reader.close()

    @property
    def _slice_s(self) -> float:
        if self._woken is None:
            return _SLICE_ALONE_S
        active = self._monotonic() < self._active_until
        return _SLICE_ACTIVE_S if active else _SLICE_IDLE_S

    def _scan(self, source: str) -> Scan:
        for anew in (False, True):
            if source not in self._partitions:
                self._discover(anew=anew)
        partition = self._partitions.get(source)
        if partition is None:
            raise Unknown(
                "no such source in this log", code="source_not_found", found=source
            )
        self._follow({source: partition})
        return self._scans[partition]

    def _follow_all(self) -> None:
        at = self._discovered_at
        if at is None or self._monotonic() - at > _REDISCOVER_S:
            self._discover(anew=at is not None)
        self._follow(self._partitions)

    def _discover(self, *, anew: bool) -> None:
        for partition in sorted(self._tail.partitions(anew=anew)):
            source = self._place.source_of(partition)
            if source is None or source in self._without:
                continue
            if self._given is None or source in self._given:
                self._partitions[source] = partition
        self._discovered_at = self._monotonic()

    def _follow(self, partitions: Mapping[str, Partition]) -> None:
        """Begins to scan sources where the known gaps end."""
        share = max(_WINDOW_MIN, self._windows_max // max(1, len(self._partitions)))
        new = {
            partition: Scan(source, self._gaps, window_max=share)
            for source, partition in partitions.items()
            if partition not in self._scans
        }
        if not new:
            return
        # In this order: what is known was in the log before it was asked for its end.
        positions = {one: scan.position for one, scan in new.items()}
        self._tail.seek(positions)
        ends = self._tail.ends(positions)
        for partition, scan in new.items():
            if ends[partition] < scan.position:
                scan.cut(ends[partition])
                self._tail.seek({partition: scan.position})
        self._scans.update(new)

    def _wanted(self) -> set[Partition]:
        """Partitions of which more may come in without driving out unread records."""
        return {one for one, scan in self._scans.items() if not scan.window.full}

    def _read_to(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return {one: self._scans[one].position for one in partitions}

    def _ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The end offsets; Untrusted when one is before what was read here."""
        read_to = self._read_to(partitions)
        ends = self._tail.ends(read_to)
        for partition, position in read_to.items():
            if ends[partition] < position:
                raise Untrusted(
                    "Kafka no longer holds what was read",
                    code="log_records_lost",
                    expected=f"at least {position} offsets",
                    found=str(ends[partition]),
                    where=self._scans[partition].source,
                )
        return ends

    def _catch_up(self, partitions: Iterable[Partition]) -> None:
        ends = self._ends(list(partitions))
        while self._step(ends, self._wanted() | ends.keys()):
            pass

    def _step(self, targets: Mapping[Partition, int], wanted: set[Partition]) -> bool:
        found = self._tail.step(targets, wanted)
        self._take(found)
        return bool(found)

    def _take(self, found: Iterable[Fetched]) -> bool:
        """Counts what was fetched; whether there were records among it."""
        self._check_unchanged()
        for fetched in found:
            self._scans[fetched.partition].take(fetched.records, fetched.position)
            self._news = self._news or bool(fetched.records)
        return self._news

    def _check_unchanged(self) -> None:
        """Looks at the latest record of each source again over a new connection.

        While one lasts, the client itself finds out (KIP-320); it forgets with it.
        """
        if self._connection != self._tail.connections:
            self._connection = self._tail.connections
            for partition, scan in self._scans.items():
                self._behind.check_latest(scan, partition)

    def _take_own(
        self, scan: Scan, offsets: Sequence[int], records: Sequence[bytes]
    ) -> None:
        """Counts own records that came right behind what was read: nobody is between."""
        taken = 0
        for offset, record in zip(offsets, records, strict=True):
            if offset != scan.position:
                break
            scan.add(offset, bytes(record))
            taken += 1
        if taken:
            self._tail.seek({self._partitions[scan.source]: scan.position})
