"""From the text of a cell to the value of a field, as the license type demands it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from console.catalogue_words import FORMAT_WORDS
from console.importer.cells import digits_lost, half_width, plain_code
from console.importer.dates import DateForm
from console.importer.field_sources import FieldSource
from console.importer.items import split_items
from console.importer.pictures import picture_in
from console.importer.rejects import RowRejected
from ledger.catalogue import FaceField, LicenseType
from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed
from ledger.events import Cell, Row, Value
from ledger.formats import FORMATS
from ledger.subject_codes import clear_citizen_number
from ledger.value_domain import STRING_SIZE_MAX
from ledger.value_formats import decimal_ok, picture_ok

GIVEN: Final = "不得为空 / not empty"
PICTURE: Final = "sm3:<64 hex>:<size>:<media type>"
NO_CITIZEN: Final = "不含公民身份号码 / no citizen number"

_LONG_DIGITS: Final = 18
_PERSONAL: Final = 3
_THOUSANDS: Final = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_SWITCHES: Final[Mapping[str, bool]] = MappingProxyType(
    {
        **dict.fromkeys(("是", "有", "true", "yes", "y", "1"), True),
        **dict.fromkeys(("否", "无", "false", "no", "n", "0"), False),
    }
)


class FieldReader:
    """Reads the fields of one type; ``latest``: as of ``RowReader``."""

    def __init__(self, kind: LicenseType, *, dates: DateForm, latest: date) -> None:
        self._kind = kind
        self._dates = dates
        self._latest = latest

    def value(self, name: str, source: FieldSource, row: Mapping[str, str]) -> Value:
        """The value of a field in clear, None where its cells are empty.

        Raises RowRejected when a cell breaks kind or format, or holds a citizen number
        that would stand in clear.
        """
        face = self._kind.fields[name]
        if face.value == "l":
            return self._list(face, source, row)
        column = source.shown
        text = row[column] if column else source.always
        return self._one(face, source, column, text) if text else None

    def _one(
        self, face: FaceField, source: FieldSource, column: str, text: str
    ) -> str | int:
        if face.value == "p" and source.folder is not None:
            text = picture_in(source.folder, text, column=column)
        value = _read(face, column, text, self._dates)
        if face.format and isinstance(value, str):
            value = _formatted(face.format, column, value)
        if not face.format and isinstance(value, str):
            self._not_personal(face, column, value)
        return value

    def _list(
        self, face: FaceField, source: FieldSource, row: Mapping[str, str]
    ) -> Value:
        """A list of texts, or one of rows; None where all its cells are empty."""
        if source.rows:
            rows = [self._row(face, cells, row) for cells in source.rows]
            given = [one for one in rows if one["cells"]]
            return {"rows": given} if given else None
        cells = [(column, row[column]) for column in source.columns]
        strings = [
            self._item(face, column, item)
            for column, text in cells or [("", source.always)]
            for item in split_items(text, source.separators)
        ]
        return {"strings": strings} if strings else None

    def _item(self, face: FaceField, column: str, item: str) -> str:
        value = _formatted(face.format, column, item) if face.format else item
        demand_short(column, value, STRING_SIZE_MAX)
        self._not_personal(face, column, value)
        return value

    def _row(
        self,
        face: FaceField,
        cells: Sequence[tuple[str, str]],
        row: Mapping[str, str],
    ) -> Row:
        found: list[Cell] = []
        for name, column in cells:
            if row[column]:
                demand_short(column, row[column], STRING_SIZE_MAX)
                self._not_personal(face, column, row[column])
                found.append({"name": name, "value": row[column]})
        return {"cells": found}

    def _not_personal(self, face: FaceField, column: str, text: str) -> None:
        if face.data_class < _PERSONAL and clear_citizen_number(
            text, latest=self._latest
        ):
            raise RowRejected("clear_personal_data", column=column, expected=NO_CITIZEN)


def demand_short(column: str, text: str, size: int) -> None:
    """Raises RowRejected for a text of more than ``size`` bytes."""
    if 4 * len(text) > size < len(text.encode()):
        expected = f"不超过 {size} 字节 / at most {size} bytes"
        raise RowRejected("too_long", column=column, expected=expected)


def _formatted(form: str, column: str, text: str) -> str:
    """A number of a declared format: as it is written when that is right."""
    right = FORMATS[form]
    for spelt in (text, half_width(text), half_width(text).upper()):
        if right(spelt):
            return spelt
    reason = "digits_lost" if digits_lost(text) else "wrong_format"
    raise RowRejected(reason, column=column, expected=f"{FORMAT_WORDS[form]} / {form}")


def _read(face: FaceField, column: str, text: str, dates: DateForm) -> str | int:
    """One text as a value of the field's kind; the short words are those of a type."""
    match face.value:
        case "d" | "m":
            try:
                return dates.read(text) if face.value == "d" else dates.instant(text)
            except Malformed as error:
                raise RowRejected(
                    "not_a_date", column=column, expected=error.expected
                ) from error
        case "i":
            text = half_width(text)
            if not consists_of(text.removeprefix("-"), DIGITS) or (
                len(text) > _LONG_DIGITS
            ):
                raise RowRejected(
                    "not_a_number", column=column, expected="整数 / a whole number"
                )
            return int(text)
        case "n":
            return _decimal(column, text)
        case "p":
            if not picture_ok(text):
                raise RowRejected("no_picture", column=column, expected=PICTURE)
            return text
        case "b":
            found = _SWITCHES.get(half_width(text).lower())
            if found is None:
                raise RowRejected("not_a_switch", column=column, expected="是、否")
            return found
        case _:
            return plain_code(text)


def _decimal(column: str, text: str) -> str:
    """A decimal in the ledger's one spelling: ``1,200.50`` is 1200.5."""
    text = half_width(text)
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if "." in text and not text.endswith("."):
        text = text.rstrip("0").removesuffix(".")
    if not decimal_ok(text):
        raise RowRejected(
            "not_a_number",
            column=column,
            expected="数值，不带单位 / a decimal without a unit or exponent",
        )
    return text
