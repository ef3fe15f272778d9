"""Whole schemas of derived tables: where one stands, and putting one in another's place."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

from ledger.errors import Unavailable
from ledger.log.postgres import translated
from ledger.sources import SEALS
from projections.migrate import use_schema
from projections.tracking import TABLE as TRACKING

REPLACED = "replaced"


def same_place(conn: Connection[Any], first: str, second: str) -> bool:
    """Whether both schemas hold as many records of every source."""
    return _place(conn, first) == _place(conn, second)


def swap(conn: Connection[Any], *, live: str, fresh: str, ahead: bool = False) -> None:
    """Puts the fresh schema in the place of the live one, in one transaction.

    Projectors and readers wait for it and go on with the new tables. Raises Unavailable,
    and changes nothing, when the two do not stand at the same place: catch up first.
    ``ahead``: the fresh one may also hold more records.
    """
    with translated("swapping schemas"), conn.transaction():
        # A projector takes its tracking rows before it writes anything: whoever is in
        # a transaction now ends it first, and nobody writes into the old tables after.
        conn.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                sql.Identifier(live, TRACKING)
            )
        )
        if not (same_place(conn, live, fresh) or (ahead and _holds(conn, live, fresh))):
            raise Unavailable(
                "live tables and rebuilt ones stand at different places",
                code="tables_apart",
                expected="the same number of records of every source",
                found="another one",
                where=f"{live}, {fresh}",
            )
        _rename(conn, live, REPLACED)
        _rename(conn, fresh, live)
    drop(conn, REPLACED)
    use_schema(conn, live)


def drop(conn: Connection[Any], schema: str) -> None:
    """Drops a schema of derived tables and all that is in it, if there is one."""
    with translated("dropping a schema"):
        conn.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
        )


def _holds(conn: Connection[Any], live: str, fresh: str) -> bool:
    """Whether the fresh schema lacks no record that the live one holds."""
    held = _place(conn, fresh)
    return all(held.get(name, 0) >= n for name, n in _place(conn, live).items())


def _rename(conn: Connection[Any], old: str, new: str) -> None:
    statement = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    conn.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))


def _place(conn: Connection[Any], schema: str) -> dict[str, int]:
    # Rows about ``seals`` count reading, not projecting: they may differ.
    statement = sql.SQL(
        "SELECT application_name, notification_id FROM {} "
        "WHERE application_name NOT LIKE %s AND application_name NOT LIKE %s"
    ).format(sql.Identifier(schema, TRACKING))
    with conn.cursor() as cur:
        rows = cur.execute(statement, (f"{SEALS}%", r"\_\_%")).fetchall()
    return dict(rows)
