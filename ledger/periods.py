"""From which day to which something of a license held, as its acts tell it now.

The answer comes from the fold itself (``state_at``), asked once for each day on which it
can change: so a correction holds since the act it corrects, an act that a RESTORE took
out leaves no trace, and one that came late stands where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.as_of import state_at
from ledger.effective_order import is_stay
from ledger.facts import Act
from ledger.license import License
from ledger.lifecycle_guards import TypeOfVersion
from ledger.workdays import day_start, legal_day

T = TypeVar("T")
EVER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Period(Generic[T]):
    """``value`` from one day to before another; ``until_day`` None: no end is known.

    Days count from 1970-01-01 in UTC+8.
    """

    from_day: int
    until_day: int | None
    value: T


def periods(
    acts: Sequence[Act],
    *,
    types: TypeOfVersion,
    shows: Callable[[License], T],
    concerns: Callable[[Act], bool],
    known_at: int = EVER,
) -> list[Period[T]]:
    """What a license showed, period by period, as known at ``known_at`` (UTC µs).

    ``acts`` in recorded order; ``shows`` takes it from a folded license; ``concerns``
    says which acts can set it. Empty while nothing of the chain was recorded.
    """
    known = [act for act in acts if act.recorded_at <= known_at]
    found: list[Period[T]] = []
    for day in _turning_days(known, concerns):
        then = state_at(known, effective=day_start(day), known_at=known_at, types=types)
        if then is None:
            continue
        value = shows(then)
        if found and found[-1].value == value:
            continue
        if found:
            found[-1] = _ended(found[-1], day)
        found.append(Period(from_day=day, until_day=None, value=value))
    return found


def _ended(period: Period[T], day: int) -> Period[T]:
    return Period(from_day=period.from_day, until_day=day, value=period.value)


def _turning_days(
    acts: Sequence[Act], concerns: Callable[[Act], bool]
) -> Sequence[int]:
    """The days on which the answer can change: those of acts, their opening's first.

    A CORRECT works from the day of the act in the chain that it corrects in the end, and
    a RESTORE from that of the act which it undoes: such days are among them, if those
    acts are all taken together.
    """
    return sorted(set(_days(acts, concerns)))


def _days(acts: Sequence[Act], concerns: Callable[[Act], bool]) -> Iterator[int]:
    by_digest = {act.digest: act for act in acts}
    for act in acts:
        if act is acts[0] or concerns(act) or is_stay(act):
            yield max(legal_day(act.effective_at), legal_day(acts[0].effective_at))
        if act.act == "CORRECT" and concerns(act):
            root = act
            while root.act == "CORRECT":
                root = by_digest[root.causes[0]]
            yield max(legal_day(root.effective_at), legal_day(acts[0].effective_at))
