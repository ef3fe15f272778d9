"""Which state a license shows on a day: from its folded form, or folded again up to it."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.catalogue import LicenseType
from ledger.facts import Act
from ledger.license import License, State
from ledger.license_identifiers import parse_license_id
from ledger.lifecycle import TypeOfVersion, shown_state, state_at
from ledger.periods import EVER
from ledger.registry import Registry
from ledger.workdays import day_start


def settled_day(license_: License) -> int:
    """The first day from which on the folded license alone tells the shown state."""
    settled = max(license_.last_day, license_.terminal_day or 0, 0)
    if license_.restrictions:
        return max(settled, *(one.since_day for one in license_.restrictions))
    return settled


def shown_on(day: int, acts: Sequence[Act], types: TypeOfVersion) -> State:
    """The state shown on a day by the license of these acts; NONE before it opened."""
    then = fold_on(day, acts, types)
    return State.NONE if then is None else shown_state(then, day)


def fold_on(day: int, acts: Sequence[Act], types: TypeOfVersion) -> License | None:
    """The license of these acts on a day, as known now; None before it opened."""
    return state_at(acts, effective=day_start(day), known_at=EVER, types=types)


def types_of(registry: Registry, license_id: str) -> TypeOfVersion:
    """The versions of a license's type, as a fold asks for them."""
    code = parse_license_id(license_id).type_code

    def of_version(version: int) -> LicenseType:
        found = registry.license_type(code, version)
        if found is None:
            raise AssertionError(f"type {code} has no version {version}")
        return found

    return of_version
