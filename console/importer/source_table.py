"""A table somebody hands over, whatever holds it: a header, then rows of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from console.importer.cells import SPACES
from console.importer.rejects import REASON_COLUMNS, restored
from ledger.errors import Malformed

SourceLine = tuple[int, list[str]]
"""The line on which a row starts, from 1, and its cells."""


class SourceTable(Protocol):
    """Rows as they come, once, front to back; a context manager's business is its own.

    The first row is the header. Reading raises Malformed for what is no such table, and
    Unavailable for a database that does not answer.
    """

    @property
    def name(self) -> str:
        """What it is called in errors: never a path, never a password."""
        ...

    @property
    def size(self) -> int:
        """About how much there is to read, in the unit of ``done``; 0: nobody knows."""
        ...

    @property
    def done(self) -> int:
        """How much of it was read."""
        ...

    @property
    def whole(self) -> bool:
        """Whether these are all rows, so that what is rejected now is all there is."""
        ...

    def rows(self) -> Iterator[SourceLine]:
        """Each row that is not blank."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The header of a table: ``names`` of its columns, without those of a rejects file.

    ``skipped``: so many columns in front say why rows were rejected.
    """

    names: tuple[str, ...]
    skipped: int
    where: str

    @classmethod
    def of(cls, cells: Sequence[str], *, where: str) -> Heading:
        """Reads a header; knows that of a rejects file."""
        names = tuple(cell.strip(SPACES) for cell in cells)
        skipped = len(REASON_COLUMNS)
        if names[:skipped] != REASON_COLUMNS:
            return cls(names=names, skipped=0, where=where)
        names = tuple(restored(name) for name in names[skipped:])
        return cls(names=names, skipped=skipped, where=where)

    def cells(self, cells: Sequence[str]) -> Sequence[str]:
        """The cells of a row under ``names``."""
        if not self.skipped:
            return cells
        return [restored(cell) for cell in cells[self.skipped :]]

    def places(self, wanted: Sequence[str]) -> Mapping[str, int]:
        """Where each wanted column stands; raises Malformed when one is not there once."""
        count = Counter(self.names)
        missing = sorted(name for name in wanted if not count[name])
        if missing:
            raise Malformed(
                "the header lacks mapped columns",
                code="csv_columns",
                expected=", ".join(missing),
                found=self._hint(missing),
                where=self.where,
            )
        twice = sorted(name for name in wanted if count[name] > 1)
        if twice:
            raise Malformed(
                "the header repeats mapped columns",
                code="csv_columns",
                expected="each once: " + ", ".join(twice),
                where=self.where,
            )
        return {name: self.names.index(name) for name in wanted}

    def _hint(self, missing: Sequence[str]) -> str:
        """Names nothing but a delimiter: a file without a header begins with data."""
        for delimiter, name in ((";", ";"), ("\t", "a tab"), (",", ","), ("|", "|")):
            parts = [
                part.strip(SPACES + '"') for part in self.names[0].split(delimiter)
            ]
            if len(self.names) == 1 and len(parts) > 1 and set(missing) <= {*parts}:
                return f"one column: the delimiter is {name}"
        return (
            f"{len(self.names)} other columns; if this line is not the header, "
            "source.header_row of the mapping says which is"
        )
