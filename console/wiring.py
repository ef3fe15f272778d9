"""Plain constructor calls that put a ledger together; the only wiring there is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from console.embedded import EmbeddedPostgres
from console.engine import Engine
from console.key_ring import KeyRing
from console.ledger import Ledger
from console.settings import Settings
from consumers.halves import ProjectingHalf, SealingHalf
from consumers.locks import SEALING, Locks, projecting
from consumers.project import Projector
from consumers.seal import Sealer
from consumers.sealing_keys import SealingKeys
from ledger.errors import Malformed, Unavailable
from ledger.log.archive import Archive
from ledger.log.archive_reader import ArchiveReader
from ledger.log.archived import ArchivedLog
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.head_gaps import HeadGaps
from ledger.log.journal import CheckpointJournal
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_topics import assert_topics, create_topics, delete_topics
from ledger.log.key_store import KeyStore
from ledger.log.notices import Notices
from ledger.log.postgres import PostgresLog, translated
from ledger.registry import Registry
from ledger.signing import verify
from ledger.sources import SEALS, base_of, source_names
from projections.founding import found

WAKE_ON: tuple[LiteralString, ...] = ("ledger_verdicts",)
SERVER_VERSION_MIN = 150_000
_DROP = "DROP SCHEMA IF EXISTS log, head, views, keys CASCADE"
_HAS_LEDGER = "SELECT to_regclass('head.head') IS NOT NULL"


def now_us() -> int:
    """The clock: UTC µs since 1970."""
    return time.time_ns() // 1_000


class Connections:
    """Connections to one database, closed together; each belongs to one user."""

    def __init__(self, dsn: str, stack: ExitStack) -> None:
        self.dsn = dsn
        self._stack = stack

    @property
    def shown(self) -> str:
        """The address as people may see it: without its password."""
        parts = conninfo_to_dict(self.dsn)
        if "password" not in parts:
            return self.dsn
        kept: dict[str, Any] = {n: v for n, v in parts.items() if n != "password"}
        return make_conninfo(**kept)

    def closing(self, close: Callable[[], None]) -> None:
        """Lets go of something else at the same time."""
        self._stack.callback(close)

    def open(self) -> psycopg.Connection[Any]:
        """A new connection in autocommit mode; raises Unavailable when there is none."""
        try:
            connection = psycopg.connect(self.dsn, autocommit=True)
        except psycopg.ProgrammingError as error:
            raise Malformed(
                "not a PostgreSQL address",
                expected="postgresql://… or key=value pairs",
                where="--dsn",
            ) from error
        except psycopg.Error as error:
            raise Unavailable(
                "no connection to PostgreSQL",
                found=type(error).__name__,
                where="--dsn",
            ) from error
        self._stack.callback(connection.close)
        version = connection.info.server_version
        if version < SERVER_VERSION_MIN:
            raise Malformed(
                "this PostgreSQL is too old", expected=">= 15", found=str(version)
            )
        return connection


@contextmanager
def database(settings: Settings) -> Iterator[tuple[Connections, tuple[str, ...]]]:
    """The database of a ledger for a while, and what starting it changed (as root)."""
    with ExitStack() as stack:
        if settings.dsn is not None:
            yield Connections(settings.dsn, stack), ()
        else:
            server = stack.enter_context(EmbeddedPostgres(settings.embedded))
            yield Connections(server.dsn, stack), server.changes


def drop_ledger(connection: psycopg.Connection[Any]) -> None:
    """Drops what a founding that failed has made; for nobody else."""
    with translated("undoing a founding"):
        connection.execute(_DROP)


def holds_ledger(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database has a ledger's tables already."""
    with translated("looking for a ledger"):
        row = connection.execute(_HAS_LEDGER).fetchone()
    return bool(row and row[0])


def open_log(settings: Settings, connections: Connections) -> EventLog:
    """The log of a ledger; it is closed together with the connections.

    Of a log on Kafka, what it lost of sealed records is read from the archive.
    """
    place = settings.kafka
    if place is None:
        return PostgresLog(connections.open(), wake_on=WAKE_ON)
    log = KafkaLog(
        place,
        gaps=HeadGaps(connections.open()),
        monotonic=time.monotonic,
        woken=Notices(connections.open(), WAKE_ON).pending,
    )
    connections.closing(log.close)
    archive = partial(ArchiveReader, settings.archive)
    return ArchivedLog(log, archive, HeadStore(connections.open()))


