"""The rows that a query gives of a department's PostgreSQL: those that are new, in order.

Values come as PostgreSQL writes them. The watermark only spares work: what was imported
before is known by its row key, so reading a row twice does no harm, and never reading it
would. Hence each poll begins ``overlap`` below the highest value seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from console.importer.cells import number_text
from console.importer.dates import DateForm
from console.importer.mapping_parts import DatabaseSource
from console.importer.source_table import SourceLine, SourceTable
from ledger.errors import Malformed

if TYPE_CHECKING:
    from psycopg import Connection

_FETCH: Final = 2_000
_DATE, _TIMESTAMP, _TIMESTAMPTZ = 1082, 1114, 1184
_NUMERIC, _FLOATS = 1700, (700, 701)
_NOW: Final = {
    _DATE: "current_date",
    _TIMESTAMP: "localtimestamp",
    _TIMESTAMPTZ: "now()",
}
_NUMBERS: Final = {20: "bigint", 21: "smallint", 23: "integer", _NUMERIC: "numeric"}
_TIMES: Final = {_DATE: "date", _TIMESTAMP: "timestamp", _TIMESTAMPTZ: "timestamptz"}
_MARK: Final = "ledger_mark"


class DatabaseTable:
    """One poll, on a connection that may only read.

    ``since``: the mark of the last one, None for all rows. ``guard`` makes our errors of
    the database's. ``mark``, after the last row: where the next one may begin, None when
    there was nothing above ``since``. Rows whose watermark is empty come every time.
    """

    def __init__(
        self,
        connection: Connection[Any],
        source: DatabaseSource,
        *,
        dates: DateForm,
        since: str | None,
        guard: Callable[[], AbstractContextManager[None]],
        name: str,
    ) -> None:
        self._connection = connection
        self._source = source
        self._dates = dates
        self._since = since
        self._guard = guard
        self.name = name
        self.whole = False
        self.mark: str | None = None
        self.done = 0

    @property
    def size(self) -> int:
        """Nobody knows how many rows there are."""
        return 0

    def rows(self) -> Iterator[SourceLine]:
        """The names of the columns, then each row, in the order of the watermark.

        One transaction sees one state of the database. Memory: 2,000 rows.
        """
        with self._guard(), self._connection.transaction():
            kind = self._kind()
            query, values = self._query(kind)
            with self._connection.cursor(name="license_ledger_import") as cursor:
                cursor.itersize = _FETCH
                cursor.execute(query, values)
                columns = cursor.description or []
                types = [column.type_code for column in columns[:-1]]
                yield 1, [column.name for column in columns[:-1]]
                for row in cursor:
                    self.done += 1
                    self.mark = row[-1] or self.mark
                    yield self.done + 1, self._cells(row[:-1], types)

    def _kind(self) -> int:
        """The type of the watermark: a time or a number."""
        inner, column = self._source.query, _quoted(self._source.watermark)
        cursor = self._connection.execute(
            f"SELECT s.{column} FROM ({inner}) AS s LIMIT 0"  # noqa: S608 - the operator's own
        )
        kind = (cursor.description or [])[0].type_code
        if kind not in _TIMES and kind not in _NUMBERS:
            raise Malformed(
                "the watermark cannot be compared",
                code="source_database",
                expected="a column of times, dates or whole numbers",
                where=f"database: watermark {self._source.watermark}",
            )
        return kind

    def _query(self, kind: int) -> tuple[str, dict[str, str]]:
        """The query around the mapping's; its own percent signs are no placeholders.

        A mark is never above the source's own clock: one row from the future would hide
        all that come before it.
        """
        inner = self._source.query.replace("%", "%%")
        column = f"s.{_quoted(self._source.watermark).replace('%', '%%')}"
        mark, step = column, _NUMBERS.get(kind, "interval")
        if kind in _NOW:
            mark = (
                f"CASE WHEN isfinite({column}) THEN least({column}, {_NOW[kind]}) END"
            )
        where, values = "", {}
        if self._since is not None:
            spelt = _TIMES.get(kind) or _NUMBERS[kind]
            since = f"%(since)s::{spelt}"
            where = (
                f"WHERE {column} >= {since} - %(overlap)s::{step} OR {column} IS NULL"
            )
            mark = f"CASE WHEN {column} >= {since} THEN {mark} END"
            values = {"since": self._since, "overlap": self._source.overlap}
        return (
            f"SELECT s.*, ({mark})::text AS {_MARK} FROM ({inner}) AS s "  # noqa: S608 - quoted
            f"{where} ORDER BY {column} NULLS FIRST",
            values,
        )

    def _cells(self, row: Sequence[str | None], types: Sequence[int]) -> list[str]:
        return [
            "" if text is None else self._text(text, kind)
            for text, kind in zip(row, types, strict=True)
        ]

    def _text(self, text: str, kind: int) -> str:
        if kind == _NUMERIC and "." in text:
            return text.rstrip("0").rstrip(".")
        if kind in _FLOATS:
            return number_text(float(text))
        if kind in _TIMES:
            try:
                day = self._dates.write(date.fromisoformat(text[:10]))
            except ValueError:  # infinity, or before our era
                return text
            # The session's zone is UTC+8: the zone behind the time is always that one.
            return day + text[10:].partition("+")[0].removesuffix(" 00:00:00")
        return text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fits(table: DatabaseTable) -> SourceTable:
    return table
