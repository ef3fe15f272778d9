"""Doors that fail on command: before or after each thing that a sealer does to the world.

"Before" is a failure that changed nothing; "after" one that changed everything and was
reported as a failure all the same. Both happen when connections break.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typing_extensions import override

from ledger.log.archive import Archive
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.journal import CheckpointJournal


@dataclass
class Fuse:
    """Calls ``at`` once: before (2k) or after (2k + 1) the k-th effect on the world."""

    blow_at: int = -1
    at: Callable[[], None] = lambda: None
    count: int = field(default=0, init=False)

    def around(self, effect: Callable[[], Any]) -> Any:
        self._tick()
        result = effect()
        self._tick()
        return result

    def _tick(self) -> None:
        now, self.count = self.count, self.count + 1
        if now == self.blow_at:
            self.at()


class FailingLog(EventLog):
    def __init__(self, log: EventLog, fuse: Fuse) -> None:
        self._log, self._fuse = log, fuse

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        ordinals: dict[str, list[int]] = self._fuse.around(
            lambda: self._log.append_all(batches)
        )
        return ordinals

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        return self._log.read(source, start, limit=limit, size_max=size_max)

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


class FailingHead(HeadStore):
    def __init__(self, head: HeadStore, fuse: Fuse) -> None:
        super().__init__(head._connection)
        self._fuse = fuse

    @override
    def commit(self, *args: Any, **named: Any) -> None:
        commit = super().commit
        self._fuse.around(lambda: commit(*args, **named))

    @override
    def mark_published(self, seal_no: int, *, seals_next: int) -> None:
        mark = super().mark_published
        self._fuse.around(lambda: mark(seal_no, seals_next=seals_next))


class FailingJournal(CheckpointJournal):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self._fuse = fuse

    @override
    def append(self, note: bytes) -> None:
        append = super().append
        self._fuse.around(lambda: append(note))


class FailingArchive(Archive):
    def __init__(self, folder: Path, fuse: Fuse) -> None:
        super().__init__(folder, segment_size=4_000)
        self._fuse = fuse

    @override
    def write(self, position: int, records: Sequence[bytes]) -> None:
        write = super().write
        if records:
            self._fuse.around(lambda: write(position, records))

    @override
    def truncate(self, size: int) -> None:
        truncate = super().truncate
        if size < self.end:
            self._fuse.around(lambda: truncate(size))
