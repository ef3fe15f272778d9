"""How far each source is projected: eventsourcing's tracking rows, with compare-and-swap.

A row's ``notification_id`` is the number of records of its source that are projected,
which is the ordinal of the next one. The library refuses to go back but accepts a jump
ahead; ``advance`` demands the expected value, so that neither a skipped batch nor a
projector that lost its place can write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any

import psycopg
from eventsourcing import persistence
from eventsourcing.persistence import WaitInterruptedError
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from psycopg import Connection, Cursor, sql
from psycopg.rows import DictRow, dict_row
from typing_extensions import override

from ledger.errors import Unavailable

TABLE = "tracking"
CHANNEL = "ledger_verdicts"
_WAKE_S = 0.5  # a lost notification costs this much, never more


class Fenced(Unavailable):
    """Another projector moved this source on: what was computed here is stale."""

    default_code = "fenced"


class OneConnection(PostgresDatastore):
    """Gives the library the caller's own connection in place of a pool of its own.

    So its statements run inside the caller's transaction when there is one.
    """

    def __init__(self, conn: Connection[Any], *, schema: str) -> None:
        # The library's own constructor would open a pool; these are the attributes that
        # its tracking recorder reads.
        self.conn = conn
        self.schema = schema
        self.single_row_tracking = True
        self.lock_timeout = 0
        self.db_type_names = set[str]()
        self.psycopg_type_adapters = {}
        self.psycopg_python_types = {}

    @override
    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        before = self.conn.row_factory
        self.conn.row_factory = dict_row
        try:
            yield self.conn
        except psycopg.ProgrammingError as error:
            raise persistence.ProgrammingError(str(error)) from error
        finally:
            self.conn.row_factory = before

    @override
    def close(self) -> None:
        """Leaves the connection to its owner."""


class Tracking(PostgresTrackingRecorder):
    """The tracking rows of one schema, one row per source (and one for ``seals``)."""

    def __init__(self, conn: Connection[Any], *, schema: str) -> None:
        super().__init__(OneConnection(conn, schema=schema), tracking_table_name=TABLE)
        self._conn = conn
        table = sql.Identifier(TABLE)
        self._advance = sql.SQL(
            "INSERT INTO {table} AS t (application_name, notification_id) "
            "SELECT %(name)s, %(new)s WHERE %(expected)s = 0 "
            "ON CONFLICT (application_name) DO NOTHING"
        ).format(table=table)
        self._swap = sql.SQL(
            "UPDATE {table} SET notification_id = %(new)s "
            "WHERE application_name = %(name)s AND notification_id = %(expected)s"
        ).format(table=table)
        self._note = sql.SQL(
            "INSERT INTO {table} SELECT * FROM unnest(%s::text[], %s::bigint[]) "
            "ON CONFLICT (application_name) "
            "DO UPDATE SET notification_id = excluded.notification_id"
        ).format(table=table)
        self._reached = sql.SQL(
            "SELECT coalesce(max(notification_id), 0) AS found, "
            "extract(epoch FROM clock_timestamp())::float8 AS now "
            "FROM {table} WHERE application_name = %s"
        ).format(table=table)
        self._all = sql.SQL(
            "SELECT application_name, notification_id FROM {table} "
            "WHERE application_name <> %s"
        ).format(table=table)

    def advance(self, cur: Cursor[Any], name: str, expected: int, new: int) -> None:
        """Moves a source on inside the transaction of ``cur``.

        Raises Fenced when the row is not at ``expected`` (0 = no row yet).
        """
        statement = self._advance if expected == 0 else self._swap
        values = {"name": name, "expected": expected, "new": new}
        cur.execute(statement, values, prepare=True)
        if cur.rowcount != 1:
            raise Fenced(
                "another projector moved this source",
                expected=f"next record {expected}",
                found="another one",
                where=name,
            )

    def note(self, cur: Cursor[Any], read: Mapping[str, int]) -> None:
        """Writes how far something was read, with no claim to be the only reader.

        The caller holds an ``advance`` in the same transaction.
        """
        cur.execute(self._note, (list(read), list(read.values())), prepare=True)

    def ordinals(self) -> Mapping[str, int]:
        """The next ordinal of every source that was projected so far."""
        rows = self._conn.execute(self._all, (self.table_migration_identifier,))
        return dict(rows.fetchall())

    @override
    def wait(
        self,
        application_name: str,
        notification_id: int | None,
        timeout: float = 1.0,
        interrupt: Event | None = None,
    ) -> None:
        """Returns when a source has reached an ordinal; woken by notification.

        Needs a connection in autocommit mode. Raises TimeoutError after ``timeout``
        seconds of the database's clock.
        """
        if notification_id is None:
            return
        self._conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        found, now = self._reach(application_name)
        deadline = now + timeout
        while found < notification_id:
            if interrupt is not None and interrupt.is_set():
                raise WaitInterruptedError
            if now >= deadline:
                raise TimeoutError(
                    f"{application_name}: expected {notification_id}, found {found}"
                )
            pause = min(_WAKE_S, deadline - now)
            for _ in self._conn.notifies(timeout=pause, stop_after=1):
                pass
            found, now = self._reach(application_name)

    def _reach(self, name: str) -> tuple[int, float]:
        with self._conn.cursor(row_factory=dict_row) as cur:
            row = cur.execute(self._reached, (name,), prepare=True).fetchone()
        return (row["found"], row["now"]) if row else (0, 0.0)
