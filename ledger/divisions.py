"""Administrative divisions (行政区划): GB/T 2260 codes and the province's private ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed, Unknown

NATION = "100000"
NATION_CODES = frozenset({"000000", NATION})
SCHEMES = frozenset({"gb2260", "ln-private"})
"""``ln-private``: codes that Liaoning systems use and GB/T 2260 does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """One division; ``level`` nation, province, city or county; ``parent`` may be empty."""

    code: str
    name: str
    level: str
    scheme: str
    parent: str


def division_ok(text: str) -> bool:
    """Whether ``text`` is six ASCII digits; retired codes are codes still (GB/T 2260)."""
    return len(text) == 6 and consists_of(text, DIGITS)


def area_covers(outer: str, inner: str) -> bool:
    """Whether the area ``outer`` is or contains ``inner``, by the codes alone.

    210000 covers 21xxxx, 210100 covers 2101xx, 000000 and 100000 cover all; the private
    211500 lies under 210000 and under no city. Verdicts ask this and never a table, which
    changes with every reform. Anything but six digits covers nothing and is not covered.
    """
    if not (division_ok(outer) and division_ok(inner)):
        return False
    if outer == inner or outer in NATION_CODES:
        return True
    if outer.endswith("0000"):
        return outer[:2] == inner[:2]
    return outer.endswith("00") and outer[:4] == inner[:4]


def parse_divisions(data: Mapping[str, Any]) -> Mapping[str, Division]:
    """Reads ``divisions.toml`` (parsed) by code.

    Raises Malformed on a wrong or repeated code, an unknown scheme, or a parent that does
    not stand before its child.
    """
    found: dict[str, Division] = {}
    for row in data["division"]:
        division = Division(**row)
        if (
            not division_ok(division.code)
            or division.code in found
            or division.scheme not in SCHEMES
            or (division.parent not in found and division.code != NATION)
        ):
            raise Malformed(
                "not a division",
                expected="six digits, once, a known scheme, behind its parent",
                found=division.code,
                where="divisions",
            )
        found[division.code] = division
    return MappingProxyType(found)


def within(area: str, of: str, divisions: Mapping[str, Division]) -> bool:
    """Whether ``area`` is ``of`` or lies below it in the table; for views, not verdicts.

    Raises Unknown when ``area`` is not in the table.
    """
    if area not in divisions:
        raise Unknown(
            "no such division",
            code="division_not_found",
            found=area[:6],
            where="divisions",
        )
    while area != of:
        area = divisions[area].parent
        if area == "":
            return False
    return True
