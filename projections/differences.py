"""Where the rows of one table differ between two schemas: which row, which columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection, sql

from projections.digest import first_difference, table_digest
from projections.migrate import migrations
from projections.table import Table

TEMPORARY = "pg_temp"

_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


def make_temporary(conn: Connection[Any]) -> None:
    """Makes all derived tables, without most indexes, for this connection alone."""
    search(conn, TEMPORARY)
    for migration in migrations():
        if not migration.deferred:
            conn.execute(migration.text.encode())


def search(conn: Connection[Any], *schemas: str) -> None:
    """Sends unqualified table names to these schemas until the transaction ends."""
    # Temporary tables come first wherever the path does not name their place.
    path = ", ".join(sql.Identifier(schema).as_string(None) for schema in schemas)
    conn.execute("SELECT set_config('search_path', %s, true)", (path,))


def difference(conn: Connection[Any], schema: str, table: Table) -> str | None:
    """What differs between a schema's table and the temporary one; None for nothing."""
    strange = _columns(conn, schema, table) ^ set(table.columns)
    if strange:
        return f"{schema}.{table.name}: columns {', '.join(sorted(strange))}"
    found = []
    for path in ((schema, TEMPORARY), (TEMPORARY,)):
        search(conn, *path)
        found.append(table_digest(conn, table))
    if found[0] == found[1]:
        return None
    key = first_difference(conn, schema, TEMPORARY, table)
    if key is None:
        return f"{schema}.{table.name}: rows are spelled another way"
    return f"{schema}.{table.name}, {_named(table, key)}: {_what(conn, schema, table, key)}"


def _columns(conn: Connection[Any], schema: str, table: Table) -> set[str]:
    name = sql.Identifier(schema, table.name).as_string(None)
    return {row[0] for row in conn.execute(_COLUMNS, (name,))}


def _named(table: Table, key: Sequence[Any]) -> str:
    return ", ".join(
        f"{name} {value.hex() if isinstance(value, bytes) else value}"
        for name, value in zip(table.key, key, strict=True)
    )


def _what(conn: Connection[Any], schema: str, table: Table, key: Sequence[Any]) -> str:
    """Missing, surplus, or the columns that differ; never a value."""
    rows: list[Mapping[str, Any] | None] = []
    where = sql.SQL(" AND ").join(
        sql.SQL("{} = %s").format(sql.Identifier(name)) for name in table.key
    )
    for place in (schema, TEMPORARY):
        statement = sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(name))
                for name in table.columns
            ),
            sql.Identifier(place, table.name),
            where,
        )
        row = conn.execute(statement, key).fetchone()
        rows.append(dict(zip(table.columns, row, strict=True)) if row else None)
    held, fresh = rows
    if held is None:
        return "the row is missing"
    if fresh is None:
        return "there is no such row"
    differing = [name for name in table.columns if held[name] != fresh[name]]
    return f"{', '.join(differing)} differ"
