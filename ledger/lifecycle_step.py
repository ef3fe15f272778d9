"""What one act does to a license at its place: face, term, restrictions, end, flags.

Whether the act may stand there is asked before (``ledger.lifecycle_guards.place``). An
overtaken act goes through the same step: it drops nothing, only a terminal state that
stands before it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from ledger.catalogue import LicenseType
from ledger.errors import Malformed
from ledger.facts import Act
from ledger.license import FaceValue, License, Restriction, State
from ledger.lifecycle_table import ACTS, TERMINALS, Cell
from ledger.workdays import date_to_day

TRANSFERRED = "转出"
RESTRICTIONS = {"SUSPEND": State.SUSP, "PAUSE": State.PAUS}
BASELINE_STATES = frozenset(State) - {State.NONE, State.MRGD, State.VOID}

_to_day = lru_cache(maxsize=4_096)(date_to_day)


def day_of(value: Any) -> int | None:
    """The day number of a date field; None for null, absent or no date."""
    if not isinstance(value, str):
        return None
    try:
        return _to_day(value)
    except Malformed:
        return None


def opened(act: Act, day: int, kind: LicenseType) -> License:
    """The license that an opening act makes; BASELINE in the state that it tells."""
    empty = License(opening=act.act, type_version=0, version=0, identifier="")
    changes = face_changes(empty, act, act.fields, day, kind)
    changes["holders"] = act.holders
    told = _text(act.fields.get("state")) if act.act == "BASELINE" else ""
    if told in TERMINALS:
        changes["terminal"] = told
        changes["terminal_day"] = day
        changes["after"] = _text(act.fields.get("after"))
        changes["ground"] = _text(act.fields.get("ground"))
    elif told in (State.SUSP, State.PAUS):
        changes["restrictions"] = (_restriction(act, State(told), day, kind),)
    return replace(empty, **changes)


def step(
    before: License,
    act: Act,
    day: int,
    kind: LicenseType,
    *,
    state: State,
    cell: Cell,
    voids: bool = False,
) -> License:
    """The license after one act other than an opening or a CORRECT.

    ``state`` is the one shown before it and ``cell`` what it met in the table; ``voids``
    says that a VOID_VERSION leaves no version (¹⁰).
    """
    rule = ACTS[act.act]
    changes: dict[str, Any] = {}
    if rule.face != "none":
        changes = face_changes(before, act, act.fields, day, kind)
        if rule.may_change_holders:
            changes["holders"] = act.holders
    else:
        changes = _effect(before, act, day, kind)
    if act.act == "RENEW":
        changes.update(_renewed(before, act, state))
    if cell.note == "5":
        changes["flags"] = with_flag(before.flags, "penalty_recorded")
    end = State.VOID if voids else cell.to if cell.allowed else rule.ends
    if end is not None and (cell.allowed or not before.terminal):
        changes.update(_ended(act, day, state, end))
    return replace(before, **changes) if changes else before


def face_changes(
    before: License,
    act: Act,
    fields: Mapping[str, Any],
    day: int,
    kind: LicenseType,
) -> dict[str, Any]:
    """What the face-like ``fields`` of an act change: face, validity and area."""
    changes: dict[str, Any] = {}
    face: dict[str, FaceValue] | None = None
    own = kind.fields
    for name, value in fields.items():
        if name in own:
            if face is None:
                face = dict(before.face)
            if value is None:
                face.pop(name, None)
            else:
                face[name] = FaceValue(
                    value=value,
                    position=act.position,
                    event_id=act.event_id,
                    since_day=day,
                )
        elif name in ("valid_from", "valid_until"):
            changes[name] = day_of(value)
        elif name == "area":
            changes["area"] = _text(value)
    if face is not None:
        changes["face"] = face
    return changes


def with_flag(flags: tuple[str, ...], flag: str) -> tuple[str, ...]:
    """Flags with one more, sorted."""
    return flags if flag in flags else tuple(sorted((*flags, flag)))


def without_flag(flags: tuple[str, ...], flag: str) -> tuple[str, ...]:
    """Flags with one less."""
    return tuple(one for one in flags if one != flag)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _restriction(act: Act, state: State, day: int, kind: LicenseType) -> Restriction:
    """One restriction; time does not end it where the type says on application only."""
    until = None if kind.resume_on_application else day_of(act.fields.get("term_until"))
    return Restriction(
        digest=act.digest,
        state=str(state),
        since_day=day,
        until_day=until,
        position=act.position,
    )


def _effect(before: License, act: Act, day: int, kind: LicenseType) -> dict[str, Any]:
    """What an act without a face does, apart from ending the license."""
    match act.act:
        case "SUSPEND" | "PAUSE":
            one = _restriction(act, RESTRICTIONS[act.act], day, kind)
            return {"restrictions": (*before.restrictions, one)}
        case "RESUME":
            named = act.causes[0] if act.causes else b""
            kept = tuple(one for one in before.restrictions if one.digest != named)
            return {"restrictions": kept}
        case "MARK":
            return _marked(before, act, day)
        case "ARCHIVE":
            return {"flags": with_flag(before.flags, "archived")}
        case _:
            return {}


def _renewed(before: License, act: Act, state: State) -> dict[str, Any]:
    flags = without_flag(before.flags, "renewal_pending")
    if state == State.EXP and act.backfill:
        flags = with_flag(flags, "late_renewal")
    return {"renewal_pending": False, "flags": flags}


def _marked(before: License, act: Act, day: int) -> dict[str, Any]:
    """A mark on or off; ``stayed`` is told by which acts are left out of the fold."""
    mark = act.fields.get("mark")
    if not isinstance(mark, str) or mark == "stayed":
        return {}
    turned_on = act.fields.get("mark_on", True) is not False
    change = with_flag if turned_on else without_flag
    changes: dict[str, Any] = {"flags": change(before.flags, mark)}
    if mark == "renewal_pending":
        applied = day_of(act.fields.get("mark_date"))
        until = before.valid_until
        timely = until is None or (day if applied is None else applied) <= until
        changes["renewal_pending"] = turned_on and timely
    return changes


def _ended(act: Act, day: int, state: State, end: State) -> dict[str, Any]:
    changes: dict[str, Any] = {"terminal": str(end), "terminal_day": day}
    if act.act == "CANCEL":
        changes["after"] = str(state)
        changes["ground"] = _text(act.fields.get("ground"))
    elif act.act == "TRANSFER_OUT":
        changes["after"] = TRANSFERRED
    elif act.act == "LINK":
        changes["merged_into"] = _text(act.fields.get("continues_as"))
    elif act.act == "ANNUL":
        since = day_of(act.fields.get("effect_from"))
        changes["terminal_day"] = day if since is None else since
    return changes
