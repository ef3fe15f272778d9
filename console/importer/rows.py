"""From one row of a table to the acts it tells of, every value checked in clear.

The publisher validates before it encrypts: nobody after it looks into these values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from console.importer.cells import (
    SPACES,
    digits_lost,
    formula_error,
    half_width,
    scientific,
)
from console.importer.field_values import field_value
from console.importer.mapping import ActColumn, StockMapping
from console.importer.rejects import RowRejected
from ledger.catalogue import LicenseType
from ledger.errors import Malformed
from ledger.events import Value
from ledger.holders import FREE_KINDS, holder_code_ok, normalise_holder_code
from ledger.license_identifiers import LicenseId
from ledger.subject_codes import clear_citizen_number
from ledger.value_domain import STRING_SIZE_MAX
from ledger.workdays import date_to_day

KEY_SIZE_MAX: Final = 200
ROW_SIZE_MAX: Final = 55_000
"""Bytes of one row's values: with all that is around them a record holds 60,000."""
_FIELD_SIZE: Final = 300  # name, nonce, commitment, padding: more than any field adds
_END_OF_DAYS: Final = "99991231"
_C0: Final = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))


class SourceAct(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One act that a row tells of.

    ``order`` is that of its column in the mapping, ``source_act`` the column's value,
    ``day`` counts from 1970-01-01 in UTC+8, ``face``: the row's values go with it.
    """

    day: int
    order: int
    source_act: str
    act: str
    face: bool


class SourceRow(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One row that can be read: whose license, and what happened to it.

    ``values`` holds every mapped field and the term, None where the row says nothing.
    """

    line: int
    key: str
    license_id: str
    holder_code: str
    values: dict[str, str | int | None]
    acts: tuple[SourceAct, ...]


class RowReader:
    """Reads rows under a mapping, for one type and one issuer.

    ``latest`` is today in UTC+8: the last day of birth that a citizen number may carry.
    """

    def __init__(
        self,
        mapping: StockMapping,
        kind: LicenseType,
        *,
        issuer: str,
        columns: Mapping[str, int],
        width: int,
        latest: date,
    ) -> None:
        self._mapping = mapping
        self._kind = kind
        self._issuer = issuer
        self._columns = columns
        self._width = width
        self._latest = latest

    def read(self, line: int, cells: Sequence[str]) -> SourceRow:
        """One row; raises RowRejected at the first thing that is not as it should be."""
        if len(cells) != self._width:
            raise RowRejected(
                "wrong_column_count", expected=f"{self._width} columns, as the header"
            )
        row = {name: self._text(name, cells[at]) for name, at in self._columns.items()}
        mapping = self._mapping
        values = {
            name: self._field(name, column, row[column])
            for name, column in mapping.fields.items()
        }
        _demand_fits(values)
        return SourceRow(
            line=line,
            key=self._key(row),
            license_id=self._license_id(row),
            holder_code=self._holder_code(row),
            values={**values, **self._term(row)},
            acts=self._acts(row),
        )

    def _text(self, column: str, cell: str) -> str:
        text = cell.strip(SPACES)
        # Printable text has no control characters, and is told in one pass in C.
        if not text.isprintable() and not _C0.isdisjoint(text):
            raise RowRejected(
                "control_character", column=column, expected="text of one line"
            )
        if 4 * len(text) > STRING_SIZE_MAX < len(text.encode()):
            raise RowRejected(
                "too_long", column=column, expected=f"at most {STRING_SIZE_MAX} bytes"
            )
        if "+" in text and scientific(text):
            raise RowRejected(
                "scientific_number", column=column, expected="all digits of the number"
            )
        if text.startswith("#") and formula_error(text):
            raise RowRejected("formula_error", column=column, expected="a value")
        return text

    def _key(self, row: Mapping[str, str]) -> str:
        column = self._mapping.row_key
        key = self._not_personal(column, _given(column, row[column]))
        if len(key.encode()) > KEY_SIZE_MAX:
            raise RowRejected(
                "too_long", column=column, expected=f"at most {KEY_SIZE_MAX} bytes"
            )
        return key

    def _license_id(self, row: Mapping[str, str]) -> str:
        column = self._mapping.serial
        serial = half_width(self._not_personal(column, _given(column, row[column])))
        try:
            return str(
                LicenseId(type_code=self._kind.code, issuer=self._issuer, serial=serial)
            )
        except Malformed as error:
            raise RowRejected(
                "not_a_serial", column=column, expected="1 to 32 of 0-9 A-Z"
            ) from error

    def _holder_code(self, row: Mapping[str, str]) -> str:
        column, kind = self._mapping.holder_code, self._mapping.holder_kind
        text = _given(column, row[column])
        code = normalise_holder_code(
            kind, text if kind in FREE_KINDS else half_width(text)
        )
        if not holder_code_ok(kind, code, latest=self._latest):
            reason = "digits_lost" if digits_lost(code) else "not_a_holder_code"
            raise RowRejected(reason, column=column, expected=f"a code of kind {kind}")
        return code

    def _field(self, name: str, column: str, text: str) -> str | int | None:
        return field_value(
            self._kind.fields[name],
            column,
            text,
            dates=self._mapping.dates,
            latest=self._latest,
        )

    def _term(self, row: Mapping[str, str]) -> dict[str, str | None]:
        mapping = self._mapping
        term: dict[str, str | None] = {}
        for name, column in (
            ("valid_from", mapping.valid_from),
            ("valid_until", mapping.valid_until),
        ):
            if column:
                text = row[column]
                endless = name == "valid_until" and self._endless(text)
                term[name] = self._day(column, text) if text and not endless else None
        start, end = term.get("valid_from"), term.get("valid_until")
        if start and end and end < start:
            raise RowRejected(
                "ends_before_start",
                column=mapping.valid_until,
                expected=f"no day before {mapping.valid_from}",
            )
        return term

    def _endless(self, text: str) -> bool:
        """Whether a term's last day says that there is none (长期)."""
        digits = "".join(char for char in half_width(text) if char.isdecimal())
        return (
            text in self._mapping.no_end
            or digits == _END_OF_DAYS
            or text == "infinity"  # PostgreSQL's own word
        )

    def _acts(self, row: Mapping[str, str]) -> tuple[SourceAct, ...]:
        found = [
            act
            for order, column in enumerate(self._mapping.acts)
            if (act := self._act(order, column, row)) is not None
        ]
        if not found:
            raise RowRejected(
                "no_act",
                column=self._mapping.acts[0].shown,
                expected="at least one act",
            )
        return tuple(found)

    def _act(
        self, order: int, rule: ActColumn, row: Mapping[str, str]
    ) -> SourceAct | None:
        source_act = rule.always or row[rule.column]
        if source_act in rule.skip:
            return None
        act = rule.always or rule.values.get(source_act)
        if act is None:
            raise RowRejected(
                "unknown_value",
                column=rule.column,
                expected=", ".join(sorted({*rule.values, *rule.skip})),
            )
        day = self._day(rule.date, _given(rule.date, row[rule.date]))
        return SourceAct(
            day=date_to_day(day),
            order=order,
            source_act=source_act,
            act=act,
            face=rule.face,
        )

    def _day(self, column: str, text: str) -> str:
        try:
            return self._mapping.dates.read(text)
        except Malformed as error:
            raise RowRejected(
                "not_a_date", column=column, expected=error.expected
            ) from error

    def _not_personal(self, column: str, text: str) -> str:
        if clear_citizen_number(text, latest=self._latest):
            raise RowRejected(
                "clear_personal_data", column=column, expected="no citizen number"
            )
        return text


def values_of(act: SourceAct, row: SourceRow) -> Mapping[str, Value]:
    """What one act of a row says in clear: the whole face, or nothing."""
    return row.values if act.face else {}


def _given(column: str, text: str) -> str:
    if not text:
        raise RowRejected("missing_value", column=column, expected="a value")
    return text


def _demand_fits(values: Mapping[str, str | int | None]) -> None:
    size = sum(
        len(str(value).encode()) + _FIELD_SIZE
        for value in values.values()
        if value is not None
    )
    if size > ROW_SIZE_MAX:
        raise RowRejected(
            "row_too_long", expected=f"at most {ROW_SIZE_MAX} bytes in all its fields"
        )
