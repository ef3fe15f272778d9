"""What an authority may be, told before a record is made that would be refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import schemas
from ledger.authorities import Authority
from ledger.divisions import NATION_CODES
from ledger.errors import Malformed
from ledger.subject_codes import uscc_ok

_FIELDS: Final = schemas.toml("registry.toml")["authority"]["fields"]
LEVELS: Final = ", ".join(_FIELDS["level"]["one_of"])
ROLES: Final = ", ".join(_FIELDS["roles"]["one_of"])
PROVINCES: Final = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65))
    for code in range(first, last + 1)
) | {"71", "81", "82"}
"""First two digits of every division (GB/T 2260): an area of no province is a slip."""


def demand_form(
    known: Authority | None,
    uscc: str,
    *,
    area: str | None,
    level: str | None,
    roles: Sequence[str] | None,
) -> None:
    """Raises Malformed for what no authority can be; ``known``: one of this code.

    One whose code the registry took as nonstandard may be changed, but not added here.
    """
    if known is None and not uscc_ok(uscc):
        expected = "18 characters of 0-9 A-Z without I O S V Z, check characters right"
        raise _wrong("not a department's code (统一社会信用代码)", expected, "USCC")
    if area is not None and not _area_ok(area):
        expected = "six digits of GB/T 2260, such as 210100"
        raise _wrong("not an administrative division (行政区划)", expected, "--area")
    if level is not None and level not in _FIELDS["level"]["one_of"]:
        raise _wrong("not a level of authorities", LEVELS, "--level")
    for role in roles or ():
        if role not in _FIELDS["roles"]["one_of"]:
            raise _wrong("not a role of authorities", ROLES, "--role")


def _area_ok(area: str) -> bool:
    return area in NATION_CODES or (
        len(area) == 6 and area.isascii() and area.isdecimal() and area[:2] in PROVINCES
    )


def _wrong(reason: str, expected: str, where: str) -> Malformed:
    return Malformed(reason, code="bad_option_value", expected=expected, where=where)
