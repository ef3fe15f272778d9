"""The codes of organisations (统一社会信用代码) and of citizens (公民身份号码).

What a number is follows from its declared kind, never from the number: an all-digit
organisation code may well carry a right citizen check character.
"""

from __future__ import annotations

from datetime import date

from ledger.check_digits import (
    DIGITS,
    UPPER,
    UPPER_ALNUM,
    USCC_ALPHABET,
    consists_of,
    mod_11_2_check,
    org_code_check,
    uscc_check,
)

FIRST_BIRTH_YEAR = 1900
CITIZEN_NUMBER_SIZE = 18

_ALNUM = frozenset((UPPER_ALNUM + UPPER.lower()).encode("ascii"))
_ALNUM_OR_SPACE = bytes(byte if byte in _ALNUM else 0x20 for byte in range(256))


def uscc_ok(text: str) -> bool:
    """Whether ``text`` is a unified social credit code with both check characters right.

    18 characters of the 31-letter alphabet, the division part (3 to 8) digits; any
    division, for codes outlive divisions. Source: GB 32100-2015, GB 11714-1997.
    """
    return (
        len(text) == 18
        and consists_of(text, USCC_ALPHABET)
        and consists_of(text[2:8], DIGITS)
        and text[16] == org_code_check(text[8:16])
        and text[17] == uscc_check(text[:17])
    )


def citizen_id_check(text17: str) -> str:
    """The 18th character of a citizen number; Malformed unless 17 digits; GB 11643."""
    return mod_11_2_check(text17)


def citizen_id_ok(text: str, *, latest: date) -> bool:
    """Whether ``text`` is a citizen number of somebody born from 1900 to ``latest``.

    18 characters, the last one 0-9 or capital X and right, a birth date that exists. The
    address part is not judged: it is often a retired division. Source: GB 11643-1999.
    """
    if len(text) != 18 or not consists_of(text[:17], DIGITS):
        return False
    return _born(text[6:14], latest) and text[17] == mod_11_2_check(text[:17])


def legacy_citizen_id_ok(text: str) -> bool:
    """Whether ``text`` is a citizen number of the 15-digit form, all born in 19xx.

    It has no check character. Out of use since 2013, still found in old stock.
    """
    return (
        len(text) == 15
        and consists_of(text, DIGITS)
        and _born("19" + text[6:12], date(1999, 12, 31))
    )


def clear_citizen_number(text: str, *, latest: date) -> bool:
    """Whether a citizen number stands in ``text`` in clear.

    That is a maximal run of exactly 18 ASCII letters and digits for which
    ``citizen_id_ok`` holds; a small x at its end is read as X, for it gives the person
    away just the same.
    """
    if len(text) < CITIZEN_NUMBER_SIZE:
        return False
    runs = text.encode("utf-8", "replace").translate(_ALNUM_OR_SPACE).split()
    return any(
        len(run) == CITIZEN_NUMBER_SIZE
        and citizen_id_ok(run.decode("ascii").upper(), latest=latest)
        for run in runs
    )


def _born(yyyymmdd: str, latest: date) -> bool:
    year, month, day = int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:])
    if year < FIRST_BIRTH_YEAR:
        return False
    try:
        return date(year, month, day) <= latest
    except ValueError:
        return False
