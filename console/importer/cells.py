"""What spreadsheets and keyboards do to a cell, and how much of it can be undone.

Text stays as it is, byte for byte. Only where a code, a number or a day is expected are
full-width characters (全角) read as the ASCII ones that they stand for.
"""

from __future__ import annotations

import re
from typing import Final

SPACES: Final = " \t\u3000\u00a0\u200b\ufeff"
"""Around a cell they say nothing: no-break and zero-width ones come from web pages."""
EXACT_DIGITS: Final = 15
"""Digits that a spreadsheet's number keeps; what stands behind them becomes 0."""

_HALF_WIDTH: Final = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20
}
_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9](\.[0-9]+)?E\+[0-9]{2,3}", re.I)
_FORMULA_ERRORS: Final = frozenset(
    (
        *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"),
        *("#GETTING_DATA", "#SPILL!", "#CALC!"),
    )
)


def half_width(text: str) -> str:
    """The text with full-width digits, letters and signs, （） too, as ASCII ones."""
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def plain_code(text: str) -> str:
    """A text of nothing but letters, digits and signs, one a digit, as ASCII ones.

    ``２０２５０１`` is a number whatever its column is called; any other text is itself.
    """
    if text.isascii():
        return text
    plain = half_width(text)
    return plain if plain.isascii() and any(map(str.isdigit, plain)) else text


def scientific(text: str) -> bool:
    """Whether this is how a spreadsheet shows a long number: ``2.10102E+17``."""
    return _SCIENTIFIC.fullmatch(text) is not None


def formula_error(text: str) -> bool:
    """Whether a formula failed here: ``#N/A``, ``#REF!`` …"""
    return text in _FORMULA_ERRORS


def digits_lost(text: str) -> bool:
    """Whether a long number ends in zeros where a spreadsheet's number would.

    A right number may look so too: ask only about one that is wrong already.
    """
    return (
        len(text) > EXACT_DIGITS
        and text.isascii()
        and text.isdigit()
        and not text[EXACT_DIGITS:].strip("0")
    )


def number_text(number: float) -> str:
    """A spreadsheet's number as text; from 10^15 on as it is shown, digits lost."""
    if abs(number) >= 10**EXACT_DIGITS:
        return f"{number:.5E}"
    if number == int(number):
        return str(int(number))
    text = f"{number:.{EXACT_DIGITS}g}"
    return text if "e" not in text else f"{number:.20f}".rstrip("0")
