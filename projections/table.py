"""A derived table as data: its columns with their types, its key, and how rows go in."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString

import msgspec
from psycopg import Cursor, postgres, pq, sql
from psycopg.adapt import Buffer, Dumper
from psycopg.types.json import Jsonb
from typing_extensions import override

_FEW = 8
_REPLACE = "{0} = excluded.{0}"


class Table:
    """One derived table; ``key`` names the columns that are unique and give the order.

    On a merge the columns of ``keep`` stay as they are once they are written.
    """

    def __init__(
        self,
        name: str,
        columns: Mapping[str, str],
        *,
        key: Sequence[str],
        keep: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.columns = columns
        self.key = tuple(key)
        given = f"{name}_given"
        words = {
            "table": sql.Identifier(name),
            "given": sql.Identifier(given),
            "columns": names(columns),
            "key": names(self.key),
            "values": sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
            "changes": sql.SQL(", ").join(
                sql.SQL(_REPLACE).format(sql.Identifier(column))
                for column in columns
                if column not in self.key and column not in keep
            ),
        }

        def text(query: str) -> bytes:
            return sql.SQL(query).format(**words).as_bytes(None)

        self._insert = text("INSERT INTO {table} ({columns}) VALUES ({values})")
        self._copy = text("COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)")
        replacing = "ON CONFLICT ({key}) DO UPDATE SET {changes}"
        self._merge = self._insert + b" " + text(replacing)
        self._give = text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {given} (LIKE {table}) ON COMMIT DROP"
        )
        self._copy_given = text("COPY {given} ({columns}) FROM STDIN (FORMAT BINARY)")
        self._merge_given = text(
            f"INSERT INTO {{table}} ({{columns}}) TABLE {{given}} {replacing}"
        )
        self._empty = text("TRUNCATE {given}")

    def select(self, rest: LiteralString) -> bytes:
        """A SELECT of all columns; ``rest`` is what stands behind the table's name."""
        return (
            sql.SQL("SELECT {} FROM {} {}")
            .format(names(self.columns), sql.Identifier(self.name), sql.SQL(rest))
            .as_bytes(None)
        )

    def append(self, cur: Cursor[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows whose values stand in the order of ``columns``."""
        if len(rows) <= _FEW:
            cur.executemany(self._insert, rows)
        else:
            self._send(cur, self._copy, rows)

    def merge(self, cur: Cursor[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows of distinct keys, or replaces the rows of the same keys."""
        if len(rows) <= _FEW:
            cur.executemany(self._merge, rows)
            return
        # Thousands of statements cost more than a detour through a table without index.
        # One for the whole transaction: an audit merges without end in a single one, and
        # a table made and dropped for each batch keeps its locks until the commit.
        cur.execute(self._give)
        self._send(cur, self._copy_given, rows)
        cur.execute(self._merge_given)
        cur.execute(self._empty)

    def _send(
        self, cur: Cursor[Any], copy_in: bytes, rows: Sequence[Sequence[Any]]
    ) -> None:
        cur.adapters.register_dumper(None, _Texts)
        with cur.copy(copy_in) as copy:
            copy.set_types(list(self.columns.values()))
            for row in rows:
                copy.write_row(row)


_TEXT = postgres.types["text"]


class _Texts(Dumper):
    """A ``text[]`` without nulls; the same few (signers, flags) in row after row."""

    format = pq.Format.BINARY
    oid = _TEXT.array_oid

    @override
    def dump(self, obj: Sequence[str]) -> Buffer:
        return _array(*obj)


@lru_cache(maxsize=1_024)
def _array(*texts: str) -> bytes:
    """Dimensions, no nulls, type; size and first index; the texts (``array_recv``)."""
    if not texts:
        return struct.pack("!3I", 0, 0, _TEXT.oid)
    parts = [struct.pack("!5I", 1, 0, _TEXT.oid, len(texts), 1)]
    for raw in map(str.encode, texts):
        parts += (struct.pack("!I", len(raw)), raw)
    return b"".join(parts)


def names(columns: Sequence[str] | Mapping[str, str]) -> sql.Composed:
    """Column names as SQL, with commas between."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def as_json(value: Any) -> Jsonb:
    """A value for a jsonb column."""
    return Jsonb(value, dumps=msgspec.json.encode)
