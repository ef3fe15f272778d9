"""The log of a ledger: which one it has, and whether it may be started on.

What speaks to Kafka is imported where a log lies there: its client takes a quarter of
the time in which a command starts, and the commands of most ledgers never need it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, LiteralString

from consumers.sealed_log import check_sealed
from ledger.errors import Malformed
from ledger.log.archive_reader import ArchiveReader
from ledger.log.archived import ArchivedLog
from ledger.log.head import HeadStore
from ledger.log.head_gaps import HeadGaps
from ledger.log.notices import Notices
from ledger.log.postgres import PostgresLog
from ledger.sources import SEALS

if TYPE_CHECKING:
    from console.settings import Settings
    from console.wiring import Connections
    from ledger.log.contract import EventLog
    from ledger.log.kafka_settings import KafkaPlace
    from ledger.log.offset_gaps import OffsetGaps

WAKE_ON: tuple[LiteralString, ...] = ("ledger_verdicts",)


def open_log(
    settings: Settings,
    connections: Connections,
    *,
    closed: Collection[str] = (),
    gaps: OffsetGaps | None = None,
) -> EventLog:
    """The log of a ledger; it is closed together with the connections.

    Of a log on Kafka, what it lost of sealed records is read from the archive. ``closed``:
    sources that were succeeded; there nobody looks at their topics any more. ``gaps``:
    what is known of the topics, by default what was noted beside the head.
    """
    log = bare_log(settings, connections, closed=closed, gaps=gaps)
    return archived_log(settings, connections, log, closed=closed)


def archived_log(
    settings: Settings,
    connections: Connections,
    log: EventLog,
    *,
    closed: Collection[str] = (),
) -> EventLog:
    """The same log with the archive behind it, where there is one."""
    if settings.kafka is None:
        return log
    archive = partial(ArchiveReader, settings.archive)
    return ArchivedLog(log, archive, HeadStore(connections.open()), closed=closed)


def bare_log(
    settings: Settings,
    connections: Connections,
    *,
    closed: Collection[str] = (),
    gaps: OffsetGaps | None = None,
) -> EventLog:
    """The log itself, which holds what it holds."""
    if settings.kafka is None:
        return PostgresLog(connections.open(), wake_on=WAKE_ON)
    from ledger.log.kafka import KafkaLog

    log = KafkaLog(
        settings.kafka,
        gaps=gaps or HeadGaps(connections.open()),
        monotonic=time.monotonic,
        without=closed,
        woken=Notices(connections.open(), WAKE_ON).pending,
    )
    connections.closing(log.close)
    return log


def create_log(
    settings: Settings, connections: Connections, sources: Sequence[str]
) -> None:
    """Makes the sources of a new ledger, all of them empty."""
    if settings.kafka is None:
        PostgresLog(connections.open()).create(sources)
    else:
        from ledger.log.kafka_topics import create_topics

        create_topics(settings.kafka, sources)


def drop_log(settings: Settings, sources: Sequence[str]) -> None:
    """Deletes the topics of a founding that failed; tables go with their schema."""
    if settings.kafka is not None:
        from ledger.log.kafka_topics import delete_topics

        delete_topics(settings.kafka, sources)


def check_log(
    settings: Settings,
    log: EventLog,
    head: HeadStore,
    sources: Sequence[str],
    *,
    closed: Collection[str],
) -> None:
    """Refuses to start on topics that are not as they must be, or have lost records.

    ``log`` itself, and those of its ``sources`` that are in use; at those in ``closed``
    nobody looks. Raises Malformed for wrong topics, Untrusted for a log that is cut,
    begins late or was made again.
    """
    if settings.kafka is not None:
        from ledger.log.kafka_topics import assert_topics

        assert_topics(settings.kafka, [*sources, SEALS], without=closed)
        whole = [source for source in sources if source not in closed]
        # The head first: what it calls sealed was in the log before.
        check_sealed(log, head, head.load(), sources=whole)


def on_kafka(settings: Settings) -> KafkaPlace:
    """Where the log lies; raises Malformed when it lies in PostgreSQL."""
    if settings.kafka is None:
        raise Malformed(
            "the log of this ledger is a table of its database",
            code="log_not_on_kafka",
            expected="a ledger whose log lies on Kafka",
            where=str(settings.directory),
        )
    return settings.kafka
