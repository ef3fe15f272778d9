"""How personal values are shown to readers who may not see them whole (脱敏).

There is no national rule; these are the customs of public notices and service windows.
What a mask keeps never grows when a value is shorter than usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ledger.check_digits import DIGITS, consists_of

HIDDEN = "****"

_ADDRESS_SEARCH_MAX = 24


def mask(value: str, *, kind: str) -> str:
    """``value`` as a reader without reveal may see it; an empty value stays empty.

    ``kind``: id_number, name, phone, address, plate, date, bank_card; any other kind
    (``default``) hides everything, its length too.
    """
    if value == "":
        return ""
    return _MASKS.get(kind, _default)(value)


def _default(_value: str) -> str:
    return HIDDEN


def _ends(value: str, first: int, last: int) -> str:
    hidden = len(value) - first - last
    return value[:first] + "*" * hidden + value[len(value) - last :]


def _id_number(value: str) -> str:
    """``210102********1234``; short numbers (passports) keep two characters."""
    if len(value) >= 15:
        return _ends(value, 6, 4)
    return _ends(value, 1, 1) if len(value) >= 7 else HIDDEN


def _name(value: str) -> str:
    """``张*``, ``欧**明``."""
    return _ends(value, 1, 1 if len(value) > 2 else 0) if len(value) > 1 else "*"


def _phone(value: str) -> str:
    """``138****1234``."""
    if len(value) >= 11:
        return _ends(value, 3, 4)
    return _ends(value, 0, 2) if len(value) >= 7 else HIDDEN


def _bank_card(value: str) -> str:
    return _ends(value, 0, 4) if len(value) >= 12 else HIDDEN


def _plate(value: str) -> str:
    """``辽A***12``."""
    return _ends(value, 2, 2) if len(value) >= 7 else HIDDEN


def _date(value: str) -> str:
    """Down to the year: ``1990-**-**``."""
    if consists_of(value[:4], DIGITS) and len(value) in (8, 10):
        return value[:4] + ("-**-**" if len(value) == 10 else HIDDEN)
    return HIDDEN


def _address(value: str) -> str:
    """Down to the district: ``辽宁省沈阳市和平区****``; without one, nothing.

    小区, 社区 and the like are no districts, 市场 and 市政 no cities.
    """
    city = 0
    for index in range(2, min(len(value), _ADDRESS_SEARCH_MAX)):
        before, char, after = value[index - 1], value[index], value[index + 1 :][:1]
        if char == "县" or (char == "区" and before not in "小社园校厂库街治"):
            return value[: index + 1] + HIDDEN
        # A county-level city stands behind its city: keep the last one.
        if char == "市" and after not in tuple("场政民区") and index - city >= 2:
            city = index + 1
    return value[:city] + HIDDEN


_MASKS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "id_number": _id_number,
        "name": _name,
        "phone": _phone,
        "address": _address,
        "plate": _plate,
        "date": _date,
        "bank_card": _bank_card,
        "default": _default,
    }
)
