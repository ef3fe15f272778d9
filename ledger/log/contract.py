"""What every log must promise; ``memory`` and ``postgres`` here, Kafka beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ledger.errors import Malformed

# Below the 1 MiB that a Kafka topic is set to take, headers included; what no seal could
# cover (64 MiB) would otherwise stop the ledger for ever.
RECORD_SIZE_MAX = 1_000_000


def check_records(records: Sequence[bytes]) -> None:
    """Raises Malformed for what no log takes: no records, or one that is too large."""
    if not records:
        raise Malformed("nothing to append", expected="at least one record")
    for index, record in enumerate(records):
        if len(record) > RECORD_SIZE_MAX:
            raise Malformed(
                "a record is too large for the log",
                expected=f"at most {RECORD_SIZE_MAX} bytes",
                found=f"{len(record)} bytes",
                where=f"record {index}",
            )


class EventLog(Protocol):
    """An append-only log of byte records in named sources, numbered from 0 without holes.

    Durability: when ``append`` returns, the records survive a crash of this process and
    of the store. When it raises ``Unavailable`` any of them may be in the log; the
    caller sends the same bytes again and admission names the repeat ``duplicate``.
    PostgreSQL and memory take all of a call or none of it; Kafka may take some, and may
    let records of others come between them. Ordering: the records of one call keep
    their order in each source; ordinals follow commit order; a reader that has seen
    ordinal n never later sees a new record below n. A record never changes.
    Threads: one instance belongs to one thread.
    """

    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        """Appends records to several sources; returns the ordinal of each of them.

        Malformed for no records or one above RECORD_SIZE_MAX, Unknown for an unknown
        source: then nothing was appended.
        """
        ...

    def append(self, source: str, records: Sequence[bytes]) -> list[int]:
        """Appends records to one source; returns the ordinal of each."""
        return self.append_all({source: records})[source]

    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        """Records from ordinal ``start``: at most ``limit`` and ``size_max`` bytes.

        At least one when there is one, however large; empty at the end.
        """
        ...

    def start(self, source: str) -> int:
        """Ordinal of the first record still held; anything but 0 is a broken log."""
        ...

    def ends(self) -> Mapping[str, int]:
        """For every source that holds records: the ordinal the next one will get."""
        ...

    def clock(self) -> int | None:
        """The store's own clock, UTC µs; None when it has none."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Returns after the next append of anybody, or after ``timeout_s``, or earlier."""
        ...

    def close(self) -> None:
        """Gives back what the log holds open; appended records stay."""
        ...
