"""What of a call's records is still to be sent, and in which portions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.log.kafka_settings import Partition

# What waits for acknowledgements at once; a larger part would not go any faster, and
# its end would wait longer than a record may.
PART_SIZE: Final = 16 * 1024 * 1024
_OVERHEAD: Final = 100


@dataclass(slots=True, kw_only=True)
class Sending:
    """One source's records of a call; those from ``len(offsets)`` on are still to go."""

    partition: Partition
    records: Sequence[bytes]
    offsets: list[int] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether every record was acknowledged."""
        return len(self.offsets) == len(self.records)


def next_part(sending: Mapping[str, Sending]) -> Iterator[tuple[Sending, bytes]]:
    """The next records of each source in order, some megabytes in all, at least one."""
    left = [one for one in sending.values() if not one.done]
    size = 0
    for one in left:
        share = size + (PART_SIZE - size) // len(left)
        for record in one.records[len(one.offsets) :]:
            yield one, record
            size += len(record) + _OVERHEAD
            if size >= share:
                break
