"""Appends to Kafka: acknowledged by all in-sync replicas, or sent again, or given up.

All that a department needs that only hands in events: permission to write, no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import BrokerResponseError, KafkaError, KafkaTimeoutError

from ledger.errors import Unavailable, Unknown
from ledger.log.contract import check_records
from ledger.log.kafka_client import (
    REQUEST_S,
    Client,
    bootstrap_ms,
    opened,
    options,
    refusal,
    unavailable,
)
from ledger.log.kafka_patience import Monotonic, Patience
from ledger.log.kafka_sending import Sending, next_part
from ledger.log.kafka_settings import KafkaPlace, Partition

PATIENCE_S: Final = 30.0
_BATCH_SIZE: Final = 512 * 1024
_REQUEST_SIZE_MAX: Final = 8 * 1024 * 1024
_LINGER_MS: Final = 5
_DELIVERY_S: Final = 18.0
_FLUSH_S: Final = 20.0
_METADATA_S: Final = 2.0
_CLOSE_S: Final = 5.0
_NO_OFFSET: Final = -1
_NO_TIME_MS: Final = 0


class Appended(NamedTuple):
    """Where a record lies: the ordinal in its source follows from the offset."""

    source: str
    offset: int


class KafkaAppender:
    """Appends to the topics of one ledger; connects when it is first used.

    A record counts as appended when every in-sync replica has it. One whose
    acknowledgement did not come is sent again, the same bytes, with all that follow it
    in its source: repeats are harmless, and the last copies keep the order. After
    ``patience_s`` without any progress: Unavailable. It belongs to one thread.
    """

    def __init__(
        self, place: KafkaPlace, *, monotonic: Monotonic, patience_s: float = PATIENCE_S
    ) -> None:
        self._place = place
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._client: Client | None = None
        self._topics = {place.clock.topic}
        self._no_clock = False

    def append(self, source: str, records: Sequence[bytes]) -> list[Appended]:
        """Appends records to one source; returns where each of them lies."""
        offsets = self.append_all({source: records})[source]
        return [Appended(source, offset) for offset in offsets]

    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        """Appends records to several sources; returns the offset of each of them.

        Malformed and Unknown: nothing was appended. Unavailable: some may have been.
        """
        for records in batches.values():
            check_records(records)
        sending = {
            source: Sending(partition=self._place.partition_of(source), records=records)
            for source, records in batches.items()
        }
        self._topics.update(one.partition.topic for one in sending.values())
        patience = Patience(self._monotonic, self._patience_s)
        where = f"appending to {', '.join(sorted(batches))}"
        for source, one in sending.items():
            self._check_known(source, one.partition, patience)
        while any(not one.done for one in sending.values()):
            self._round(sending, patience, where)
        return {source: one.offsets for source, one in sending.items()}

    def clock(self) -> int | None:
        """The brokers' time, UTC µs: what they stamp on an empty record.

        None when there is no topic for it. Raises Unavailable.
        """
        partition = self._place.clock
        patience = Patience(self._monotonic, self._patience_s)
        try:
            if not self._no_clock:
                self._check_known(partition.topic, partition, patience)
        except Unknown:
            self._no_clock = True
        if self._no_clock:
            return None
        while True:
            sent = self._sent([(partition, b"")], patience)
            if isinstance(sent[0], KafkaError):
                self._go_on(sent[0], patience, "asking the brokers for the time")
                continue
            if sent[0].timestamp == _NO_TIME_MS:
                raise Unavailable(
                    "the topic for the brokers' time does not take it from them",
                    code="kafka_wrong_time",
                    expected="message.timestamp.type=LogAppendTime",
                    where=partition.topic,
                )
            return int(sent[0].timestamp) * 1000

    def close(self) -> None:
        """Ends the connections and their threads, within seconds."""
        if self._client is not None:
            client, self._client = self._client, None
            try:
                client.face.close(timeout=_CLOSE_S)
            except KafkaTimeoutError:
                _end(client)

    def _check_known(
        self, source: str, partition: Partition, patience: Patience
    ) -> None:
        """Raises Unknown when there is no such partition."""
        where = f"looking for {source}"
        while True:
            found, error = self._partitions(partition.topic)
            if found is not None and partition.number in found:
                return
            if error is None:
                raise Unknown(
                    "no such source in this log", code="source_not_found", found=source
                )
            self._go_on(error, patience, where)

    def _partitions(
        self, topic: str
    ) -> tuple[set[int] | None, KafkaError | OSError | None]:
        try:
            return self._connected().face.partitions_for(topic), None
        except KafkaTimeoutError as error:
            # Either nobody answers, or somebody does and knows no such topic.
            return None, None if self._client and _answers(self._client) else error
        except (KafkaError, OSError) as error:
            return None, error

    def _round(
        self, sending: Mapping[str, Sending], patience: Patience, where: str
    ) -> None:
        """Sends a bounded part of what is left, and takes in what was acknowledged."""
        part = list(next_part(sending))
        results = self._sent(
            [(one.partition, record) for one, record in part], patience
        )
        failed: dict[Partition, KafkaError] = {}
        for (one, _), result in zip(part, results, strict=True):
            if isinstance(result, KafkaError):
                failed.setdefault(one.partition, result)
            elif one.partition not in failed:
                one.offsets.append(result.offset)
        if len(failed) < len({one.partition for one, _ in part}):
            patience.renew()
        if failed:
            self._go_on(next(iter(failed.values())), patience, where)

    def _sent(
        self, records: Sequence[tuple[Partition, bytes]], patience: Patience
    ) -> list[Any]:
        """For each record what the brokers said of it, or the error."""
        try:
            face = self._connected().face
            futures = [
                face.send(
                    partition.topic,
                    value=record,
                    partition=partition.number,
                    timestamp_ms=_NO_TIME_MS,
                )
                for partition, record in records
            ]
            face.flush(timeout=min(patience.left_s, _FLUSH_S))
        except KafkaError as error:
            return [error] * len(records)
        except OSError as error:
            return [KafkaError(str(error))] * len(records)
        return [_result(future) for future in futures]

    def _go_on(
        self, error: KafkaError | OSError, patience: Patience, where: str
    ) -> None:
        """Makes ready for another try, with a fresh producer; raises Unavailable.

        One that was fenced, or whose sequence numbers have a hole, never recovers.
        """
        self._drop()
        if (refused := refusal(self._place, error, where)) is not None:
            raise refused from error
        if not patience.pause():
            raise unavailable(error, where) from error

    def _connected(self) -> Client:
        if self._client is not None:
            return self._client
        self._client = opened(
            KafkaProducer,
            {
                **options(self._place),
                "bootstrap_timeout_ms": bootstrap_ms(self._patience_s),
                "enable_idempotence": True,
                "acks": "all",
                "max_in_flight_requests_per_connection": 5,
                "compression_type": None,
                "batch_size": _BATCH_SIZE,
                "linger_ms": _LINGER_MS,
                "max_request_size": _REQUEST_SIZE_MAX,
                "max_block_ms": int(_METADATA_S * 1000),
                "delivery_timeout_ms": int(_DELIVERY_S * 1000),
            },
            topics=self._topics,
        )
        return self._client

    def _drop(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            _end(client)


def _answers(client: Client) -> bool:
    """Whether a broker answers a question for metadata."""
    answered = Event()
    asked = client.network.cluster.request_update()
    asked.add_both(lambda _: answered.set())
    client.network.wakeup()
    return answered.wait(REQUEST_S) and (
        asked.succeeded() or isinstance(asked.exception, BrokerResponseError)
    )


def _end(client: Client) -> None:
    """Ends a producer that may hold records: they are sent again, or were given up.

    Its own close waits for them and, when it has waited in vain, leaves its thread.
    """
    sender = client.face._sender  # noqa: SLF001
    sender.force_close()
    sender.join(_CLOSE_S)
    if sender.is_alive():
        client.network.close()
        sender.join(_CLOSE_S)
    client.face.close(timeout=0)


def _result(future: Any) -> Any:
    if not future.is_done:
        return KafkaTimeoutError("not acknowledged in time")
    if future.failed():
        return future.exception
    if future.value.offset == _NO_OFFSET:
        return KafkaError("acknowledged without saying where")
    return future.value
