"""What the second lifecycle is told: moves, a type's switches, and why one is denied."""

from __future__ import annotations

from dataclasses import dataclass


class Denied(Exception):  # noqa: N818 - a verdict, not a fault
    """An act that the rules do not allow; ``code`` as the ledger would say it."""

    def __init__(self, code: str = "illegal_transition") -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Switches:
    """What a license type decides: late renewal, grace (None = always), restricted acts."""

    late_renewal: bool = True
    grace_days: int | None = None
    while_restricted: frozenset[str] = frozenset()
    on_application: bool = False


@dataclass(frozen=True)
class Move:
    """One act as a department thinks of it; days count from any day 0.

    ``names`` is the number of an accepted act. ``sets`` are face fields, ``until`` a
    new end of validity (None = long term) when ``has_until``.
    """

    act: str
    day: int
    names: int | None = None
    sets: tuple[tuple[str, str | None], ...] = ()
    has_until: bool = False
    until: int | None = None
    term_until: int | None = None
    mark: str = ""
    on: bool = True
    mark_day: int | None = None
    effect_from: int | None = None
    told: str = ""
    void: int = 0
    replaces: bool = False
    backfill: bool = False
