"""How plain values are spelt: dates, instants, decimals, pictures; ASCII only.

Each value has one spelling, so that equal values are equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ledger.check_digits import DIGITS, LOWER_HEX, UPPER, consists_of
from ledger.errors import Malformed
from ledger.workdays import YEAR_MAX, YEAR_MIN, date_to_day, parse_instant

_TOKEN_FIRST = UPPER.lower() + DIGITS
_TOKEN_ALPHABET = _TOKEN_FIRST + "!#$&-^_.+"


def digits(text: str, *lengths: int) -> bool:
    """Whether ``text`` is ASCII digits of one of the lengths."""
    return len(text) in lengths and consists_of(text, DIGITS)


def reads(parse: Callable[[str], object], text: str) -> bool:
    """Whether ``parse`` takes ``text`` without raising Malformed."""
    try:
        parse(text)
    except Malformed:
        return False
    return True


@lru_cache(maxsize=4_096)  # days are few, and asked for again and again
def date_ok(text: str) -> bool:
    """``YYYY-MM-DD``, a real day of the years 1900 to 2200."""
    return reads(date_to_day, text)


def month_ok(text: str) -> bool:
    """``YYYY-MM`` of the years 1900 to 2200."""
    return len(text) == 7 and date_ok(text + "-01")


def year_ok(text: str) -> bool:
    """``YYYY``, 1900 to 2200."""
    return digits(text, 4) and YEAR_MIN <= int(text) <= YEAR_MAX


def instant_ok(text: str) -> bool:
    """RFC 3339 with seconds and offset or Z, at most six decimals, 1900 to 2200."""
    return len(text) > 10 and reads(parse_instant, text)


def decimal_ok(text: str) -> bool:
    """A decimal in its one spelling: no exponent, plus, -0, needless or trailing zero."""
    whole, point, fraction = text.removeprefix("-").partition(".")
    if not consists_of(whole, DIGITS) or (whole[0] == "0" and whole != "0"):
        return False
    if point == "":
        return text != "-0"
    return consists_of(fraction, DIGITS) and fraction[-1] != "0"


def picture_ok(text: str) -> bool:
    """``sm3:<64 lower-case hex>:<size>:<media type>``; the picture stays outside.

    The size has no leading zero and at most 15 digits; the media type is a lower-case
    type/subtype of RFC 6838 §4.2 without parameters.
    """
    parts = text.split(":")
    if len(parts) != 4:
        return False
    algorithm, digest, size, media_type = parts
    kind, slash, subtype = media_type.partition("/")
    return (
        algorithm == "sm3"
        and len(digest) == 64
        and consists_of(digest, LOWER_HEX)
        and digits(size, *range(1, 16))
        and size[0] != "0"
        and slash == "/"
        and _media_token(kind)
        and _media_token(subtype)
    )


def _media_token(text: str) -> bool:
    return (
        consists_of(text, _TOKEN_ALPHABET)
        and len(text) <= 127
        and text[0] in _TOKEN_FIRST
    )
