"""How far polls of departments' databases have come: durable, beside the log itself.

In the ledger's own database on purpose. A mark may be lost (rows are read again and known
again) and must never be ahead of the log (rows would be lost): whoever puts an older copy
of the database back, puts back the mark with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import Unavailable

if TYPE_CHECKING:
    from psycopg import Connection

_CREATE: Final = """
CREATE SCHEMA IF NOT EXISTS imports;
CREATE TABLE IF NOT EXISTS imports.mark (
    origin bytea NOT NULL,
    system text NOT NULL,
    query bytea NOT NULL,
    mark text NOT NULL,
    moved_at int8 NOT NULL,
    PRIMARY KEY (origin, system, query)
);
"""
_EXISTS: Final = "SELECT to_regclass('imports.mark') IS NOT NULL"
_READ: Final = (
    "SELECT mark FROM imports.mark WHERE origin = %s AND system = %s AND query = %s"
)
_MOVE: Final = (
    "INSERT INTO imports.mark VALUES (%s, %s, %s, %s, %s) "
    "ON CONFLICT (origin, system, query) "
    "DO UPDATE SET mark = EXCLUDED.mark, moved_at = EXCLUDED.moved_at"
)
_LOCK: Final = "SELECT pg_try_advisory_lock(%s)"
_UNLOCK: Final = "SELECT pg_advisory_unlock(%s)"


class ImportMarks:
    """The mark of one query of one source system, on a connection in autocommit mode.

    ``query``: its whole text; another query begins at its own start. ``origin`` of the
    ledger: a mark of another ledger is not taken for one of this.
    """

    def __init__(
        self, connection: Connection[Any], *, origin: bytes, system: str, query: str
    ) -> None:
        digest = hashlib.new("sm3", query.encode()).digest()
        self._connection = connection
        self._key = (origin, system, digest)
        name = b"license-ledger/poll\0" + origin + system.encode() + b"\0" + digest
        lock = hashlib.new("sm3", name).digest()[:8]
        self._lock = int.from_bytes(lock, "big", signed=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes from polling the same; raises Unavailable when one does.

        The lock ends with the connection, however this process ends.
        """
        row = self._connection.execute(_LOCK, (self._lock,)).fetchone()
        if not row or not row[0]:
            raise Unavailable(
                "another process polls this source",
                code="poll_under_way",
                expected="one at a time for each mapping",
                where=self._key[1],
            )
        try:
            yield
        finally:
            if not self._connection.closed:
                self._connection.execute(_UNLOCK, (self._lock,))

    def read(self) -> str | None:
        """The mark, None before the first poll; makes nothing."""
        exists = self._connection.execute(_EXISTS).fetchone()
        if not exists or not exists[0]:
            return None
        row = self._connection.execute(_READ, self._key).fetchone()
        return None if row is None else str(row[0])

    def move(self, mark: str, *, now: int) -> None:
        """Sets the mark: all rows below it are judged. ``now`` UTC µs."""
        self._connection.execute(_CREATE)
        self._connection.execute(_MOVE, (*self._key, mark, now))
