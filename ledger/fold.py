"""The fold: what a chain's accepted acts come to, in effective order.

It drops nothing: an act that the table no longer allows at its place is overtaken
(被后到行为覆盖); a terminal state before it stays, its values, versions and restrictions
hold, a RESUME without its restriction does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from ledger.correction import Corrections
from ledger.effective_order import LeftOut, in_order, left_out
from ledger.facts import Act
from ledger.license import License, State
from ledger.lifecycle_guards import TypeOfVersion, place
from ledger.lifecycle_step import opened, step, with_flag, without_flag
from ledger.lifecycle_table import Cell
from ledger.workdays import legal_day

IDENTIFIER = "certificate_identifier"


@dataclass(slots=True)
class Folded:
    """A fold with what a judgement asks of it.

    ``refusals``: position -> why the table does not allow that act at its place, in
    effective order. ``before`` and ``notes`` are those of the watched act.
    """

    license: License
    refusals: dict[int, str]
    before: License | None = None
    notes: tuple[str, ...] = ()
    state: State = State.NONE


def fold(acts: Sequence[Act], types: TypeOfVersion) -> License:
    """The license of a chain; ``acts`` in recorded order, the opening first."""
    return fold_watching(acts, types, watch=-1).license


def fold_watching(
    acts: Sequence[Act],
    types: TypeOfVersion,
    *,
    watch: int,
    known: Sequence[Act] | None = None,
) -> Folded:
    """Folds ``acts`` and keeps what stood before the one at position ``watch``.

    ``known`` are all acts of the chain known then when ``acts`` are only those in force.
    """
    out = left_out(acts)
    ordered = in_order(acts, out)
    history = known or acts
    voiding = voiding_positions(history)
    first = ordered[0]
    license_ = opened(first.act, first.own_day, types(first.act.type_version))
    folded = Folded(license_, {})
    corrections = Corrections(acts, first)
    for index in range(1, len(ordered)):
        placed = ordered[index]
        act = placed.act
        kind = types(act.type_version)
        state, cell, why = place(license_, act, placed.day, kind)
        if why:
            folded.refusals[act.position] = why
        if act.position == watch:
            folded.before, folded.state = license_, state
            folded.notes = notes_of(act, state, cell)
        if act.act == "CORRECT":
            license_ = corrections.correct(license_, act, types)
            continue
        corrections.note(license_, placed, index)
        license_ = step(
            license_,
            act,
            placed.own_day,
            kind,
            state=state,
            cell=cell if not why else _OVERTAKEN,
            voids=act.position in voiding,
        )
    folded.license = _told(license_, acts, history, out, folded.refusals)
    return folded


_OVERTAKEN = Cell(text="–", allowed=False)


def notes_of(act: Act, state: State, cell: Cell) -> tuple[str, ...]:
    """Flags that an act itself gets from its place in the table."""
    if cell.note == "5":
        return ("penalty_recorded",)
    if act.act == "RENEW" and state == State.EXP and act.backfill:
        return ("late_renewal",)
    return ()


def appended(after: License, act: Act, day: int) -> License:
    """``after`` with what recorded order tells, for an act that stands last in both."""
    version = version_of(act)
    if version is None:
        return replace(after, type_version=act.type_version, last_day=day)
    change = with_flag if act.nonstandard else without_flag
    return replace(
        after,
        type_version=act.type_version,
        last_day=day,
        version=version,
        identifier=act.fields[IDENTIFIER],
        flags=change(after.flags, "nonstandard_identifier"),
    )


def version_of(act: Act) -> int | None:
    """The number of the version that an act made; None when it made none."""
    identifier = act.fields.get(IDENTIFIER)
    if not isinstance(identifier, str):
        return None
    parts = identifier.rsplit(".", 2)
    number = parts[1] if len(parts) == 3 else ""
    return int(number) if number.isascii() and number.isdigit() else None


def named_version(act: Act) -> int | None:
    """The version that the field ``version`` names, as number or as digits."""
    version = act.fields.get("version")
    if isinstance(version, str) and version.isascii() and version.isdigit():
        return int(version)
    return version if isinstance(version, int) else None


def voiding_positions(acts: Sequence[Act]) -> frozenset[int]:
    """VOID_VERSIONs of version 001 alone without a replacement: they end the chain."""
    found: set[int] = set()
    highest = 0
    for act in acts:
        version = version_of(act)
        if version is not None:
            highest = version
        elif act.act == "VOID_VERSION" and highest <= 1:
            found.add(act.position)
    return frozenset(found)


def late_positions(acts: Sequence[Act]) -> tuple[int, ...]:
    """Acts older than one that was in force already when they were recorded (迟报)."""
    late: list[int] = []
    ahead: list[Act] = []
    latest: int | None = None
    for act in acts:
        in_force = [one for one in ahead if one.effective_at <= act.recorded_at]
        if in_force:
            ahead = [one for one in ahead if one.effective_at > act.recorded_at]
            newest = max(legal_day(one.effective_at) for one in in_force)
            latest = newest if latest is None else max(latest, newest)
        if latest is not None and legal_day(act.effective_at) < latest:
            late.append(act.position)
        ahead.append(act)
    return tuple(late)


def _told(
    license_: License,
    acts: Sequence[Act],
    known: Sequence[Act],
    out: LeftOut,
    refusals: dict[int, str],
) -> License:
    """Adds what recorded order tells: versions, late and overtaken acts, the last day."""
    flags = set(license_.flags)
    version, identifier = 0, ""
    for act in acts:
        number = version_of(act)
        if number is not None:
            version, identifier = number, act.fields[IDENTIFIER]
            flags.discard("nonstandard_identifier")
            if act.nonstandard:
                flags.add("nonstandard_identifier")
    positions = {act.position for act in acts}
    late = tuple(one for one in late_positions(known) if one in positions)
    if late:
        flags.add("late")
    if out.stayed - out.restored:
        flags.add("stayed")
    return replace(
        license_,
        type_version=acts[-1].type_version,
        version=version,
        identifier=identifier,
        flags=tuple(sorted(flags)),
        late=late,
        overtaken=tuple(sorted(refusals)),
        last_day=max(legal_day(act.effective_at) for act in acts),
    )
