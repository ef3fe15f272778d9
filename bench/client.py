"""The floor under every figure on Kafka: what its client does alone with the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from bench.brokers import Mode, started
from bench.machine import percentile, spread

PARTITIONS: Final = 12
RECORD: Final = 1_100  # bytes of a record with 8 fields, 2 of them encrypted
SINGLES: Final = 300


def run(
    *, events: int, runs: int, modes: Sequence[Mode], say: Callable[[str], None]
) -> None:
    """Prints produce and consume rates and one acknowledged send, per number of brokers."""
    for mode in modes:
        with started(mode) as bootstrap:
            if bootstrap is None:
                continue
            rates = [_rates(bootstrap, mode, events) for _ in range(runs)]
            times = _single(bootstrap, mode)
        say(
            f"client alone, {mode}: produce {spread([r[0] for r in rates], 'records/s')}"
        )
        say(
            f"client alone, {mode}: consume {spread([r[1] for r in rates], 'records/s')}"
        )
        say(
            f"client alone, {mode}: one acknowledged send p50 "
            f"{percentile(times, 0.5):.1f} ms, p99 {percentile(times, 0.99):.1f} ms"
        )


def _topic(bootstrap: str, mode: Mode) -> str:
    name = f"client-{token_hex(4)}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    copies = 1 if mode == "one broker" else 3
    settings = {"min.insync.replicas": str(min(copies, 2))}
    admin.create_topics([NewTopic(name, PARTITIONS, copies, topic_configs=settings)])
    admin.close()
    return name


def _producer(bootstrap: str, linger_ms: int) -> KafkaProducer:
    return KafkaProducer(
        bootstrap_servers=bootstrap.split(","),
        enable_idempotence=True,
        acks="all",
        linger_ms=linger_ms,
        batch_size=256 * 1024,
        max_in_flight_requests_per_connection=5,
    )


def _rates(bootstrap: str, mode: Mode, events: int) -> tuple[float, float]:
    topic, data = _topic(bootstrap, mode), bytes(RECORD)
    producer = _producer(bootstrap, 5)
    producer.send(topic, value=data, partition=0).get(timeout=60)
    started_at = time.perf_counter()
    for number in range(events):
        producer.send(topic, value=data, partition=number % PARTITIONS)
    producer.flush()
    produced = events / (time.perf_counter() - started_at)
    producer.close()
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        max_poll_records=4_096,
    )
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    read, started_at = 0, time.perf_counter()
    while read < events:
        read += sum(map(len, consumer.poll(1_000).values()))
    consumed = read / (time.perf_counter() - started_at)
    consumer.close()
    return produced, consumed


def _single(bootstrap: str, mode: Mode) -> list[float]:
    topic, data = _topic(bootstrap, mode), bytes(RECORD)
    producer = _producer(bootstrap, 0)
    times = []
    for _ in range(SINGLES + 20):
        started_at = time.perf_counter()
        producer.send(topic, value=data, partition=0).get(timeout=60)
        times.append((time.perf_counter() - started_at) * 1e3)
    producer.close()
    return times[20:]
