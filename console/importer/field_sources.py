"""Where the value of a field comes from: one column, several, or the mapping itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.importer.tables import Table
from ledger.catalogue import field_name_ok
from ledger.errors import Malformed

SEPARATORS: Final = "、；;|"
"""Stand between the items of a list in one cell; so does a line break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSource:
    """One of ``[fields]``.

    ``columns``: one, or for a list several. ``always``: the value of every row, without
    a column. ``separators``: between items of a list in one cell. ``rows``: for a list of
    rows, each row's cells as (name, column). ``folder``: where pictures lie that a cell
    names; None: the cell holds the picture's reference.
    """

    columns: tuple[str, ...] = ()
    always: str = ""
    separators: str = SEPARATORS
    rows: tuple[tuple[tuple[str, str], ...], ...] = ()
    folder: Path | None = None

    @property
    def every_column(self) -> frozenset[str]:
        """All columns that it reads."""
        cells = (column for row in self.rows for _, column in row)
        return frozenset((*self.columns, *cells))

    @property
    def shown(self) -> str:
        """The column that a wrong value is put down to; empty without any."""
        return [*self.columns, *(row[0][1] for row in self.rows), ""][0]

    @property
    def for_lists(self) -> bool:
        """Whether only a list can be said in this way."""
        return len(self.columns) > 1 or bool(self.rows) or self.separators != SEPARATORS


def field_sources(table: Table) -> Iterator[tuple[str, FieldSource]]:
    """Reads ``[fields]``; raises Malformed, naming the place."""
    for name in table.names:
        yield name, _source(table, name)


def _source(table: Table, name: str) -> FieldSource:
    if not table.holds_table(name):
        if table.begins_with_table(name):
            return FieldSource(rows=tuple(map(_row, table.tables(name))))
        return FieldSource(columns=tuple(table.some_texts(name)))
    given = table.table(name)
    always = given.text("always", default="")
    folder = given.text("folder", default="")
    found = FieldSource(
        columns=() if always else (given.text("column"),),
        always=always,
        separators=given.text("separators", default=SEPARATORS),
        folder=Path(folder) if folder else None,
    )
    given.done()
    return found


def _row(table: Table) -> tuple[tuple[str, str], ...]:
    for name in table.names:
        if not field_name_ok(name):
            raise Malformed(
                "not a name of a cell",
                code="bad_mapping",
                expected="snake_case: a-z 0-9 _",
                where=table.at(name),
            )
    if not table.names:
        raise Malformed(
            "a row without cells",
            code="bad_mapping",
            expected="name = column, once or more",
            where=table.place,
        )
    return tuple((name, table.text(name)) for name in table.names)
