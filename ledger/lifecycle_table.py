"""The lifecycle as one table: what each act is, and which states allow it.

Everything that says whether an act may stand at a state is here; guards are named by
footnote and live in ``ledger.lifecycle_guards``. ``docs/lifecycle.md`` is generated from
this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ledger.license import State

STATES = tuple(State)
TERMINALS = frozenset(
    (State.REVD, State.ANND, State.WDRN, State.CANC, State.MRGD, State.VOID)
)
MARKS = frozenset(("lost", "seized", "dormant", "renewal_pending", "stayed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """What one act is, apart from the states that allow it.

    ``makes_version``: always, never, replacement (VOID_VERSION of the current one) or
    as_named (RESTORE). ``cause``: what causes[0] names: nothing, a restriction, any act
    but the opening one, or the act a stay is about. ``face``: whether it carries the
    whole face, some fields of it, or none. ``reserved`` are the reserved field names it
    may carry, ``required`` those it must. ``prevails``: it is never refused for a later
    act. ``behind_all``: it stands behind every act accepted before it. ``ends``: the
    terminal state it leads to.
    """

    name: str
    zh: str
    opens: bool = False
    makes_version: str = "never"
    decision_required: bool = False
    cause: str = "none"
    face: str = "none"
    reserved: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    prevails: bool = False
    may_change_holders: bool = False
    always_allowed: bool = False
    behind_all: bool = False
    ends: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: ``text`` as printed, the footnote's number, and what it means.

    ``to`` is the terminal state that the act leads to from here; None leaves it alone.
    """

    text: str
    note: str = ""
    allowed: bool = True
    to: State | None = None


_FACE = (
    "certificate_identifier certificate_number valid_from valid_until area served_on"
)


def _rule(name: str, zh: str, *traits: str, **given: str) -> ActRule:
    """A row of ``ACTS``: ``traits`` are switches, ``given`` names words."""
    ends = given.get("ends")
    face = given.get("face", "none")
    version = given.get("version", "always" if face != "none" else "never")
    reserved = set(given.get("reserved", "").split())
    required = set(given.get("required", "").split())
    if face != "none":
        reserved.update(_FACE.split())
    if version == "always":
        required.add("certificate_identifier")
    return ActRule(
        name=name,
        zh=zh,
        opens="opens" in traits,
        makes_version=version,
        decision_required="decision" in traits,
        cause=given.get("cause", "none"),
        face=face,
        reserved=frozenset(reserved | required),
        required=frozenset(required),
        prevails="prevails" in traits,
        may_change_holders="holders" in traits,
        always_allowed="always" in traits,
        behind_all="behind_all" in traits,
        ends=State(ends) if ends else None,
    )


