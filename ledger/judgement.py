"""Check 12: whether a license's chain takes an act, and what the license is then.

The codes are tried in the order of the refusal table. A refused act changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.catalogue import LicenseType
from ledger.correction import can_hold
from ledger.effective_order import STOCK_OPENINGS, is_stay, left_out
from ledger.facts import Act
from ledger.fold import (
    IDENTIFIER,
    Folded,
    appended,
    fold,
    fold_watching,
    named_version,
    notes_of,
    version_of,
)
from ledger.judged_fields import check_resulting_face
from ledger.license import License, State
from ledger.lifecycle_guards import ILLEGAL, TypeOfVersion, place
from ledger.lifecycle_step import RESTRICTIONS, opened, step
from ledger.lifecycle_table import ACTS, ActRule
from ledger.refusals import Refusal
from ledger.workdays import DAY_US, legal_day

STOCK_VERSION_MAX = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An accepted act: the license after it, flags of the act, the version it made.

    Flags: late, overtakes, late_renewal, penalty_recorded.
    """

    license: License
    flags: tuple[str, ...]
    version: int | None


def judge(
    acts: Sequence[Act],
    new: Act,
    *,
    license_id: str,
    types: TypeOfVersion,
    sealed_at: int,
    before: License | None,
) -> Judgement:
    """Judges ``new`` on a chain of accepted ``acts`` whose fold is ``before``.

    Raises Refusal with a code of check 12. An act that stands last is applied to
    ``before``; any other one, and one that changes the order or the membership of the
    fold, has the whole chain folded again.
    """
    rule = ACTS[new.act]
    kind = types(new.type_version)
    if before is None and acts:
        before = fold(acts, types)
    if not rule.always_allowed and new.act not in kind.acts:
        raise Refusal("act_not_allowed", f"type {kind.code} has no {new.act}")
    _check_merged(new, before, acts)
    _check_target(acts, new, rule, license_id, types)
    version = _check_version(acts, new, rule, before)
    _check_decision(new, rule)
    if new.effective_at > sealed_at + kind.horizon_days * DAY_US:
        raise Refusal("too_far_ahead", f"at most {kind.horizon_days} days ahead")
    day = legal_day(new.effective_at)
    stands_last = before is not None and not (
        day < before.last_day or rule.behind_all or rule.opens or is_stay(new)
    )
    if before is not None and stands_last:
        done = _append(before, new, day, kind)
    else:
        done = _insert(acts, new, rule, day, types, before)
    check_resulting_face(new, rule, kind, done, now=before)
    flags = list(done.notes)
    if new.position in done.license.late:
        flags.append("late")
    if before is not None and set(done.license.overtaken) - set(before.overtaken):
        flags.append("overtakes")
    return Judgement(license=done.license, flags=tuple(sorted(flags)), version=version)


def _append(before: License, new: Act, day: int, kind: LicenseType) -> Folded:
    """One step on ``before`` for an act that stands last."""
    state, cell, why = place(before, new, day, kind)
    if why:
        raise Refusal(why, f"{new.act} at {state}")
    after = step(before, new, day, kind, state=state, cell=cell)
    return Folded(
        appended(after, new, day),
        {},
        before=before,
        notes=notes_of(new, state, cell),
        state=state,
    )


def _insert(
    acts: Sequence[Act],
    new: Act,
    rule: ActRule,
    day: int,
    types: TypeOfVersion,
    before: License | None,
) -> Folded:
    """Folds the chain again with ``new`` in it."""
    if not acts or before is None:
        if not rule.opens:
            raise Refusal(ILLEGAL, f"{new.act} at {State.NONE}")
        opening = opened(new, day, types(new.type_version))
        return Folded(appended(opening, new, day), {})
    if rule.opens:
        raise Refusal(ILLEGAL, f"{new.act} on a chain that is open")
    if (
        acts[0].act not in STOCK_OPENINGS
        and not rule.behind_all
        and day < legal_day(acts[0].effective_at)
    ):
        raise Refusal(ILLEGAL, f"{new.act} before the license was issued")
    done = fold_watching([*acts, new], types, watch=new.position)
    why = done.refusals.get(new.position)
    if why is not None:
        raise Refusal(why, f"{new.act} at {done.state}")
    if not (rule.prevails or is_stay(new)):
        for position in done.refusals:
            if position not in before.overtaken:
                raise Refusal("conflicts_with", f"the act at position {position}")
    return done