def create_log(
    settings: Settings, connections: Connections, sources: Sequence[str]
) -> None:
    """Makes the sources of a new ledger, all of them empty."""
    if settings.kafka is None:
        PostgresLog(connections.open()).create(sources)
    else:
        create_topics(settings.kafka, sources)


def drop_log(settings: Settings, sources: Sequence[str]) -> None:
    """Deletes the topics of a founding that failed; tables go with their schema."""
    if settings.kafka is not None:
        delete_topics(settings.kafka, sources)


def check_log(settings: Settings, head: HeadStore, founding: Registry) -> None:
    """Refuses to start on topics that are not as they must be, or have lost records.

    A source that was succeeded may be damaged: that is why it was.
    """
    if settings.kafka is None:
        return
    sealed = head.load().tip.nexts
    succeeded = {base_of(source) for source in sealed if base_of(source) != source}
    sources = {*source_names(founding.partitions), SEALS, *sealed} - succeeded
    assert_topics(settings.kafka, sorted(sources))


@contextmanager
def open_ledger(settings: Settings, *, accept_clock: bool = False) -> Iterator[Ledger]:
    """Opens the ledger of a directory; raises Malformed when there is none.

    ``accept_clock``: an operator says that the clock is right although the last seal or
    PostgreSQL disagrees; the sealer stops otherwise.
    """
    if settings.dsn is None and not settings.embedded.exists():
        raise Malformed(
            "no ledger here",
            expected="a directory that `license-ledger init` made",
            where=str(settings.directory),
        )
    # Whatever asks the tables may find the server gone.
    with database(settings) as (connections, _), translated("asking the ledger"):
        if not holds_ledger(connections.open()):
            raise Malformed(
                "no ledger here",
                expected="a ledger that `license-ledger init` finished",
                where=str(settings.directory),
            )
        with translated("the database of this ledger"):
            ledger = assemble(settings, connections, accept_clock=accept_clock)
            yield ledger
            if ledger.published:
                ledger.rest()


def assemble(
    settings: Settings, connections: Connections, *, accept_clock: bool = False
) -> Ledger:
    """Constructs everything of one open ledger over fresh connections."""
    log = open_log(settings, connections)
    head = HeadStore(connections.open())
    views = connections.open()
    ring = KeyRing(settings)
    tables = connections.open()
    founding = found(log)
    check_log(settings, head, founding)

    def make_sealer(opened: ExitStack) -> Sealer:
        keys = SealingKeys(founding, ring.sealer_of)
        archive = None
        if settings.kafka is not None:
            archive = Archive(settings.archive)
            opened.callback(archive.close)
        return Sealer(
            log,
            head,
            keys,
            origin=keys.origin_line,
            clock=now_us,
            verify=verify,
            journal=CheckpointJournal(settings.journal),
            archive=archive,
            accept_clock=accept_clock,
        )

    def make_projector(sources: Sequence[str]) -> Projector:
        return Projector(tables, log=log, head=head, sources=sources)

    def open_key_store() -> KeyStore:
        return KeyStore(
            connections.open(),
            wrapping_key=ring.wrapping_key(),
            clock=now_us,
            random_bytes=secrets.token_bytes,
        )

    ledger = Ledger(
        settings=settings,
        dsn=connections.dsn,
        shown_dsn=connections.shown,
        founding=founding,
        log=log,
        head=head,
        views=views,
        ring=ring,
        connect=connections.open,
        open_log=lambda: open_log(settings, connections),
        open_key_store=open_key_store,
        clock=now_us,
        random_bytes=secrets.token_bytes,
    )
    sources = source_names(founding.partitions)
    ledger.engine = Engine(
        sealing=SealingHalf(Locks(connections.open(), [SEALING]), make_sealer),
        # The locks of sources end with the connection that writes their tables.
        projecting=ProjectingHalf(
            Locks(tables, [projecting(source) for source in sources]),
            make_projector,
            sources=sources,
        ),
        log=log,
        reached=ledger.projected,
        after=ledger.after_projection,
    )
    return ledger


__all__ = ["assemble", "database", "now_us", "open_ledger"]
