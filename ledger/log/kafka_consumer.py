"""Reads partitions of Kafka from given offsets on, and heals itself.

Offsets come from us alone: no groups, no commits, no reset. What it is asked for again
and again without any progress makes it take a new connection, and in the end give up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)

from ledger.errors import Untrusted
from ledger.log.kafka_client import (
    Client,
    bootstrap_ms,
    offsets,
    opened,
    options,
    refusal,
    translated,
    unavailable,
)
from ledger.log.kafka_patience import Monotonic, Patience
from ledger.log.kafka_settings import KafkaPlace, Partition

T = TypeVar("T")

# At least a topic's max.message.bytes; a batch comes whole, however large it is.
PARTITION_FETCH_SIZE: Final = 1024 * 1024
_FETCH_SIZE: Final = 8 * 1024 * 1024
_FRAME_SIZE_MAX: Final = 32 * 1024 * 1024
_RECORDS_MAX: Final = 4_096
_CLOSE_MS: Final = 1_000
_STEP_S: Final = 0.02
_STUCK_S: Final = 3.0
_SETTLE_S: Final = 10.0


class Fetched(NamedTuple):
    """Records of one partition in order, and the offset up to which it is now read.

    Each record has an ``offset`` and a ``value``. Between the last of them and
    ``position`` there are none.
    """

    partition: Partition
    records: Sequence[Any]
    position: int


class PartitionConsumer:
    """Reads partitions of one ledger; connects when it is first used.

    ``wait_ms`` is how long a broker may hold back an answer until there are records.
    Every method raises Unavailable when ``patience_s`` have passed without progress,
    and at once when the brokers do not permit it; Untrusted when records have gone.
    ``connections`` counts those that were made. It belongs to one thread.
    """

    def __init__(
        self,
        place: KafkaPlace,
        *,
        monotonic: Monotonic,
        patience_s: float,
        wait_ms: int,
    ) -> None:
        self._place = place
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._wait_ms = wait_ms
        self._client: Client | None = None
        self.connections = 0
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._topic_ids: dict[str, object] = {}

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """From where partitions are read next; one that is new is read from now on."""
        new = positions.keys() - self._positions.keys()
        self._positions.update(positions)
        if self._client is not None:
            if new:
                self._assign(self._client)
            for partition, offset in positions.items():
                self._client.face.seek(TopicPartition(*partition), offset)

    def partitions(self, *, anew: bool) -> set[Partition]:
        """All partitions under the ledger's prefix that the brokers show us.

        As they were when the connection was made, or ``anew``.
        """
        start = f"{self._place.prefix}."

        def ask(client: Client) -> set[Partition]:
            cluster = client.network.cluster
            topics = client.face.topics() if anew else cluster.topics()
            return {
                Partition(topic, number)
                for topic in topics
                if topic.startswith(start)
                for number in cluster.partitions_for_topic(topic)
            }

        return self._asked(ask, f"looking for topics {start}*")

    def starts(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The first offset that each partition still holds."""
        return self._asked(
            lambda client: offsets(client.face.beginning_offsets, partitions),
            "asking for the starts of the log",
        )

    def ends(self, at_least: Mapping[Partition, int]) -> dict[Partition, int]:
        """The offset behind the last record of each partition, committed or not.

        A leader that was replaced and does not know it yet may be behind: an end below
        ``at_least`` is asked for again, for seconds, before it is believed.
        """
        settle = Patience(self._monotonic, min(_SETTLE_S, self._patience_s))
        while True:
            found = self._asked(
                lambda client: offsets(client.face.end_offsets, at_least),
                "asking for the ends of the log",
            )
            self._check_topics()
            short = any(found[one] < offset for one, offset in at_least.items())
            if not short or not settle.pause():
                return found
            self.close()

    def poll(self, wanted: Collection[Partition], timeout_s: float) -> list[Fetched]:
        """What has come in for ``wanted``; waits for it at most ``timeout_s``."""
        patience = Patience(self._monotonic, self._patience_s)
        while True:
            try:
                return self._poll(wanted, timeout_s)
            except (KafkaError, OSError) as error:
                self._go_on(error, patience, "reading the log")

    def step(
        self, targets: Mapping[Partition, int], wanted: Collection[Partition]
    ) -> list[Fetched]:
        """Reads on until there is some progress; empty when all targets are reached.

        ``targets``: offsets that must be reached; of the other ``wanted`` partitions it
        takes what comes.
        """
        behind = [one for one, end in targets.items() if self._positions[one] < end]
        patience = Patience(self._monotonic, self._patience_s)
        stuck = Patience(self._monotonic, _STUCK_S)
        while behind:
            try:
                if found := self._poll(wanted, _STEP_S) or self._marked(behind):
                    return found
            except (KafkaError, OSError) as error:
                self._go_on(error, patience, "reading the log")
                continue
            if not stuck.left_s:
                self._go_on(None, patience, f"reading {behind[0].topic}")
                self._check_held({one: self._positions[one] + 1 for one in behind})
                stuck.renew()
        return []

    def close(self) -> None:
        """Ends the connections and their thread; the positions stay."""
        if self._client is not None:
            client, self._client = self._client, None
            client.face.close(autocommit=False, timeout_ms=_CLOSE_MS)

    def _poll(self, wanted: Collection[Partition], timeout_s: float) -> list[Fetched]:
        face = self._connected().face
        self._pause(face, self._positions.keys() - set(wanted))
        taken = face.poll(timeout_ms=int(timeout_s * 1000), max_records=_RECORDS_MAX)
        found = []
        for one, records in taken.items():
            partition = Partition(*one)
            self._positions[partition] = records[-1].offset + 1
            found.append(Fetched(partition, records, self._positions[partition]))
        return found

    def _pause(self, face: Any, paused: set[Partition]) -> None:
        if paused != self._paused:
            face.resume(*(TopicPartition(*one) for one in self._paused - paused))
            face.pause(*(TopicPartition(*one) for one in paused - self._paused))
            self._paused = paused

    def _marked(self, behind: Sequence[Partition]) -> list[Fetched]:
        """Partitions in which only transaction markers were passed."""
        face = self._connected().face
        found = []
        for partition in behind:
            position = face.position(TopicPartition(*partition), timeout_ms=0)
            if position is not None and position > self._positions[partition]:
                self._positions[partition] = position
                found.append(Fetched(partition, (), position))
        return found

    def _asked(self, question: Callable[[Client], T], where: str) -> T:
        patience = Patience(self._monotonic, self._patience_s)
        while True:
            try:
                return question(self._connected())
            except (KafkaError, OSError) as error:
                self._go_on(error, patience, where)

    def _go_on(
        self, error: KafkaError | OSError | None, patience: Patience, where: str
    ) -> None:
        """Makes ready for another try over a new connection, or raises."""
        self.close()
        if isinstance(error, CorruptRecordError | UnsupportedCodecError):
            with translated(self._place, where):
                raise error
        if isinstance(error, LogTruncationError):
            raise _lost(error, "the log as it was", str(error), where)
        if isinstance(error, OffsetOutOfRangeError):
            self._check_held(self._positions)
        if (refused := refusal(self._place, error, where)) is not None:
            raise refused from error
        if not patience.pause():
            raise unavailable(error, where) from error

    def _check_held(self, needed: Mapping[Partition, int]) -> None:
        """Raises Untrusted if a partition does not hold what is to be read next."""
        ends, starts = self.ends(needed), self.starts(needed)
        for one, offset in needed.items():
            if not starts[one] <= self._positions[one] or not offset <= ends[one]:
                raise _lost(
                    None,
                    f"offset {self._positions[one]}",
                    f"offsets {starts[one]} to {ends[one]}",
                    self._place.source_of(one) or one.topic,
                )

    def _check_topics(self) -> None:
        """Raises Untrusted when a topic is not the one that it was."""
        cluster = self._connected().network.cluster
        for topic in {one.topic for one in self._positions}:
            found = cluster.topic_id(topic)
            if found is not None:
                known = self._topic_ids.setdefault(topic, found)
                if known != found:
                    raise _lost(None, f"topic {known}", f"topic {found}", topic)

    def _connected(self) -> Client:
        if self._client is not None:
            return self._client
        self.connections += 1
        self._client = opened(
            KafkaConsumer,
            {
                **options(self._place),
                "bootstrap_timeout_ms": bootstrap_ms(self._patience_s),
                "group_id": None,
                "enable_auto_commit": False,
                "auto_offset_reset": "none",
                "isolation_level": "read_uncommitted",
                "check_crcs": True,
                "fetch_max_wait_ms": self._wait_ms,
                "fetch_max_bytes": _FETCH_SIZE,
                "max_partition_fetch_bytes": PARTITION_FETCH_SIZE,
                "receive_message_max_bytes": _FRAME_SIZE_MAX,
                "max_poll_records": _RECORDS_MAX,
            },
            topics=None,
        )
        self._paused = set()
        if self._positions:
            self._assign(self._client)
            for partition, offset in self._positions.items():
                self._client.face.seek(TopicPartition(*partition), offset)
        return self._client

    def _assign(self, client: Client) -> None:
        client.face.assign([TopicPartition(*one) for one in self._positions])


def _lost(
    error: BaseException | None, expected: str, found: str, where: str
) -> Untrusted:
    lost = Untrusted(
        "Kafka no longer holds what was read",
        code="log_records_lost",
        expected=expected,
        found=found,
        where=where,
    )
    lost.__cause__ = error
    return lost
