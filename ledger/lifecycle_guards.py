"""Whether an act may stand at its place: the table's cell, then the guard of its note.

Expiry and a restriction's end are functions of the day asked about, never stored.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.catalogue import LicenseType
from ledger.facts import Act
from ledger.license import License, State
from ledger.lifecycle_table import ACTS, TRANSITIONS, Cell

TypeOfVersion = Callable[[int], LicenseType]
"""The version of the chain's type with this number."""

ILLEGAL = "illegal_transition"


def shown_state(license_: License, day: int) -> State:
    """The state a license shows on ``day``: terminal, EXP, SUSP, PAUS, VALID.

    Only for days on which no later act is in force yet; ``state_at`` answers for
    earlier ones. Validity and restrictions hold to 24:00 of their last day.
    """
    if license_.terminal:
        return State(license_.terminal)
    until = license_.valid_until
    if until is not None and until < day and not license_.renewal_pending:
        return State.EXP
    if license_.restrictions:
        shown = State.VALID
        for one in license_.restrictions:
            if one.until_day is None or day <= one.until_day:
                if one.state == State.SUSP:
                    return State.SUSP
                shown = State.PAUS
        return shown
    return State.VALID


def place(
    license_: License | None, act: Act, day: int, kind: LicenseType
) -> tuple[State, Cell, str]:
    """State before an act, the cell it meets, and why it may not stand (or empty)."""
    state = State.NONE if license_ is None else shown_state(license_, day)
    cell = TRANSITIONS[act.act][state]
    if not cell.allowed:
        return state, cell, ILLEGAL
    if license_ is None:
        return state, cell, ""
    if ACTS[act.act].cause == "restriction" and not names_restriction(license_, act):
        return state, cell, ILLEGAL
    return state, cell, _guard(cell.note, license_, act, day, kind)


def names_restriction(license_: License, act: Act) -> bool:
    """Whether causes[0] is a restriction that no RESUME has lifted."""
    return bool(act.causes) and any(
        one.digest == act.causes[0] for one in license_.restrictions
    )


def _guard(note: str, license_: License, act: Act, day: int, kind: LicenseType) -> str:
    """The notes that are conditions; the other notes say what an act does."""
    if note == "1":
        return "" if act.act in kind.while_restricted else ILLEGAL
    if note == "2":
        # Backfilled stock is taken as it is, whatever the gap.
        return "" if kind.late_renewal or act.backfill else ILLEGAL
    if note == "3":
        until, grace = license_.valid_until, kind.grace_days
        timely = until is None or grace is None or day <= until + grace
        return "" if timely else "out_of_grace"
    return ""