def _check_merged(new: Act, before: License | None, acts: Sequence[Act]) -> None:
    """After LINK a chain takes only RESTORE of that LINK."""
    if before is None or before.terminal != State.MRGD:
        return
    if new.act == "RESTORE" and new.causes:
        named = _named(acts, new.causes[0])
        if named is not None and named.act == "LINK":
            return
    raise Refusal("merged", f"goes on as {before.merged_into}")


def _check_target(
    acts: Sequence[Act],
    new: Act,
    rule: ActRule,
    license_id: str,
    types: TypeOfVersion,
) -> None:
    """What an act names is there, and is a thing that this act can name."""
    known = True
    if rule.cause == "restriction":
        named = _named(acts, new.causes[0]) if new.causes else None
        known = named is not None and _restricts(named)
    elif rule.cause == "act" or is_stay(new):
        named = _named(acts, new.causes[0]) if new.causes else None
        known = named is not None and _nameable(acts, new, named, types)
    elif new.act == "LINK":
        known = new.fields.get("continues_as") != license_id
    elif new.act == "VOID_VERSION":
        known = not acts or named_version(new) in {version_of(act) for act in acts}
    if not known:
        raise Refusal("unknown_target", f"{new.act} cannot name that")


def _named(acts: Sequence[Act], digest: bytes) -> Act | None:
    for act in reversed(acts):
        if act.digest == digest:
            return act
    return None


def _restricts(act: Act) -> bool:
    """Whether an act opened a restriction."""
    return act.act in RESTRICTIONS or (
        act.act == "BASELINE" and act.fields.get("state") in (State.SUSP, State.PAUS)
    )


def _nameable(acts: Sequence[Act], new: Act, named: Act, types: TypeOfVersion) -> bool:
    if new.act == "CORRECT":
        return _correctable(acts, new, named, types)
    if named is acts[0]:
        return False
    return new.act != "RESTORE" or named.digest not in left_out(acts).restored


def _correctable(
    acts: Sequence[Act], new: Act, named: Act, types: TypeOfVersion
) -> bool:
    """Whether the act named, or the original of a CORRECT named, can hold the fields."""
    root = named
    while root.act == "CORRECT":
        found = _named(acts, root.causes[0])
        if found is None:
            return False
        root = found
    kind = types(new.type_version)
    names = [name for name in new.fields if name != IDENTIFIER]
    if not names:
        return ACTS[root.act].face != "none"
    return all(can_hold(root, name, kind) for name in names)


def _check_version(
    acts: Sequence[Act], new: Act, rule: ActRule, before: License | None
) -> int | None:
    """The number of the version that the act makes; None when it makes none."""
    found = version_of(new)
    if rule.opens:
        _check_first_version(new, found)
        return found
    if before is None:
        return found
    makes = rule.makes_version == "always"
    if rule.makes_version == "as_named":
        named = _named(acts, new.causes[0])
        makes = named is not None and IDENTIFIER in named.fields
    elif rule.makes_version == "replacement":
        makes = IDENTIFIER in new.fields and named_version(new) == before.version
    expected = before.version + 1 if makes else None
    if found != expected or (expected is None and IDENTIFIER in new.fields):
        wanted = f"version {expected:03d}" if expected else "no version"
        raise Refusal("wrong_version", f"expected {wanted}")
    return expected


def _check_first_version(new: Act, found: int | None) -> None:
    highest = STOCK_VERSION_MAX if new.act in STOCK_OPENINGS else 1
    if found is None or not 1 <= found <= highest:
        raise Refusal("wrong_version", f"expected a version from 001 to {highest:03d}")
    if "version" in new.fields and named_version(new) != found:
        raise Refusal("wrong_version", f"expected version {found:03d}")


def _check_decision(new: Act, rule: ActRule) -> None:
    if not rule.decision_required:
        return
    documented = new.decision_number and new.decision_date
    # Backfill may lack the document and say why; the reason comes from the mapping.
    if not new.reason_code or not (documented or new.decision_excused):
        raise Refusal("decision_missing", "number, date and reason_code are needed")
