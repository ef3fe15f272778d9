"""What was known on one day about another: the bi-temporal question to a chain."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.correction import originals
from ledger.effective_order import left_out
from ledger.facts import Act
from ledger.fold import fold_watching
from ledger.license import License
from ledger.lifecycle_guards import TypeOfVersion
from ledger.lifecycle_step import day_of
from ledger.workdays import legal_day


def state_at(
    acts: Sequence[Act], *, effective: int, known_at: int, types: TypeOfVersion
) -> License | None:
    """The license on the day of ``effective`` as known at ``known_at``; UTC µs.

    ``acts`` in recorded order. None before the opening's day, or while nothing of the
    chain was recorded. RESTORE works back to what it undoes, a CORRECT to the act that
    it corrects, an ANNUL to its ``effect_from``; every other act from its own day on.
    """
    day = legal_day(effective)
    known = [act for act in acts if act.recorded_at <= known_at]
    if not known or legal_day(known[0].effective_at) > day:
        return None
    roots = originals(known)
    annulled_from = _annulled_from(known, roots)
    in_force: set[bytes] = set()
    for act in known:
        if act.act == "ANNUL":
            holds = annulled_from[act.digest] <= day
        elif act.act == "CORRECT":
            holds = roots[act.digest] in in_force
        else:
            holds = act.act == "RESTORE" or legal_day(act.effective_at) <= day
        if holds:
            in_force.add(act.digest)
    chosen = [act for act in known if act.digest in in_force]
    return fold_watching(chosen, types, watch=-1, known=known).license


def _annulled_from(acts: Sequence[Act], roots: dict[bytes, bytes]) -> dict[bytes, int]:
    """Since which day each ANNUL holds, its corrections included."""
    out = left_out(acts)
    since: dict[bytes, int] = {}
    for act in acts:
        told = day_of(act.fields.get("effect_from"))
        if act.act == "ANNUL":
            since[act.digest] = legal_day(act.effective_at) if told is None else told
        elif act.act == "CORRECT" and told is not None and act.digest not in out:
            since[roots[act.digest]] = told
    return since
