"""The last part of check 12: the reserved fields of an act, and the face after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.catalogue import LicenseType
from ledger.facts import Act
from ledger.fold import IDENTIFIER, Folded, named_version
from ledger.license import License, State
from ledger.lifecycle_step import BASELINE_STATES, day_of
from ledger.lifecycle_table import MARKS, ActRule
from ledger.refusals import Refusal
from ledger.workdays import legal_day


def check_resulting_face(
    new: Act, rule: ActRule, kind: LicenseType, done: Folded, *, now: License | None
) -> None:
    """Refuses ``invalid_fields``, naming all that is wrong; ``now``: before the act."""
    wrong = [
        f"{name} is missing"
        for name in sorted(rule.required)
        if new.fields.get(name) is None
    ]
    wrong += _reserved(new, done, now)
    wrong += _fixed(new, kind)
    if not _holders_fit(new, rule, done, now):
        wrong.append("holders are not the chain's")
    wrong += _missing_face(new, rule, kind, done)
    if wrong:
        raise Refusal("invalid_fields", "; ".join(wrong))


def _reserved(new: Act, done: Folded, now: License | None) -> list[str]:
    """What only the act itself can tell about its reserved fields."""
    fields = new.fields
    match new.act:
        case "BASELINE":
            return _told_state(fields)
        case "MARK" if str(fields.get("mark")) not in MARKS:
            return ["mark is not one of " + ", ".join(sorted(MARKS))]
        case "CANCEL" if fields.get("after", str(done.state)) != str(done.state):
            return [f"after is {done.state}"]
        case "ANNUL":
            since = day_of(fields.get("effect_from"))
            if since is not None and since > legal_day(new.effective_at):
                return ["effect_from lies after effective_at"]
        case "VOID_VERSION":
            current = now is not None and named_version(new) == now.version > 1
            if current and IDENTIFIER not in fields:
                return ["the current version needs a replacement"]
        case _:
            return []
    return []


def _told_state(fields: Mapping[str, Any]) -> list[str]:
    """The state that a BASELINE tells is one that a chain can begin with."""
    told = fields.get("state")
    if told is not None and str(told) not in BASELINE_STATES:
        return ["state is not one that a chain can begin with"]
    if told == State.EXP and day_of(fields.get("valid_until")) is None:
        return ["state EXP needs valid_until"]
    return []


def _fixed(new: Act, kind: LicenseType) -> list[str]:
    """Fields that this act may not set: some only by CORRECT, some never by it."""
    own = kind.fields
    if new.act == "CORRECT":
        return [
            f"{name} cannot be corrected"
            for name in new.fields
            if name in own and not own[name].correctable
        ]
    if new.act == "CHANGE":
        return [
            f"{name} cannot be changed"
            for name in new.fields
            if name in own and not own[name].changeable
        ]
    return []


def _holders_fit(new: Act, rule: ActRule, done: Folded, now: License | None) -> bool:
    """The holders are the chain's, at the act's own place or today."""
    if rule.may_change_holders or now is None or done.before is None:
        return True
    return new.holders in (done.before.holders, now.holders)


def _missing_face(
    new: Act, rule: ActRule, kind: LicenseType, done: Folded
) -> list[str]:
    """Mandatory fields that the face lacks; asked of acts that issue a new version."""
    if rule.face == "none" or IDENTIFIER not in new.fields:
        return []
    face = done.license.face
    return [
        f"{name} is missing"
        for name, one in kind.fields.items()
        if one.mandatory and name not in face
    ]
