"""Damages the topics of a ledger on Kafka as disks, brokers and operators do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from console.log_repair import remains_of
from console.settings import Settings
from console.wiring import open_ledger
from ledger.log.kafka_producer import KafkaAppender
from ledger.log.kafka_rules import settings_of
from ledger.log.kafka_settings import KafkaPlace
from ledger.sources import events_source

Records = list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenTopics:
    """The topics of one ledger."""

    settings: Settings
    partitions: int

    @property
    def place(self) -> KafkaPlace:
        assert self.settings.kafka is not None
        return self.settings.kafka

    def sealed(self) -> Mapping[str, int]:
        """How many records of each source are sealed; asks the database alone."""
        with open_ledger(self.settings, checked=False) as ledger:
            return ledger.head.load().tip.nexts

    def busiest(self) -> str:
        """The event source with the most records."""
        nexts = {s: n for s, n in self.sealed().items() if s.startswith("events-")}
        return max(nexts, key=lambda source: nexts[source])

    def held(self, source: str) -> Records:
        with remains_of(self.settings, source) as remains:
            return list(remains.read())

    def lose_first(self, source: str, count: int = 1) -> None:
        """Deletes records from the start, as a wrong retention does."""
        admin = self._admin()
        admin.delete_records({TopicPartition(*self.place.partition_of(source)): count})
        admin.close()

    def make_again(self, source: str, change: Callable[[Records], Records]) -> None:
        """Deletes the source's topic and makes it again, one of its sources changed."""
        topic = self.place.partition_of(source).topic
        together = [source]
        if source.startswith("events-"):
            together = [events_source(n) for n in range(self.partitions)]
        records = {name: self.held(name) for name in together}
        records[source] = change(records[source])
        admin = self._admin()
        admin.delete_topics([topic])
        made = NewTopic(
            topic,
            len(together),
            self.place.replicas,
            topic_configs=settings_of(self.place, topic),
        )
        while not _created(admin, made):  # the brokers forget one after the other
            time.sleep(0.2)
        admin.close()
        self.append({name: found for name, found in records.items() if found})

    def append(self, batches: Mapping[str, Records]) -> None:
        """Appends as somebody does who knows nothing of the ledger's state."""
        appender = KafkaAppender(self.place, monotonic=time.monotonic)
        for name, found in batches.items():
            appender.append(name, found)
        appender.close()

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=list(self.place.bootstrap))


def _created(admin: KafkaAdminClient, topic: NewTopic) -> bool:
    try:
        admin.create_topics([topic])
        admin.wait_for_topics([topic.name], timeout_ms=60_000)
    except TopicAlreadyExistsError:
        return False
    return True
