"""The head of a table, looked at column by column: what its values can be, never which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final

from console.importer import vocabulary
from console.importer.cells import SPACES, half_width
from console.importer.csv_file import CsvFile
from console.importer.dates import YEAR_FIRST, DateForm
from console.importer.encodings import AUTO
from console.importer.input_file import open_table
from console.importer.mapping import DELIMITERS, NO_END
from console.importer.source_table import SourceLine, SourceTable
from ledger.check_digits import UPPER_ALNUM, consists_of
from ledger.errors import Malformed
from ledger.subject_codes import citizen_id_ok, clear_citizen_number, uscc_ok
from ledger.value_formats import picture_ok

ROWS: Final = 1_000
HEADER_WITHIN: Final = 10
MOST: Final = 0.9
HALF: Final = 0.5
"""Of the values of a column whose name says the same: real lists hold mistakes."""
FORMS: Final = (YEAR_FIRST, "MM/DD/YYYY", "DD/MM/YYYY", "DD.MM.YYYY", "DD-MM-YYYY")

_FEW: Final = 12
_MANY: Final = 60
"""Of a column most of whose values are words for acts and states: none is overlooked."""
_SHORT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, and its values, which stay inside."""

    name: str
    values: tuple[str, ...]
    rows: int

    @property
    def given(self) -> list[str]:
        """The values that are not empty."""
        return [value for value in self.values if value]

    @property
    def names_rows(self) -> bool:
        """Whether it is filled in every row, never twice the same, and nobody's number."""
        return len({*self.given}) == self.rows and not self.shows_citizens

    @property
    def counts(self) -> bool:
        """Whether it only numbers the rows: 1, 2, 3 … (序号)."""
        return list(self.values) == [str(n) for n in range(1, self.rows + 1)]

    @property
    def endless(self) -> bool:
        """Whether every value says that a term has no end (长期)."""
        return bool(self.given) and {*self.given} <= {*NO_END}

    @property
    def references(self) -> bool:
        """Whether its values are references of pictures, as the ledger writes them."""
        return self._are(MOST, picture_ok)

    def serials(self, share: float = MOST) -> bool:
        """Whether such a share of values could be serials (流水号)."""
        return self._are(share, _is_serial)

    @property
    def shows_citizens(self) -> bool:
        """Whether a citizen number stands anywhere."""
        return any(clear_citizen_number(v, latest=date.max) for v in self.given)

    def organisations(self, share: float = MOST) -> bool:
        """Whether such a share of values are social credit codes, by check digits."""
        return self._are(share, lambda text: uscc_ok(half_width(text).upper()))

    def citizens(self, share: float = MOST) -> bool:
        """Whether such a share of values are citizen numbers, by check digit."""
        return self._are(
            share,
            lambda text: citizen_id_ok(half_width(text).upper(), latest=date.max),
        )

    def days(self, form: DateForm, share: float = MOST) -> bool:
        """Whether such a share of values are days in this form; 长期 does not count."""
        real = [value for value in self.given if value not in NO_END]
        return bool(real) and (
            sum(_is_day(form, value) for value in real) >= share * len(real)
        )

    @property
    def few_words(self) -> tuple[str, ...]:
        """Its distinct values when they are few and short, else nothing."""
        words = {*self.given}
        most = _MANY if self._are(HALF, _says_states) else _FEW
        few = len(words) <= most and all(len(word) <= _SHORT for word in words)
        return tuple(sorted(words)) if few and not self.shows_citizens else ()

    def _are(self, share: float, right: Callable[[str], bool]) -> bool:
        given = self.given
        return bool(given) and sum(map(right, given)) >= share * len(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The head of a file: where its header is and what its columns hold.

    ``titles``: what stands above the header.
    """

    stem: str
    sheet: str
    delimiter: str
    header_row: int
    columns: tuple[Column, ...]
    titles: tuple[str, ...] = ()

    def name_rows(self, columns: Sequence[Column]) -> bool:
        """Whether these columns together are never twice the same, and never empty."""
        rows = list(zip(*(column.values for column in columns), strict=True))
        return (
            len({*rows}) == len(rows)
            and all(map(all, rows))
            and not any(column.shows_citizens for column in columns)
        )

    @property
    def date_forms(self) -> list[str]:
        """The forms in which the most columns are days."""
        count = {
            form: sum(c.days(DateForm(pattern=form)) for c in self.columns)
            for form in FORMS
        }
        most = max(count.values())
        return [form for form, number in count.items() if most and number == most]


def look_at(path: Path, *, sheet: str) -> Sample:
    """Reads a file's first rows; raises Malformed as an import would."""
    is_csv = isinstance(_open(path, sheet, ","), CsvFile)
    found = [_sample(path, sheet, one) for one in (DELIMITERS if is_csv else ",")]
    return max(found, key=lambda sample: len(sample.columns))


def _sample(path: Path, sheet: str, delimiter: str) -> Sample:
    table = _open(path, sheet, delimiter)
    lines = list(islice(_readable(table), ROWS + HEADER_WITHIN))
    if not lines:
        raise Malformed(
            "the file has no header",
            code="csv_columns",
            expected="names of columns on its first lines",
            where=path.name,
        )
    width = max(_width(cells) for _, cells in lines[:HEADER_WITHIN])
    at = next(n for n, (_, cells) in enumerate(lines) if 2 * _width(cells) > width)
    while at + 1 < len(lines) and _goes_on(lines[at][1], lines[at + 1][1]):
        at += 1
    names = [cell.strip(SPACES) for cell in lines[at][1]]
    rows = [
        cells
        for _, cells in lines[at + 1 :]
        if len(cells) == len(names) and (_width(cells) > 1 or len(names) == 1)
    ]  # a note below the table (注：…) is one cell, or one merged over all
    return Sample(
        stem=path.name.partition(".")[0],
        sheet=sheet,
        delimiter=delimiter,
        header_row=lines[at][0],
        titles=tuple(cell for _, cells in lines[:at] for cell in cells if cell),
        columns=tuple(
            Column(
                name=name,
                values=tuple(row[place].strip(SPACES) for row in rows),
                rows=len(rows),
            )
            for place, name in enumerate(names)
            if name
        ),
    )


def _open(path: Path, sheet: str, delimiter: str) -> SourceTable:
    return open_table(
        path,
        encoding=AUTO,
        delimiter=delimiter,
        sheet=sheet,
        dates=DateForm(pattern=YEAR_FIRST),
    )


def _readable(table: SourceTable) -> Iterator[SourceLine]:
    """The rows up to the first that is no CSV: another delimiter may fit."""
    rows = table.rows()
    try:
        yield from rows
    except Malformed as error:
        if error.code != "file_format":
            raise


def _width(cells: Sequence[str]) -> int:
    """Different cells: a title that is merged over all columns stands in each of them."""
    return len({*cells} - {""})


def _goes_on(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether a header has a second line: merged cells go down, others are divided."""
    merged = {one for one in upper if one and upper.count(one) > 1}
    same = [a == b for a, b in zip(upper, lower, strict=False)]
    return (
        bool(merged)
        and len(upper) == len(lower)
        and any(same)
        and all(right or one in merged for right, one in zip(same, upper, strict=True))
        and _width(lower) > _width(upper)
    )


def _says_states(text: str) -> bool:
    said = vocabulary.plain(text)
    known = said in vocabulary.NO_ACT or said in vocabulary.ACT_VALUES
    return known or any(
        root in said for root in (*vocabulary.ACT_ROOTS, *vocabulary.END_ROOTS)
    )


def _is_serial(text: str) -> bool:
    plain = half_width(text)
    return len(plain) <= 32 and consists_of(plain, UPPER_ALNUM)


def _is_day(form: DateForm, text: str) -> bool:
    try:
        form.read(text)
    except Malformed:
        return text.replace("-", "").replace(".", "") == "99991231"
    return True
