"""Who fills the schema of a rebuild: one command at a time, and the processes it started.

Advisory locks of the database, which end with the connection that holds them. Unlike
those of projectors they protect: a fold reads back what it has written, and what another
one wrote or dropped there would look like a contradiction in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from ledger.errors import Unavailable
from ledger.log.postgres import translated

_LEADING = "license-ledger/rebuild"
_FILLING = "license-ledger/rebuild/part"
_TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_SHARE = "SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))"
_GIVE_BACK = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"


@contextmanager
def leading(conn: Connection[Any]) -> Iterator[None]:
    """Is the only rebuild for as long as the block lasts.

    Raises Unavailable while there is another one, or while a process goes on that a
    rebuild left behind when it was killed.
    """
    with translated("starting a rebuild"):
        _demand(conn, _LEADING)
        try:
            _demand(conn, _FILLING)
            conn.execute(_GIVE_BACK, (_FILLING,))
            yield
        finally:
            if not conn.closed:
                conn.execute(_GIVE_BACK, (_LEADING,))


def take_part(conn: Connection[Any]) -> None:
    """Says that this connection fills the schema; waits while a rebuild is beginning."""
    with translated("taking part in a rebuild"):
        conn.execute(_SHARE, (_FILLING,))


def _demand(conn: Connection[Any], name: str) -> None:
    row = conn.execute(_TRY, (name,)).fetchone()
    if not (row and row[0]):
        raise Unavailable(
            "another rebuild is at work on this ledger",
            code="busy_elsewhere",
            expected="its end",
        )
