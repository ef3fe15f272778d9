"""What a CORRECT (更正) changes: the value that the named act set, wherever it still shows.

A corrected value holds since the act it corrects and gives way to whatever a later act
set; then only history is corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ledger.catalogue import LicenseType
from ledger.effective_order import Placed
from ledger.facts import Act
from ledger.license import License, Restriction, State
from ledger.lifecycle_guards import TypeOfVersion
from ledger.lifecycle_step import RESTRICTIONS, day_of, face_changes
from ledger.lifecycle_table import ACTS

_HOLDERS = ""
"""Stands for the holders among the field names."""


def originals(acts: Sequence[Act]) -> dict[bytes, bytes]:
    """For each CORRECT the digest of the act whose fields it corrects in the end.

    A CORRECT of a CORRECT corrects the same original, also when a RESTORE has taken the
    one between them out.
    """
    found: dict[bytes, bytes] = {}
    for act in acts:
        if act.act == "CORRECT":
            found[act.digest] = found.get(act.causes[0], act.causes[0])
    return found


class Corrections:
    """Which act set what shows, during one fold; indexes are places in its order."""

    def __init__(self, acts: Sequence[Act], opening: Placed) -> None:
        self._originals = originals(acts)
        self._placed: dict[bytes, tuple[int, Placed]] = {}
        self._placed[opening.act.digest] = (0, opening)
        self._set_by: dict[str, int] = {}

    def note(self, before: License, placed: Placed, index: int) -> None:
        """Takes note of an act that is no CORRECT, before it is applied."""
        act = placed.act
        self._placed[act.digest] = (index, placed)
        rule = ACTS[act.act]
        if rule.face == "none":
            return
        for name in act.fields:
            self._set_by[name] = index
        if rule.may_change_holders and act.holders != before.holders:
            self._set_by[_HOLDERS] = index

    def correct(self, before: License, act: Act, types: TypeOfVersion) -> License:
        """The license after a CORRECT.

        One whose original is out of the fold changes nothing.
        """
        found = self._placed.get(self._originals[act.digest])
        if found is None:
            return before
        place, root = found
        fields = {
            name: value
            for name, value in act.fields.items()
            if self._set_by.get(name, 0) <= place
        }
        if ACTS[root.act.act].face != "none":
            self._set_by.update(dict.fromkeys(fields, place))
        kind = types(act.type_version)
        changes = face_changes(before, act, fields, root.own_day, kind)
        if act.holders != before.holders and self._set_by.get(_HOLDERS, 0) <= place:
            changes["holders"] = act.holders
            self._set_by[_HOLDERS] = place
        changes.update(_of_the_act(before, act, root, types(root.act.type_version)))
        return replace(before, **changes) if changes else before


def _of_the_act(
    before: License, act: Act, root: Placed, kind: LicenseType
) -> dict[str, Any]:
    """Corrected terms of the named act itself: restriction, annulment, cancellation."""
    fields = act.fields
    changes: dict[str, Any] = {}
    if "term_until" in fields and not kind.resume_on_application:
        until = day_of(fields["term_until"])
        changes["restrictions"] = tuple(
            _until(one, until) if one.digest == root.act.digest else one
            for one in before.restrictions
        )
    since = day_of(fields.get("effect_from"))
    if since is not None and before.terminal == State.ANND:
        changes["terminal_day"] = since
    if "ground" in fields and (before.terminal, before.terminal_day) == (
        State.CANC,
        root.own_day,
    ):
        changes["ground"] = str(fields["ground"] or "")
    return changes


def _until(one: Restriction, until: int | None) -> Restriction:
    return replace(one, until_day=until)


def can_hold(act: Act, name: str, kind: LicenseType) -> bool:
    """Whether an act can carry the field that a CORRECT wants to correct in it."""
    rule = ACTS[act.act]
    if name in kind.fields:
        return rule.face != "none"
    if name == "term_until":
        return act.act in RESTRICTIONS or act.act == "BASELINE"
    return name in rule.reserved
