"""The logs that the contract suite runs over; a new log is one more entry here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import psycopg
import pytest

from ledger.log.contract import EventLog
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.kafka_topics import create_topics
from ledger.log.memory import MemoryLog, MemoryStore
from ledger.log.offset_gaps import MemoryGaps
from ledger.log.postgres import PostgresLog

SOURCES = ("registry", "events-0", "events-1", "seals")

OpenLog = Callable[[], EventLog]
"""Opens one more handle on the same, at first empty, log with SOURCES."""


class LogKind(Protocol):
    """How a suite gets at one kind of log."""

    def __call__(self, request: pytest.FixtureRequest) -> Iterator[OpenLog]: ...


def memory(request: pytest.FixtureRequest) -> Iterator[OpenLog]:
    store = MemoryStore(SOURCES)
    yield lambda: MemoryLog(store)


def postgres(request: pytest.FixtureRequest) -> Iterator[OpenLog]:
    dsn: str = request.getfixturevalue("dsn")
    with postgres_logs(dsn) as open_log:
        yield open_log


@contextmanager
def postgres_logs(
    dsn: str, sources: Sequence[str] = SOURCES
) -> Iterator[Callable[[], PostgresLog]]:
    opened: list[PostgresLog] = []

    def open_log() -> PostgresLog:
        log = PostgresLog(psycopg.connect(dsn, autocommit=True))
        if not opened:
            log.create(sources)
        opened.append(log)
        return log

    try:
        open_log()
        yield open_log
    finally:
        for log in opened:
            log.close()


def kafka(request: pytest.FixtureRequest) -> Iterator[OpenLog]:
    bootstrap: str = request.getfixturevalue("kafka_cluster")
    topics: str = request.getfixturevalue("topics")
    with kafka_logs(kafka_place(bootstrap, topics)) as open_log:
        yield open_log


def kafka_single(request: pytest.FixtureRequest) -> Iterator[OpenLog]:
    bootstrap: str = request.getfixturevalue("kafka_broker")
    topics: str = request.getfixturevalue("topics")
    with kafka_logs(kafka_place(bootstrap, topics)) as open_log:
        yield open_log


def kafka_place(bootstrap: str, prefix: str) -> KafkaPlace:
    addresses = tuple(bootstrap.split(","))
    return KafkaPlace(
        bootstrap=addresses, prefix=prefix, single_broker=len(addresses) == 1
    )


@contextmanager
def kafka_logs(
    place: KafkaPlace, sources: Sequence[str] = SOURCES
) -> Iterator[Callable[[], KafkaLog]]:
    opened: list[KafkaLog] = []

    def open_log() -> KafkaLog:
        log = KafkaLog(place, gaps=MemoryGaps(), monotonic=time.monotonic)
        opened.append(log)
        return log

    create_topics(place, sources)
    try:
        yield open_log
    finally:
        for log in opened:
            log.close()


KINDS: dict[str, LogKind] = {
    "memory": memory,
    "postgres": postgres,
    "kafka": kafka,
    "kafka_single": kafka_single,
}
MARKS = {"postgres": ["postgres"], "kafka": ["kafka"], "kafka_single": ["kafka"]}
