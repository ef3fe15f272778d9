"""From one row of a table to the acts it tells of, every value checked in clear.

The publisher validates before it encrypts: nobody after it looks into these values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from types import MappingProxyType
from typing import Final

from msgspec import structs

import schemas
from console.importer.cells import (
    SPACES,
    digits_lost,
    formula_error,
    half_width,
    scientific,
)
from console.importer.field_values import (
    GIVEN,
    FieldReader,
    demand_short,
)
from console.importer.mapping import StockMapping
from console.importer.proposed import OPENING_ACTS
from console.importer.rejects import RowRejected
from console.importer.row_acts import ActReader, given
from console.importer.source_row import SourceRow
from ledger.catalogue import LicenseType
from ledger.errors import Malformed
from ledger.events import Value
from ledger.holders import (
    FREE_KINDS,
    holder_code_ok,
    normalise_holder_code,
    parse_holder_kinds,
)
from ledger.license_identifiers import LicenseId
from ledger.subject_codes import clear_citizen_number
from ledger.value_domain import STRING_SIZE_MAX

HOLDER_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        code: kind.name
        for code, kind in parse_holder_kinds(schemas.toml("holder_kinds.toml")).items()
    }
)
KEY_SIZE_MAX: Final = 200
ROW_SIZE_MAX: Final = 55_000
"""Bytes of one row's values: with all that is around them a record holds 60,000."""
_FIELD_SIZE: Final = 300  # name, nonce, commitment, padding: more than any field adds
_END_OF_DAYS: Final = "99991231"
_EDGES: Final = SPACES + "\r\n"
_C0: Final = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))


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
        self._acts = ActReader(mapping)
        self._fields = FieldReader(kind, dates=mapping.dates, latest=latest)
        self._lists = _list_columns(mapping, kind)

    def read(self, line: int, cells: Sequence[str]) -> SourceRow:
        """One row; raises RowRejected at the first thing that is not as it should be."""
        if len(cells) != self._width:
            raise RowRejected(
                "wrong_column_count",
                expected=f"{self._width} 列，与表头相同 / columns, as the header",
            )
        row = {name: self._text(name, cells[at]) for name, at in self._columns.items()}
        mapping = self._mapping
        values = {
            name: self._fields.value(name, source, row)
            for name, source in mapping.fields.items()
        }
        _demand_fits(values)
        acts = self._acts.read(row)
        carries = any(act.carries for act in acts)
        if any(act.carries and act.act in OPENING_ACTS for act in acts):
            self._demand_whole(values)
        term, endless = self._term(row)
        if carries and self._acts.said_expired(row):
            self._demand_past(term.get("valid_until"))
        return SourceRow(
            line=line,
            key=self._key(row),
            license_id=self._license_id(row),
            holder_code=self._holder_code(row),
            values={**values, **term},
            acts=acts,
            endless=endless,
        )

    def rejected(self, line: int, cells: Sequence[str]) -> SourceRow | None:
        """What can be read of a row that is rejected: whose license, how it ends.

        What ends a license must not wait for another cell to be mended. None where not
        even the license can be told.
        """
        if len(cells) != self._width:
            return None
        found = SourceRow(
            line=line,
            key="",
            license_id="",
            holder_code="",
            values={},
            acts=(),
            out=True,
        )
        row: dict[str, str] = {}
        try:
            for name, at in self._columns.items():
                with suppress(RowRejected):
                    row[name] = self._text(name, cells[at])
            found = structs.replace(found, license_id=self._license_id(row))
            return structs.replace(
                found,
                key=self._key(row),
                holder_code=self._holder_code(row),
                acts=self._acts.ends(row),
            )
        except (RowRejected, KeyError):
            return found if found.license_id else None

    def _demand_past(self, until: str | None) -> None:
        column = self._mapping.valid_until
        if column and (until is None or until >= self._latest.isoformat()):
            expected = "早于今天，因为状态为过期 / before today: the row says expired"
            raise RowRejected("not_expired", column=column, expected=expected)

    def _demand_whole(self, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            if value is None and self._kind.fields[name].mandatory:
                column = self._mapping.fields[name].shown
                raise RowRejected("missing_value", column=column, expected=GIVEN)

    def _text(self, column: str, cell: str) -> str:
        text = cell.strip(_EDGES if column in self._lists else SPACES)
        # Printable text has no control characters, and is told in one pass in C.
        if not text.isprintable() and not _C0.isdisjoint(
            text.replace("\r\n", "").replace("\n", "")
            if column in self._lists
            else text
        ):
            raise RowRejected(
                "control_character", column=column, expected="单行文本 / one line"
            )
        if column not in self._lists:
            demand_short(column, text, STRING_SIZE_MAX)
        if "+" in text and scientific(text):
            raise RowRejected(
                "scientific_number",
                column=column,
                expected="完整的号码 / all digits of the number",
            )
        if text.startswith("#") and formula_error(text):
            raise RowRejected("formula_error", column=column, expected=GIVEN)
        return text

    def _key(self, row: Mapping[str, str]) -> str:
        """The cells of the key's columns; of several, each escaped, with / between."""
        columns = self._mapping.row_key
        cells = [self._public(one, given(one, row[one])) for one in columns]
        if len(cells) > 1:
            cells = [cell.replace("%", "%25").replace("/", "%2F") for cell in cells]
        key = "/".join(cells)
        demand_short(columns[0], key, KEY_SIZE_MAX)
        return key

    def _license_id(self, row: Mapping[str, str]) -> str:
        column = self._mapping.serial
        serial = half_width(self._public(column, given(column, row[column])))
        try:
            return str(
                LicenseId(type_code=self._kind.code, issuer=self._issuer, serial=serial)
            )
        except Malformed as error:
            raise RowRejected(
                "not_a_serial", column=column, expected="1–32 位 0-9 A-Z"
            ) from error

    def _holder_code(self, row: Mapping[str, str]) -> str:
        column, kind = self._mapping.holder_code, self._mapping.holder_kind
        text = given(column, row[column])
        code = normalise_holder_code(
            kind, text if kind in FREE_KINDS else half_width(text)
        )
        if not holder_code_ok(kind, code, latest=self._latest):
            reason = "digits_lost" if digits_lost(code) else "not_a_holder_code"
            expected = f"{HOLDER_KINDS[kind]} / a code of kind {kind}"
            raise RowRejected(reason, column=column, expected=expected)
        return code

    def _term(self, row: Mapping[str, str]) -> tuple[dict[str, str | None], bool]:
        """First and last day, and whether the row says that there is no last one."""
        mapping, said = self._mapping, False
        term: dict[str, str | None] = {}
        for name, column in (
            ("valid_from", mapping.valid_from),
            ("valid_until", mapping.valid_until),
        ):
            if column:
                text = row[column]
                endless = name == "valid_until" and self._endless(text)
                said |= endless
                term[name] = (
                    self._acts.day(column, text) if text and not endless else None
                )
        start, end = term.get("valid_from"), term.get("valid_until")
        if start and end and end < start:
            raise RowRejected(
                "ends_before_start",
                column=mapping.valid_until,
                expected=f"不早于“{mapping.valid_from}” / no day before it",
            )
        return term, said

    def _endless(self, text: str) -> bool:
        """Whether a term's last day says that there is none (长期)."""
        digits = "".join(char for char in half_width(text) if char.isdecimal())
        return (
            text in self._mapping.no_end
            or digits == _END_OF_DAYS
            or text == "infinity"  # PostgreSQL's own word
        )

    def _public(self, column: str, text: str) -> str:
        """Keys and serials stand in clear for ever."""
        if clear_citizen_number(text, latest=self._latest):
            expected = "行标识、流水号请换一列 / another column for row_key or serial"
            raise RowRejected("clear_personal_data", column=column, expected=expected)
        return text


def _list_columns(mapping: StockMapping, kind: LicenseType) -> frozenset[str]:
    """Columns that hold nothing but lists: line breaks may stand in their cells."""
    lists = {name for name, face in kind.fields.items() if face.value == "l"}
    return mapping.columns_of(lists) - mapping.columns_but(lists)


def _demand_fits(values: Mapping[str, Value]) -> None:
    size = sum(
        len(str(value).encode()) + _FIELD_SIZE
        for value in values.values()
        if value is not None
    )
    if size > ROW_SIZE_MAX:
        raise RowRejected(
            "row_too_long",
            expected=f"各项合计不超过 {ROW_SIZE_MAX} 字节 / bytes in all its fields",
        )
