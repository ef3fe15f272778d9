"""From the text of a cell to the value of a field, as the license type demands it."""

from __future__ import annotations

from datetime import date
from typing import Final

from console.importer.cells import digits_lost, half_width
from console.importer.dates import DateForm
from console.importer.rejects import RowRejected
from ledger.catalogue import FaceField
from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed
from ledger.formats import FORMATS
from ledger.subject_codes import clear_citizen_number
from ledger.value_formats import decimal_ok

READABLE: Final = frozenset("stdni")
"""Kinds of value that one cell can say: text, code, date, decimal, whole number."""

_LONG_DIGITS: Final = 18
_PERSONAL: Final = 3


def field_value(
    face: FaceField, column: str, text: str, *, dates: DateForm, latest: date
) -> str | int | None:
    """The value of a field in clear, None for an empty cell.

    Raises RowRejected when the cell is empty and may not be, or breaks kind or format.
    """
    if not text:
        if face.mandatory:
            raise RowRejected("missing_value", column=column, expected="a value")
        return None
    value = _read(face, column, text, dates)
    if face.format and isinstance(value, str):
        value = _formatted(face.format, column, value)
    if (
        face.data_class < _PERSONAL
        and not face.format
        and isinstance(value, str)
        and clear_citizen_number(value, latest=latest)
    ):
        raise RowRejected(
            "clear_personal_data", column=column, expected="no citizen number"
        )
    return value


def _formatted(form: str, column: str, text: str) -> str:
    """A number of a declared format: as it is written when that is right."""
    right = FORMATS[form]
    for spelt in (text, half_width(text), half_width(text).upper()):
        if right(spelt):
            return spelt
    reason = "digits_lost" if digits_lost(text) else "wrong_format"
    raise RowRejected(reason, column=column, expected=form)


def _read(face: FaceField, column: str, text: str, dates: DateForm) -> str | int:
    match face.value:
        case "d":
            try:
                return dates.read(text)
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
                    "not_a_number", column=column, expected="a whole number"
                )
            return int(text)
        case "n":
            text = half_width(text)
            if not decimal_ok(text):
                raise RowRejected(
                    "not_a_number",
                    column=column,
                    expected="a decimal without exponent or trailing zeros",
                )
            return text
        case _:
            return text
