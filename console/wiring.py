"""The databases that a ledger and its imports stand on, and the ledger opened on one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import TextLoader

from console.assembly import assemble
from console.embedded import EmbeddedPostgres
from console.ledger import Ledger
from console.settings import Settings
from ledger.errors import Malformed, Unavailable
from ledger.log.postgres import translated
from projections.migrate import require_current

SERVER_VERSION_MIN = 150_000
_DROP = "DROP SCHEMA IF EXISTS log, head, views, keys, imports CASCADE"
_READ_AS_TEXT = "-c default_transaction_read_only=on -c datestyle=ISO -c timezone=UTC-8"
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
                code="bad_database_address",
                expected="postgresql://… or key=value pairs",
                where="--dsn",
            ) from error
        except psycopg.Error as error:
            raise Unavailable(
                "no connection to PostgreSQL",
                code="database_unreachable",
                found=type(error).__name__,
                where="--dsn",
            ) from error
        self._stack.callback(connection.close)
        version = connection.info.server_version
        if version < SERVER_VERSION_MIN:
            raise Malformed(
                "this PostgreSQL is too old",
                code="database_too_old",
                expected=">= 15",
                found=str(version),
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


@contextmanager
def open_ledger(
    settings: Settings,
    *,
    accept_clock: bool = False,
    damaged: Collection[str] = (),
    checked: bool = True,
    stale_tables: bool = False,
    read_only: bool = False,
) -> Iterator[Ledger]:
    """Opens the ledger of a directory; raises Malformed when there is none.

    ``accept_clock``: an operator says that the clock is right although the last seal or
    PostgreSQL disagrees; the sealer stops otherwise. ``damaged``: sources that are being
    succeeded, no others are excused. Not ``checked``: nothing is asked of the log.
    ``stale_tables``: derived tables of another version will do, else Unavailable.
    ``read_only``: PostgreSQL itself refuses whatever this process would write.
    """
    if settings.dsn is None and not settings.embedded.exists():
        raise Malformed(
            "no ledger here",
            code="no_ledger",
            expected="a directory that `license-ledger init` made",
            where=str(settings.directory),
        )
    # Whatever asks the tables may find the server gone.
    with database(settings) as (connections, _), translated("asking the ledger"):
        if read_only:
            connections.dsn = make_conninfo(
                connections.dsn, options="-c default_transaction_read_only=on"
            )
        first = connections.open()
        if not holds_ledger(first):
            raise Malformed(
                "no ledger here",
                code="no_ledger",
                expected="a ledger that `license-ledger init` finished",
                where=str(settings.directory),
            )
        if not stale_tables:
            require_current(first)
        with translated("the database of this ledger"):
            ledger = assemble(
                settings,
                connections,
                clock=now_us,
                accept_clock=accept_clock,
                damaged=damaged,
                checked=checked,
            )
            yield ledger
            if ledger.published:
                ledger.rest()


@contextmanager
def source_connection(dsn: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """Somebody else's PostgreSQL, to read from: every value comes as text, days in UTC+8.

    Beside it its name for errors: host and database, no user or password.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        # The message of that error may quote what was given.
        raise Malformed(
            "not a PostgreSQL address",
            expected="postgresql://… or key=value pairs",
            code="source_database",
            where="the address of the database to poll",
        ) from error
    with ExitStack() as stack:
        with source_errors():
            connection = psycopg.connect(
                dsn,
                client_encoding="utf8",
                options=f"{parts.get('options') or ''} {_READ_AS_TEXT}",
            )
            stack.callback(connection.close)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            for info in connection.adapters.types:
                for oid in filter(None, (info.oid, info.array_oid)):
                    connection.adapters.register_loader(oid, TextLoader)
        yield connection, f"{connection.info.host}/{connection.info.dbname}"


@contextmanager
def source_errors() -> Iterator[None]:
    """Makes our errors of a polled database's; none of them quotes a value."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise Malformed(
            "the database to poll gives text that is not UTF-8",
            code="source_database",
            expected="a database whose encoding is declared",
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(
            "the database to poll does not answer",
            code="source_database_down",
            found=type(error).__name__,
        ) from error
    except psycopg.Error as error:
        # Class 42 speaks of names in the query; other messages may quote values.
        named = (error.sqlstate or "").startswith("42") and error.diag.message_primary
        raise Malformed(
            "the database to poll does not take the query",
            code="source_database",
            found=named or f"{type(error).__name__} {error.sqlstate or ''}".strip(),
            where="database: query",
        ) from error
