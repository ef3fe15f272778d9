"""The log held in memory: the contract kept in full, except that it dies with the process.

Tests and dry runs use it in place of PostgreSQL; handles of one ``MemoryStore`` see each
other's records as processes see each other's through a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Condition

from typing_extensions import override

from ledger.errors import Unknown
from ledger.log.contract import EventLog, check_records


class MemoryStore:
    """The records of all sources; any number of logs on any threads share it."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.records: dict[str, list[bytes]] = {source: [] for source in sources}
        self.appends = 0
        self.changed = Condition()


class MemoryLog(EventLog):
    """One handle on a ``MemoryStore``."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._seen = store.appends

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        ordinals: dict[str, list[int]] = {}
        with self._store.changed:
            for source, records in batches.items():
                check_records(records)
                first = len(self._held(source))
                ordinals[source] = list(range(first, first + len(records)))
            for source, records in batches.items():
                self._held(source).extend(bytes(record) for record in records)
            self._store.appends += 1
            self._store.changed.notify_all()
        return ordinals

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        page: list[bytes] = []
        size = 0
        with self._store.changed:
            for record in self._held(source)[start : start + limit]:
                size += len(record)
                if page and size > size_max:
                    break
                page.append(record)
        return page

    @override
    def start(self, source: str) -> int:
        with self._store.changed:
            self._held(source)
        return 0

    @override
    def ends(self) -> Mapping[str, int]:
        with self._store.changed:
            return {
                source: len(held)
                for source, held in self._store.records.items()
                if held
            }

    @override
    def clock(self) -> int | None:
        """See the contract; a list has none."""
        return None

    @override
    def wait(self, timeout_s: float) -> None:
        with self._store.changed:
            self._store.changed.wait_for(
                lambda: self._store.appends != self._seen, timeout_s
            )
            self._seen = self._store.appends

    @override
    def close(self) -> None:
        """Holds nothing open."""

    def _held(self, source: str) -> list[bytes]:
        try:
            return self._store.records[source]
        except KeyError as error:
            raise Unknown(
                "no such source in this log", code="source_not_found", found=source
            ) from error
