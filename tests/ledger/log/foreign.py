"""Others who write to, or administer, a ledger's topics, and do not keep to its habits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from ledger.log.kafka_settings import KafkaPlace


@contextmanager
def producing(place: KafkaPlace, **options: Any) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=list(place.bootstrap), **options)
    try:
        yield producer
    finally:
        producer.close(timeout=30)


@contextmanager
def administering(place: KafkaPlace) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=list(place.bootstrap))
    try:
        yield admin
    finally:
        admin.close()


class Transactions:
    """A producer that writes in transactions (KIP-98), all in its own time."""

    def __init__(
        self, place: KafkaPlace, producer: KafkaProducer, consumer: KafkaConsumer
    ) -> None:
        self._place = place
        self._producer = producer
        self._consumer = consumer
        self._last: dict[TopicPartition, int] = {}
        producer.init_transactions()

    def begin(self, source: str, values: Sequence[bytes]) -> None:
        """Writes records in a new transaction, acknowledged, and leaves it open."""
        partition = TopicPartition(*self._place.partition_of(source))
        self._producer.begin_transaction()
        sent = [
            self._producer.send(
                partition.topic, value=value, partition=partition.partition
            )
            for value in values
        ]
        self._last = {partition: max(one.get(timeout=60).offset for one in sent)}

    def end(self, *, commit: bool) -> None:
        """Ends it; returns when its marker is in the partition, which comes later."""
        if commit:
            self._producer.commit_transaction()
        else:
            self._producer.abort_transaction()
        for partition, offset in self._last.items():
            while self._consumer.end_offsets([partition])[partition] < offset + 2:
                pass

    def write(self, source: str, values: Sequence[bytes], *, commit: bool) -> None:
        self.begin(source, values)
        self.end(commit=commit)


@contextmanager
def transactions(place: KafkaPlace) -> Iterator[Transactions]:
    consumer = KafkaConsumer(bootstrap_servers=list(place.bootstrap), group_id=None)
    with producing(place, transactional_id=f"{place.prefix}-foreign") as producer:
        try:
            yield Transactions(place, producer, consumer)
        finally:
            consumer.close()


def send(place: KafkaPlace, source: str, value: bytes | None, **given: Any) -> int:
    """One record by a producer of its own kind; returns its offset."""
    topic, number = place.partition_of(source)
    with producing(place) as producer:
        sent = producer.send(topic, value=value, partition=number, **given)
        return int(sent.get(timeout=60).offset)


def delete_before(place: KafkaPlace, source: str, offset: int) -> None:
    """Makes a partition lose what lies before an offset, as expiry would."""
    with administering(place) as admin:
        admin.delete_records({TopicPartition(*place.partition_of(source)): offset})


def delete_topic(place: KafkaPlace, source: str) -> None:
    with administering(place) as admin:
        admin.delete_topics([place.partition_of(source).topic])
        while place.partition_of(source).topic in admin.list_topics():
            pass
