"""The log as two PostgreSQL tables: records, and one counter row per source.

A sequence would hand out numbers before their commits, and readers would lose records
that commit late. The row lock on the counter makes commit order the order of ordinals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row
from typing_extensions import override

from ledger.errors import Malformed, Unavailable, Unknown, Untrusted
from ledger.log.contract import EventLog, check_records

T = TypeVar("T")

CHANNEL = "ledger_log"
CLOCK: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

# Larger statements gain nothing, and psycopg's pipelines hang behind 1 MB parameters.
STATEMENT_SIZE_MAX = 512 * 1024

# Records are mostly ciphertext: trying to compress them costs time and saves nothing.
# Up to 8 KB they stay in the row, which spares a look-up in the side table.
_CREATE = """
CREATE SCHEMA IF NOT EXISTS log;
CREATE TABLE IF NOT EXISTS log.source (
    name text PRIMARY KEY,
    next bigint NOT NULL DEFAULT 0 CHECK (next >= 0)
);
CREATE TABLE IF NOT EXISTS log.record (
    source text NOT NULL,
    ordinal bigint NOT NULL CHECK (ordinal >= 0),
    data bytea NOT NULL CHECK (octet_length(data) <= 1000000),
    PRIMARY KEY (source, ordinal)
) WITH (toast_tuple_target = 8160);
ALTER TABLE log.record ALTER COLUMN data SET STORAGE EXTERNAL;
"""
_ADD_SOURCES = """
INSERT INTO log.source (name) SELECT unnest(%(names)s::text[]) ON CONFLICT DO NOTHING
"""
_APPEND = """
WITH taken AS (
    UPDATE log.source SET next = next + %(count)s::bigint WHERE name = %(source)s::text
    RETURNING next - %(count)s::bigint AS base
), written AS (
    INSERT INTO log.record (source, ordinal, data)
    SELECT %(source)s::text, base + place - 1, data
    FROM taken, unnest(%(records)b::bytea[]) WITH ORDINALITY AS given (data, place)
)
SELECT base, pg_notify('ledger_log', %(source)s::text) FROM taken
"""
_READ = """
SELECT ordinal, data FROM (
    SELECT ordinal, data, sum(octet_length(data)) OVER (ORDER BY ordinal) AS size
    FROM log.record
    WHERE source = %(source)s::text AND ordinal >= %(start)s::bigint
    ORDER BY ordinal LIMIT %(limit)s::bigint
) AS page
WHERE size <= %(size_max)s::bigint OR ordinal = %(start)s::bigint
ORDER BY ordinal
"""
_START = """
SELECT coalesce((SELECT min(ordinal) FROM log.record WHERE source = name), next)
FROM log.source WHERE name = %(source)s::text
"""
_ENDS = "SELECT name, next FROM log.source WHERE next > 0"
_NAMES = "SELECT name FROM log.source"
_DURABLE = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""


class PostgresLog(EventLog):
    """The log in schema ``log`` of one database, over one connection of its own.

    The connection becomes the log's: nobody else uses it, and ``close`` closes it. It
    must be in autocommit mode (else Malformed), so that a single append is one round
    trip and no read leaves a transaction open. After a lost connection every call
    raises Unavailable: make a new log on a new connection.
    ``wake_on`` names further channels whose notifications end ``wait``.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        wake_on: Sequence[LiteralString] = (),
    ) -> None:
        require_autocommit(connection)
        self._connection = connection
        self._cursor = connection.cursor(binary=True, row_factory=tuple_row)
        self._wake_on = (CHANNEL, *wake_on)
        self._sources: set[str] = set()
        self._durable = False
        self._listening = False

    def create(self, sources: Iterable[str]) -> None:
        """Makes schema, tables and these sources where they are not there yet."""
        with translated("creating the log"), self._connection.transaction():
            self._connection.execute(_CREATE)
            self._connection.execute(_ADD_SOURCES, {"names": list(sources)})

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        for records in batches.values():
            check_records(records)
        # Two writers that lock counter rows in different orders would wait for ever.
        chunks = [
            (source, chunk)
            for source in sorted(batches)
            for chunk in chunked(batches[source], len)
        ]
        ordinals: dict[str, list[int]] = {source: [] for source in batches}
        with translated(f"appending to {', '.join(sorted(batches))}"):
            if not self._durable:
                self._cursor.execute(_DURABLE)
                self._durable = True
            # One transaction: the counter's row lock keeps a source's chunks together.
            with self._connection.transaction() if len(chunks) > 1 else nullcontext():
                for source, chunk in chunks:
                    first = self._append(source, chunk)
                    ordinals[source] += range(first, first + len(chunk))
        return ordinals

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        values = {
            "source": source,
            "start": start,
            "limit": limit,
            "size_max": size_max,
        }
        with translated(f"reading {source}"):
            rows = self._cursor.execute(_READ, values, prepare=True).fetchall()
            if not rows:
                self._check_known(source)
        for expected, (ordinal, _) in enumerate(rows, start):
            if ordinal != expected:
                raise Untrusted(
                    "the log has a hole",
                    code="log_records_lost",
                    expected=f"record {expected}",
                    found=f"record {ordinal}",
                    where=source,
                )
        return [data for _, data in rows]

    @override
    def start(self, source: str) -> int:
        with translated(f"reading {source}"):
            row = self._cursor.execute(_START, {"source": source}).fetchone()
        if row is None:
            raise _unknown(source)
        return int(row[0])

    @override
    def ends(self) -> Mapping[str, int]:
        with translated("reading the ends of the log"):
            return dict(self._cursor.execute(_ENDS, prepare=True).fetchall())

    @override
    def clock(self) -> int:
        with translated("asking PostgreSQL for the time"):
            row = self._cursor.execute(CLOCK, prepare=True).fetchone()
        return int(row[0]) if row else 0

    @override
    def wait(self, timeout_s: float) -> None:
        """See the contract; own appends do not count, their caller knows of them."""
        with translated("waiting for the log"):
            if not self._listening:
                listen(self._connection, self._wake_on)
                self._listening = True
                # What was appended before the LISTEN will never be announced.
                return
            own = self._connection.info.backend_pid
            with closing(self._connection.notifies(timeout=timeout_s)) as notices:
                for notice in notices:
                    if notice.pid != own:
                        return

    @override
    def close(self) -> None:
        self._connection.close()

    def _append(self, source: str, records: Sequence[bytes]) -> int:
        values = {"source": source, "count": len(records), "records": list(records)}
        row = self._cursor.execute(_APPEND, values, prepare=True).fetchone()
        if row is None:
            raise _unknown(source)
        return int(row[0])

    def _check_known(self, source: str) -> None:
        if source not in self._sources:
            self._sources.update(row[0] for row in self._cursor.execute(_NAMES))
        if source not in self._sources:
            raise _unknown(source)


