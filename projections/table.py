"""A derived table as data: its columns with their types, its key, and how rows go in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Cursor, sql
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One derived table; ``key`` names the columns that are unique and give the order."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]

    def copy(self, cur: Cursor[Any], rows: Iterable[Sequence[Any]]) -> None:
        """Appends rows, whose values stand in the order of ``columns``."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(self.name),
            sql.SQL(", ").join(map(sql.Identifier, self.columns)),
        )
        with cur.copy(statement) as copy:
            copy.set_types(list(self.columns.values()))
            for row in rows:
                copy.write_row(row)

    def upsert(self, *, keep: Sequence[str] = ()) -> sql.Composed:
        """An INSERT that replaces the row of the same key, the columns of ``keep`` aside."""
        names = [sql.Identifier(name) for name in self.columns]
        changed = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in self.columns
            if name not in self.key and name not in keep
        ]
        return sql.SQL(
            "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}"
        ).format(
            sql.Identifier(self.name),
            sql.SQL(", ").join(names),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
            sql.SQL(", ").join(map(sql.Identifier, self.key)),
            sql.SQL(", ").join(changed),
        )


def as_json(value: Any) -> Jsonb:
    """A value for a jsonb column."""
    return Jsonb(value, dumps=msgspec.json.encode)
