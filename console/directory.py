"""``directory``: the issuing directory (发证清单), who issues what, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.ledger import Ledger
from ledger.divisions import area_covers, division_ok
from ledger.errors import Malformed, Unknown
from ledger.license import State
from ledger.workdays import legal_day
from projections import registry
from projections.issuing_directory import MOVED, DirectoryRow
from projections.issuing_directory import directory as read_directory
from projections.registry import AuthorityRow, TypeRow
from projections.shown import day_text

_ENDED = (
    *(State.REVD, State.ANND, State.WDRN, State.CANC, MOVED, State.MRGD, State.VOID),
)


def directory(
    ledger: Ledger,
    *,
    as_of: int,
    issuer: str | None = None,
    type_code: str | None = None,
    area: str | None = None,
) -> dict[str, Any]:
    """The directory as of a time (UTC µs), whole or of one issuer, type or area.

    A license without an area of its own counts for that of its issuer. Types that are
    in force and of which nothing was issued are listed too, unless something is asked
    for in particular. Raises Malformed for what is no area, and for a type that this
    ledger never had; Unknown for an issuer that it never had.
    """
    if area is not None and not division_ok(area):
        raise Malformed("not an area", expected="six digits", where="--area")
    authorities = {row.uscc: row for row in registry.authorities(ledger.views)}
    types = {row.code: row for row in registry.types(ledger.views)}
    if type_code is not None and type_code not in types:
        raise Malformed(
            "no such license type in this ledger", code="no_such_type", where="--type"
        )
    if issuer is not None and issuer not in authorities:
        raise Unknown(
            "no such authority",
            code="authority_not_found",
            expected="one that `license-ledger registry list` shows",
            where="--issuer",
        )
    day = legal_day(as_of)
    found = read_directory(
        ledger.views,
        as_of_day=day,
        registry=ledger.registry(),
        issuer=issuer,
        type_code=type_code,
    )
    entries = [_entry(row, authorities.get(row.issuer), types) for row in found]
    if area is not None:
        entries = [one for one in entries if area_covers(area, one["area"])]
    whole = issuer is None and type_code is None and area is None
    issued = {row.type_code for row in found}
    return {
        "as_of_day": day_text(day),
        "entries": entries,
        "licenses": sum(one["licenses"] for one in entries),
        "valid": sum(one["valid"] for one in entries),
        "nothing_issued": [
            {"type": row.code, "type_name": row.name, "definer": row.definer}
            for row in types.values()
            if whole and row.in_force and row.code not in issued
        ],
    }


def _entry(
    row: DirectoryRow, issuer: AuthorityRow | None, types: Mapping[str, TypeRow]
) -> dict[str, Any]:
    kind = types.get(row.type_code)
    states = row.states
    return {
        "issuer": row.issuer,
        "issuer_name": issuer.name if issuer else "",
        "issuer_ended": issuer is not None and issuer.ended is not None,
        "succeeded_by": _successors(issuer),
        "type": row.type_code,
        "type_name": kind.name if kind else "",
        "type_in_force": kind is not None and kind.in_force,
        "area": row.area or (issuer.area if issuer else ""),
        "licenses": row.licenses,
        "issued": row.opened.get("ISSUE", 0),
        "stock": row.opened.get("BASELINE", 0),
        "received": row.opened.get("TRANSFER_IN", 0),
        "valid": states.get(State.VALID, 0),
        "suspended": states.get(State.SUSP, 0),
        "paused": states.get(State.PAUS, 0),
        "expired": states.get(State.EXP, 0),
        "ended": {str(end): states[end] for end in _ENDED if end in states},
        "first_day": day_text(row.first_day),
        "last_day": day_text(row.last_day),
    }


def _successors(issuer: AuthorityRow | None) -> Sequence[str]:
    """Who took over from an issuer (承继机构)."""
    if issuer is None:
        return ()
    return sorted({grant["to"] for grant in issuer.successions})
