"""Hands a key store's rows to another database: wrapped as they are, nothing is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from ledger.errors import Malformed
from ledger.log.key_tables import CREATE
from ledger.log.postgres import translated

if TYPE_CHECKING:
    import psycopg

_TABLES: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (
    ("keys.store", "generation, pepper"),
    ("keys.holder", "ref, tag, holder"),
    ("keys.secret", "tag, secret, destroyed"),
)


def copy_keys(source: psycopg.Connection[Any], target: psycopg.Connection[Any]) -> None:
    """Copies all rows in one transaction on either side, and makes the tables.

    Both connections are in autocommit mode. Raises Malformed when ``target`` has keys.
    """
    with (
        translated("copying the key store"),
        source.transaction(),
        target.transaction(),
        source.cursor() as reading,
        target.cursor() as writing,
    ):
        reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for statement in CREATE:
            writing.execute(statement)
        if writing.execute("SELECT 1 FROM keys.store").fetchone():
            raise Malformed(
                "this database has a key store already",
                code="ledger_exists",
                expected="none",
            )
        for table, columns in _TABLES:
            _copy(reading, writing, table, columns)


def _copy(
    reading: psycopg.Cursor[Any],
    writing: psycopg.Cursor[Any],
    table: LiteralString,
    columns: LiteralString,
) -> None:
    with (
        reading.copy(f"COPY {table} ({columns}) TO STDOUT (FORMAT binary)") as given,
        writing.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as taken,
    ):
        for data in given:
            taken.write(data)
