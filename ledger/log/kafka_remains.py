"""What a damaged source still holds on Kafka, whatever is known of its offsets.

It may have lost its first records, its last ones, or all: so nothing is expected of it,
and its records are numbered by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.log.kafka_consumer import PartitionConsumer
from ledger.log.kafka_patience import Monotonic
from ledger.log.kafka_producer import PATIENCE_S
from ledger.log.kafka_settings import KafkaPlace

_WAIT_MS: Final = 100


class Remains:
    """The records of one source from the first that is still there; close it after use.

    Connects when it is first used. Raises Unavailable when the brokers do not answer.
    """

    def __init__(self, place: KafkaPlace, source: str, *, monotonic: Monotonic) -> None:
        self._partition = place.partition_of(source)
        self._consumer = PartitionConsumer(
            place, monotonic=monotonic, patience_s=PATIENCE_S, wait_ms=_WAIT_MS
        )

    @property
    def there(self) -> bool:
        """Whether there is such a source at all."""
        return self._partition in self._consumer.partitions(anew=True)

    @property
    def start(self) -> int:
        """The first offset that is still held; anything but 0 is a loss."""
        return self._consumer.starts({self._partition})[self._partition]

    def read(self) -> Iterator[bytes]:
        """All data records up to the end as it is now, in order; committed or not."""
        one, start = self._partition, self.start
        self._consumer.seek({one: start})
        end = self._consumer.ends({one: start})[one]
        while found := self._consumer.step({one: end}, {one}):
            for fetched in found:
                for record in fetched.records:
                    yield record.value or b""

    def close(self) -> None:
        """Ends the connections."""
        self._consumer.close()