_RULES = (
    _rule(
        "BASELINE",
        "存量补录",
        "opens",
        "always",
        "holders",
        face="whole",
        reserved="version state after ground term_until",
    ),
    _rule("ISSUE", "制发", "opens", "holders", face="whole"),
    _rule("CHANGE", "变更", "decision", "holders", face="some"),
    _rule("RENEW", "延续", face="some"),
    _rule("REPLACE", "换发", face="some"),
    _rule("REISSUE", "补发", face="some"),
    _rule("DOWNGRADE", "降低资质等级", "decision", "prevails", face="some"),
    _rule(
        "SUSPEND",
        "暂扣",
        "decision",
        "prevails",
        reserved="term_until served_on",
    ),
    _rule("PAUSE", "中止", reserved="term_until served_on"),
    _rule("RESUME", "恢复", cause="restriction", reserved="served_on"),
    _rule("REVOKE", "吊销", "decision", "prevails", ends="REVD", reserved="served_on"),
    _rule(
        "ANNUL",
        "撤销",
        "decision",
        "prevails",
        "behind_all",
        ends="ANND",
        reserved="effect_from served_on",
    ),
    _rule(
        "WITHDRAW", "撤回", "decision", "prevails", ends="WDRN", reserved="served_on"
    ),
    _rule(
        "CANCEL",
        "注销",
        "decision",
        "prevails",
        ends="CANC",
        reserved="after ground served_on",
    ),
    _rule(
        "CORRECT",
        "更正",
        "decision",
        "holders",
        "behind_all",
        cause="act",
        face="some",
        reserved="term_until effect_from ground",
    ),
    _rule(
        "RESTORE",
        "恢复原状",
        "decision",
        "prevails",
        "always",
        "behind_all",
        version="as_named",
        cause="act",
        reserved="certificate_identifier certificate_number served_on",
    ),
    _rule(
        "MARK",
        "标注",
        "always",
        cause="stay",
        required="mark",
        reserved="mark_on mark_date term_until served_on",
    ),
    _rule("ANNOTATE", "记注", "always", reserved="term_until served_on"),
    _rule("ARCHIVE", "归档", "always"),
    _rule(
        "LINK",
        "归并",
        "decision",
        "always",
        "behind_all",
        ends="MRGD",
        required="continues_as",
    ),
    _rule("TRANSFER_OUT", "转出", ends="CANC", reserved="served_on"),
    _rule(
        "TRANSFER_IN",
        "转入",
        "opens",
        "holders",
        face="whole",
        required="previous_identifier",
        reserved="version",
    ),
    _rule(
        "VOID_VERSION",
        "作废",
        "decision",
        "always",
        "behind_all",
        version="replacement",
        face="some",
        required="version",
    ),
)
ACTS: Mapping[str, ActRule] = MappingProxyType({rule.name: rule for rule in _RULES})

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "1": "Refused, unless the type's switch allows the act while restricted (then a "
        "new version; the restriction stays).",
        "2": "If the type allows late renewal; in backfill whatever the gap, flag "
        "`late_renewal`. A license marked `renewal_pending` by its `valid_until` stays "
        "VALID until RENEW or mark off (deemed grant). After RENEW or REPLACE the state "
        "follows the new term, it may be EXP again.",
        "3": "Within the type's grace after `valid_until`, else `out_of_grace`; no "
        "limit where the type sets none.",
        "5": "Accepted, state unchanged, flag `penalty_recorded`.",
        "6": "A revoked license may still be annulled.",
        "7": "After CANCEL there is no annulment, except undoing the CANCEL: RESTORE.",
        "8": "The named act leaves the fold; later acts that lose their ground are "
        "flagged `overtaken`.",
        "10": "Names the version. If it is the current one, the same event carries the "
        "replacement's fields (v+1); version 001 alone without one ends VOID; a later "
        "current version without one is `invalid_fields`.",
        "11": "Of a restriction that time has ended: accepted, no effect.",
    }
)

# Columns: NONE VALID SUSP PAUS EXP REVD ANND WDRN CANC MRGD VOID.
_ROWS: Mapping[str, str] = {
    "BASELINE": "any – – – – – – – – – –",
    "ISSUE": "VALID – – – – – – – – – –",
    "CHANGE": "– v+1 v+1:1 v+1:1 – – – – – – –",
    "RENEW": "– v+1 v+1:1 v+1:1 VALID:2 – – – – – –",
    "REPLACE": "– v+1 – – VALID:3 – – – – – –",
    "REISSUE": "– v+1 – – – – – – – – –",
    "DOWNGRADE": "– v+1 v+1 v+1 – – – – – – –",
    "SUSPEND": "– SUSP SUSP SUSP =:5 – – – – – –",
    "PAUSE": "– PAUS – PAUS – – – – – – –",
    "RESUME": "– =:11 lifts lifts lifts:11 – – – – – –",
    "REVOKE": "– REVD REVD REVD =:5 – – – =:5 – –",
    "ANNUL": "– ANND ANND ANND ANND ANND:6 – – –:7 – –",
    "WITHDRAW": "– WDRN WDRN WDRN – – – – – – –",
    "CANCEL": "– CANC CANC CANC CANC CANC CANC CANC – – –",
    "CORRECT": "– v+1 v+1 v+1 v+1 v+1 v+1 v+1 v+1 – –",
    "RESTORE": "– re-fold:8" + " re-fold" * 9,
    "MARK": "– = = = = = = = = – –",
    "ANNOTATE": "– = = = = = = = = – –",
    "ARCHIVE": "– = = = = = = = = – –",
    "LINK": "– MRGD MRGD MRGD MRGD MRGD MRGD MRGD MRGD – –",
    "TRANSFER_OUT": "– CANC – – – – – – – – –",
    "TRANSFER_IN": "VALID – – – – – – – – – –",
    "VOID_VERSION": "– =:10 =:10 =:10 =:10 =:10 =:10 =:10 =:10 – –",
}


def _cell(text: str) -> Cell:
    word, _, note = text.partition(":")
    return Cell(
        text=word,
        note=note,
        allowed=word != "–",
        to=State(word) if word in TERMINALS else None,
    )


TRANSITIONS: Mapping[str, Mapping[State, Cell]] = MappingProxyType(
    {
        act: MappingProxyType(dict(zip(STATES, map(_cell, row.split()), strict=True)))
        for act, row in _ROWS.items()
    }
)
