"""What it takes to go on beside a damaged source on Kafka: its remains, and new topics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.log_wiring import on_kafka
from ledger.errors import Unavailable
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_remains import Remains
from ledger.log.kafka_topics import assert_source, create_source, delete_source

if TYPE_CHECKING:
    from console.settings import Settings
    from ledger.log.contract import EventLog
    from ledger.log.offset_gaps import OffsetGaps

GONE_S = 60.0
_POLL_S = 0.2


@contextmanager
def remains_of(settings: Settings, source: str) -> Iterator[Remains]:
    """What a damaged source still holds."""
    found = Remains(on_kafka(settings), source, monotonic=time.monotonic)
    try:
        yield found
    finally:
        found.close()


def add_source(settings: Settings, source: str) -> None:
    """Makes the topic of one more source; one that an interrupted call made is taken."""
    with remains_of(settings, source) as remains:
        there = remains.there
    if there:
        assert_source(on_kafka(settings), source)
    else:
        create_source(on_kafka(settings), source)


def drop_source(settings: Settings, source: str) -> None:
    """Deletes the topic of a source; returns when it is gone."""
    delete_source(on_kafka(settings), source)
    deadline = time.monotonic() + GONE_S
    with remains_of(settings, source) as remains:
        while remains.there:
            if time.monotonic() > deadline:
                raise Unavailable(
                    "the brokers still hold a deleted topic",
                    code="kafka_topics_pending",
                    where=source,
                )
            time.sleep(_POLL_S)


@contextmanager
def source_alone(
    settings: Settings, source: str, *, gaps: OffsetGaps
) -> Iterator[EventLog]:
    """A log of one source, of which no more is known than ``gaps``."""
    log = KafkaLog(
        on_kafka(settings), gaps=gaps, monotonic=time.monotonic, sources=[source]
    )
    try:
        yield log
    finally:
        log.close()