def listen(
    connection: psycopg.Connection[Any], channels: Sequence[LiteralString]
) -> None:
    """Asks for the notifications of channels; raises what psycopg raises."""
    for channel in channels:
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def require_autocommit(connection: psycopg.Connection[Any]) -> None:
    """Raises Malformed unless each statement commits by itself on this connection."""
    if not connection.autocommit:
        raise Malformed(
            "the connection opens transactions by itself",
            expected="a connection in autocommit mode",
        )


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turns PostgreSQL's errors into ours.

    Unavailable: no answer, and a commit may have happened all the same; or a right that
    the user lacks, and then nothing has happened. Unknown: the tables
    are not there. Untrusted: the server itself says that its data is damaged.
    """
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise Unknown(
            "this database holds no ledger", code="database_without_ledger", where=where
        ) from error
    except (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted) as error:
        raise Untrusted(
            "PostgreSQL reports damaged data", code="database_damaged", where=where
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            "PostgreSQL does not permit this",
            code="database_forbids",
            expected="a database user with the rights of its role",
            found=error.diag.message_primary or type(error).__name__,
            where=where,
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        # The server's own words on what it has too little of (class 53) carry no data.
        lacking = (error.sqlstate or "").startswith("53") and error.diag.message_primary
        raise Unavailable(
            "PostgreSQL did not answer",
            code="database_out_of_resources" if lacking else "database_unreachable",
            found=lacking or type(error).__name__,
            where=where,
        ) from error


def chunked(items: Sequence[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Cuts items into runs of at most STATEMENT_SIZE_MAX bytes, or of one item."""
    chunk: list[T] = []
    size = 0
    for item in items:
        size += size_of(item)
        if chunk and size > STATEMENT_SIZE_MAX:
            yield chunk
            chunk, size = [], size_of(item)
        chunk.append(item)
    if chunk:
        yield chunk


def _unknown(source: str) -> Unknown:
    return Unknown("no such source in this log", code="source_not_found", found=source)
