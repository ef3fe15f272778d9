"""``holder``: everything that one person or organisation holds or held (一人一档, 一企一档).

Licenses that go on as others (LINK 归并, TRANSFER 转出、转入) stand in one line of descent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.inspection import shown_license
from console.ledger import Ledger
from console.reading import Reader
from ledger.errors import Malformed, Unknown
from ledger.facts import Act
from ledger.holders import is_person_kind, normalise_holder_code
from ledger.license import State
from ledger.lifecycle import ACTS
from ledger.lifecycle_step import TRANSFERRED
from ledger.periods import periods
from ledger.registry import Registry
from ledger.workdays import legal_day
from projections import holder_archive
from projections import license as licenses
from projections.holder_archive import DescentRow, HolderRow
from projections.license import LicenseRow
from projections.shown import day_text
from projections.states import types_of

BY_REF = "ref"
"""In place of a kind: the code is a holder_ref in hex, as tables and events carry it."""
LINE_MAX = 1_000
FIRST, BESIDE = "holder 持证人", "co-holder 共有人"


def holder_rows(ledger: Ledger, kind: str, code: str) -> list[HolderRow]:
    """What the archive holds of a holder; raises Unknown when that is nothing.

    A person is found through the key store alone, an organisation also by its public
    code. Raises Malformed for what is no kind, code or ref; no message quotes a code.
    """
    if kind == BY_REF:
        found = holder_archive.of_ref(ledger.views, _ref(code))
    else:
        is_person_kind(kind)
        ref = ledger.key_store.find_ref(kind, code)
        found = [] if ref is None else holder_archive.of_ref(ledger.views, ref)
        if not is_person_kind(kind):
            public = normalise_holder_code(kind, code)
            named = holder_archive.of_code(ledger.views, kind, public)
            rows = {(row.ref, row.license_id, row.position): row for row in found}
            rows |= {(row.ref, row.license_id, row.position): row for row in named}
            found = [rows[key] for key in sorted(rows)]
    if not found:
        raise Unknown(
            "no license of such a holder",
            expected="one whose kind and code a license names, not erased since",
            where="this ledger",
        )
    return found


def _ref(text: str) -> bytes:
    try:
        ref = bytes.fromhex(text)
    except ValueError:
        ref = b""
    if len(ref) != 32:
        raise Malformed("not a holder_ref", expected="64 hex digits", where="CODE")
    return ref


def archive(
    ledger: Ledger, rows: Sequence[HolderRow], *, as_of: int, limit: int, reader: Reader
) -> dict[str, Any]:
    """The archive of a holder as of a time: licenses by their opening day, and descent.

    ``limit``: so many licenses are shown, the last opened ones; ``left_out`` says how
    many there are besides.
    """
    refs = {row.ref for row in rows}
    by_license: dict[str, list[HolderRow]] = {}
    for row in rows:
        by_license.setdefault(row.license_id, []).append(row)
    day = legal_day(as_of)
    found = [one for one in _found(ledger, by_license) if one.opened_day <= day]
    found.sort(key=lambda one: (one.opened_day, one.license_id))
    shown = found[-limit:]
    registry = ledger.registry()
    return {
        "refs": sorted(ref.hex() for ref in refs),
        "as_of_day": day_text(day),
        "licenses": [
            {
                **shown_license(
                    ledger, one, registry=registry, as_of=as_of, reader=reader
                ),
                "opened": day_text(one.opened_day),
                "held": _held(ledger, one.license_id, refs, registry, day=day),
                "told_by": [_told(row) for row in by_license[one.license_id]],
            }
            for one in shown
        ],
        "left_out": len(found) - len(shown),
        "lines": lines_of(ledger, [one.license_id for one in shown]),
    }


def _found(ledger: Ledger, license_ids: Iterable[str]) -> list[LicenseRow]:
    rows = (licenses.find(ledger.views, license_id) for license_id in license_ids)
    return [row for row in rows if row is not None]


def _told(row: HolderRow) -> dict[str, Any]:
    """One event about this holder: ``place`` None when it took them out."""
    return {
        "position": row.position,
        "act": row.act,
        "act_zh": ACTS[row.act].zh,
        "effective": day_text(row.effective_day),
        "place": row.place,
    }


def _held(
    ledger: Ledger, license_id: str, refs: set[bytes], registry: Registry, *, day: int
) -> list[dict[str, Any]]:
    """From which day to before which they hold it, in which role, as known now."""

    def concerns(act: Act) -> bool:
        return ACTS[act.act].may_change_holders or act.act == "RESTORE"

    found = periods(
        ledger.chain_of(license_id).acts,
        types=types_of(registry, license_id),
        shows=lambda then: _place(then.holders, refs),
        concerns=concerns,
    )
    return [
        {
            "from": day_text(one.from_day),
            "until": day_text(one.until_day),
            "place": one.value,
            "role": FIRST if one.value == 0 else BESIDE,
        }
        for one in found
        if one.value is not None and one.from_day <= day
    ]


def _place(holders: Sequence[tuple[str, bytes, str]], refs: set[bytes]) -> int | None:
    places = (at for at, (_, ref, _) in enumerate(holders) if ref in refs)
    return next(places, None)


# --- lines of descent ------------------------------------------------------------


def lines_of(ledger: Ledger, license_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Lines of descent that these licenses stand in, each from its oldest to its newest.

    A line may pass through licenses of somebody else; it follows LINE_MAX licenses at
    most. Acts that a RESTORE undid join nothing. ``matched`` is false where the other
    half of a transfer is not in this ledger, or does not say so.
    """
    joints = _joints(ledger, license_ids)
    after: dict[str, dict[str, Any]] = {one["from"]: one for one in joints}
    lines: dict[str, list[dict[str, Any]]] = {}
    for joint in joints:
        newest, seen = joint["to"], {joint["from"]}
        while newest in after and newest not in seen:
            seen.add(newest)
            newest = after[newest]["to"]
        lines.setdefault(newest, []).append(joint)
    return [
        {"current": newest, "licenses": _oldest_first(newest, held), "joints": held}
        for newest, held in sorted(lines.items())
    ]


