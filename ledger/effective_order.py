"""The order in which a chain's accepted acts are folded, and which are left out of it.

Normal acts stand at (legal day of effective_at in UTC+8, position). CORRECT, ANNUL,
RESTORE, LINK and VOID_VERSION stand behind every act accepted before them; but an ANNUL
whose own day is not after a CANCEL's stands directly before that CANCEL. On a chain
opened by BASELINE or TRANSFER_IN an act older than the opening stands directly behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.facts import Act
from ledger.lifecycle_table import ACTS
from ledger.workdays import legal_day

STOCK_OPENINGS = frozenset(("BASELINE", "TRANSFER_IN"))
"""Openings that tell of a license which is older than its chain."""

# (day, anchor position, tier, own day, position): tier 1 stands behind its anchor.
Base = tuple[int, int, int, int, int]
# The base, then -1 for what stands directly before it (by own day and position).
Key = tuple[Base, int, int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """An act at its place; ``day`` is the one on which the table is asked."""

    act: Act
    day: int
    own_day: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Digests of acts that a RESTORE or a stay takes out of the fold."""

    restored: frozenset[bytes]
    stayed: frozenset[bytes]

    def __contains__(self, digest: object) -> bool:
        return digest in self.restored or digest in self.stayed


_NONE_LEFT_OUT = LeftOut(frozenset(), frozenset())


def is_stay(act: Act) -> bool:
    """Whether an act turns a stay (停止执行) of another act on or off."""
    return act.act == "MARK" and act.fields.get("mark") == "stayed"


def left_out(acts: Sequence[Act]) -> LeftOut:
    """Which acts are out of the fold; ``acts`` in recorded order.

    An act names only acts accepted before it, so the newest RESTORE or stay is resolved
    first; one that is itself out has no effect. Of several stays of one act the last
    in (day, position) holds.
    """
    naming = [a for a in acts if a.causes and (a.act == "RESTORE" or is_stay(a))]
    if not naming:
        return _NONE_LEFT_OUT
    restored: set[bytes] = set()
    stays: dict[bytes, tuple[int, int, bool]] = {}
    for act in reversed(naming):
        stay = stays.get(act.digest)
        if act.digest in restored or (stay is not None and stay[2]):
            continue
        if act.act == "RESTORE":
            restored.add(act.causes[0])
            continue
        on = act.fields.get("mark_on", True) is not False
        found = (legal_day(act.effective_at), act.position, on)
        known = stays.get(act.causes[0])
        if known is None or found > known:
            stays[act.causes[0]] = found
    stayed = frozenset(digest for digest, stay in stays.items() if stay[2])
    return LeftOut(frozenset(restored), stayed)


def in_order(acts: Sequence[Act], out: LeftOut) -> list[Placed]:
    """The acts of the fold in effective order; the opening comes first.

    ``acts`` is in recorded order and begins with the opening; no act is older than an
    opening by ISSUE.
    """
    opening = acts[0]
    opening_day = latest = legal_day(opening.effective_at)
    stock = opening.act in STOCK_OPENINGS
    placed: list[tuple[Key, Placed]] = []
    cancels: list[tuple[Base, int]] = []
    annuls: list[int] = []
    for act in acts:
        own = day = legal_day(act.effective_at)
        base: Base
        if ACTS[act.act].behind_all:
            day = max(own, latest)
            base = (day, act.position, 0, 0, 0)
        elif own < opening_day and stock:
            base = (opening_day, opening.position, 1, own, act.position)
        else:
            base = (own, act.position, 0, 0, 0)
        latest = max(latest, own)
        if act.digest in out:
            continue
        if act.act == "CANCEL":
            cancels.append((base, own))
        elif act.act == "ANNUL":
            annuls.append(len(placed))
        placed.append(((base, 0, 0, 0), Placed(act, day, own)))
    if cancels:
        for index in annuls:
            placed[index] = _before_cancel(*placed[index], cancels)
    placed.sort(key=lambda one: one[0])
    return [one for _, one in placed]


def _before_cancel(
    key: Key, annul: Placed, cancels: Sequence[tuple[Base, int]]
) -> tuple[Key, Placed]:
    bases = [base for base, day in cancels if annul.own_day <= day]
    first = min(bases, default=key[0])
    if first >= key[0]:
        return key, annul
    return (first, -1, annul.own_day, annul.act.position), annul
