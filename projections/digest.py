"""Canonical digests of the derived tables: equal digests, equal rows, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql

from projections.store import TABLES
from projections.table import Table, names

_CONTEXT = b"license-ledger/table/v1\0"


def table_digest(conn: Connection[Any], table: Table) -> bytes:
    """SM3 over the rows as COPY prints them, in the order of the key; 32 bytes.

    The table is the one that the connection's search_path finds.
    """
    digest = hashlib.new("sm3", _CONTEXT + table.name.encode() + b"\0")
    statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        names(table.columns), sql.Identifier(table.name), names(table.key)
    )
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for data in copy:
            digest.update(data)
    return digest.digest()


def digests(conn: Connection[Any]) -> dict[str, bytes]:
    """The digest of every derived table by its name."""
    return {table.name: table_digest(conn, table) for table in TABLES}


def total(of_tables: Mapping[str, bytes]) -> bytes:
    """One SM3 over the digests of all tables in the order of their names."""
    digest = hashlib.new("sm3", _CONTEXT)
    for name in sorted(of_tables):
        digest.update(name.encode() + b"\0" + of_tables[name])
    return digest.digest()


def first_difference(
    conn: Connection[Any], first: str, second: str, table: Table
) -> tuple[Any, ...] | None:
    """Key of the first row that differs between two schemas, None when none does."""
    statement = sql.SQL(
        "SELECT {key} FROM {first} AS a FULL JOIN {second} AS b USING ({key}) "
        "WHERE ({left}) IS DISTINCT FROM ({right}) ORDER BY {key} LIMIT 1"
    ).format(
        key=names(table.key),
        first=sql.Identifier(first, table.name),
        second=sql.Identifier(second, table.name),
        left=_qualified("a", table.columns),
        right=_qualified("b", table.columns),
    )
    with conn.cursor() as cur:
        return cur.execute(statement).fetchone()


def _qualified(table: str, columns: Mapping[str, str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) for name in columns)