def _oldest_first(newest: str, joints: Sequence[Mapping[str, Any]]) -> list[str]:
    """The licenses of a line, ancestors before those that they go on as."""
    found, waiting = [newest], [newest]
    while waiting:
        one = waiting.pop(0)
        before = [joint["from"] for joint in joints if joint["to"] == one]
        fresh = [license_id for license_id in before if license_id not in found]
        found += fresh
        waiting += fresh
    return found[::-1]


def _joints(ledger: Ledger, license_ids: Sequence[str]) -> list[dict[str, Any]]:
    """All standing joints that can be reached from these licenses, in sealed order."""
    seen: set[str] = set()
    waiting = set(license_ids)
    rows: dict[int, DescentRow] = {}
    while waiting and len(seen) < LINE_MAX:
        seen |= waiting
        found = holder_archive.descents_of(ledger.views, sorted(waiting))
        rows |= {row.position: row for row in found}
        ends = {end for row in found for end in (row.license_id, row.other) if end}
        waiting = ends - seen
    named = {end for row in rows.values() for end in (row.license_id, row.other) if end}
    held = {one.license_id: one for one in _found(ledger, sorted(named))}
    joints = [_joint(row, held) for _, row in sorted(rows.items())]
    return [joint for joint in joints if joint is not None]


def _joint(row: DescentRow, held: Mapping[str, LicenseRow]) -> dict[str, Any] | None:
    """How an act joins two licenses now; None when it does not, or no more."""
    own, other = held.get(row.license_id), held.get(row.other)
    if row.act == "LINK":
        if own is None or (own.terminal, own.merged_into) != (State.MRGD, row.other):
            return None
        ends, matched = (row.license_id, row.other), other is not None
    elif row.act == "TRANSFER_IN":
        ends = (row.other, row.license_id)
        matched = other is not None and other.after == TRANSFERRED
    else:
        return None
    return {
        "from": ends[0],
        "to": ends[1],
        "act": row.act,
        "act_zh": ACTS[row.act].zh,
        "position": row.position,
        "effective": day_text(row.effective_day),
        "matched": matched,
    }
