"""What every log must promise; ``memory`` and ``postgres`` here, Kafka beside them.

A source (数据流) is one ordered stream of records: ``registry``, ``events-0`` … and the
``seals`` that fix their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

SEALS = "seals"
REGISTRY = "registry"


def events_source(partition: int) -> str:
    """Name of the source that carries one event partition."""
    return f"events-{partition}"


def source_names(partitions: int) -> tuple[str, ...]:
    """The sources a seal may cover, in sealed order."""
    return (REGISTRY, *(events_source(p) for p in range(partitions)))


class EventLog(Protocol):
    """An append-only log of byte records in named sources, numbered from 0 without holes.

    Durability: when ``append`` returns, the records survive a crash of this process and
    of the store. When it raises ``Unavailable`` they are in the log once or not at all,
    whole or not at all; the caller sends the same bytes again and admission names the
    repeat ``duplicate``. Ordering: ordinals follow commit order; a reader that has seen
    ordinal n never later sees a new record below n. A record never changes.
    Threads: one instance belongs to one thread.
    """

    def append(self, source: str, records: Sequence[bytes]) -> int:
        """Appends records together and returns the ordinal of the first."""
        ...

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

    def wait(self, timeout_s: float) -> None:
        """Returns after the next append of anybody, or after ``timeout_s``, or earlier."""
        ...

    def close(self) -> None:
        """Gives back what the log holds open; appended records stay."""
        ...
