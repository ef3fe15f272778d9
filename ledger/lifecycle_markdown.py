"""``docs/lifecycle.md``, written from the lifecycle table."""

from __future__ import annotations

from ledger.license import STATE_ZH, State
from ledger.lifecycle_table import ACTS, NOTES, STATES, TRANSITIONS, Cell

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_READING = """\
`=` same state; `–` refused (`illegal_transition`); `v+1` same state, new version. Shown
state, first that holds: terminal state, EXP, SUSP (any suspension open), PAUS, VALID.
Expiry and a restriction's end are functions of time: validity and restrictions hold to
24:00 UTC+8 of their last day.
"""

_RULES = """\
- **Order.** Acts are folded by (legal day of `effective_at` in UTC+8, position).
  CORRECT, ANNUL, RESTORE, LINK and VOID_VERSION stand behind every act accepted before
  them: their day is the latest accepted so far, if that is later than their own. An ANNUL
  whose own day is not after a CANCEL's stands directly before that CANCEL (one that a
  RESTORE took out does not count). On a chain opened by BASELINE or TRANSFER_IN an act
  older than the opening stands directly behind it, several by (day, position); expiry is
  asked on its own day. On a chain opened by ISSUE such an act is `illegal_transition`.
- **Late** (迟报): an act older than one already in force when it was recorded.
- **Overtaken** (被后到行为覆盖): SUSPEND, DOWNGRADE, REVOKE, WITHDRAW, CANCEL, ANNUL and
  RESTORE, and a stay on or off, are never refused for a later act. The fold is made again:
  an act that the table no longer allows at its place keeps its values, version and
  restrictions, a terminal state before it stays (without one its own end holds), a RESUME
  without its restriction does nothing. The act that caused it is flagged `overtakes`. Any other act that would newly
  overtake one is refused `conflicts_with`.
- **Left out.** The newest RESTORE or stay is resolved first; one that is itself out has no
  effect. The opening act cannot be named, nor by RESTORE an act that is restored already
  (`unknown_target`). Of several stays of one act the last by (day, position) holds.
- **Versions** follow recorded order and are never given twice; the current version is the
  highest number, its face is the fold. ISSUE makes 001; BASELINE and TRANSFER_IN begin at
  001 to 099; RESTORE makes one exactly when the act that it names did.
- **CORRECT** replaces the value that the named act set where it still shows; where a later
  act (in effective order) set it anew, only history is corrected. It may also correct
  `term_until` of a restriction, `effect_from` of an ANNUL, `ground` of a CANCEL. The
  corrected value holds since the day of the named act. A CORRECT of a CORRECT corrects the
  same original, also when the one between them is undone.
- **RESUME** names a restriction that no RESUME has lifted yet; one that time has ended is
  lifted without effect. What never was a restriction of the chain is `unknown_target`.
- **SUSPEND** opens its restriction at EXP as well; it shows only if the license is renewed.
- **ANNUL** holds since `effect_from`, without it since its own day; `effect_from` may not
  lie after `effective_at`.
- **MARK** without `mark_on` turns on. `renewal_pending` keeps a license from expiring only
  if `mark_date` (the application date; without it the act's own day) is not after
  `valid_until`.
- **BASELINE** may tell any state but NONE, MRGD and VOID (`state`, default VALID).
- **Mandatory fields** are asked of the resulting face by acts that make a version and carry
  fields; **holders** are the chain's, at the act's place or today, unless the act may change
  them.
- **Decision** (文书号, date and `reason_code`): backfilled stock may say in
  `flags.missing` why it is not there (`decision=<reason>`).
"""


def table_markdown() -> str:
    """The whole document, ending in a newline."""
    header = "| act \\ state | " + " | ".join(map(str, STATES)) + " |"
    lines = [
        "# The lifecycle of a license",
        "",
        "Generated from `ledger/lifecycle_table.py`; a test compares the two.",
        "",
        "## States",
        "",
        "| state | 中文 |",
        "| --- | --- |",
        *(f"| {state} | {STATE_ZH[state]} |" for state in STATES),
        "",
        "## Acts and states",
        "",
        _READING,
        header,
        "| --- |" + " --- |" * len(STATES),
        *map(_transition_row, ACTS),
        "",
        *(f"{_raised(number)} {text}  " for number, text in NOTES.items()),
        "",
        "## Acts",
        "",
        "| act | 中文 | version | decision | names | face | reserved fields | traits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_act_row, ACTS),
        "",
        "A reserved field with ! is required.",
        "",
        "## Rules beside the table",
        "",
        _RULES,
    ]
    return "\n".join(lines)


def _raised(number: str) -> str:
    return number.translate(_SUPERSCRIPTS)


def _text(cell: Cell) -> str:
    return f"{cell.text} {_raised(cell.note)}".strip()


def _transition_row(act: str) -> str:
    cells = (_text(TRANSITIONS[act][State(state)]) for state in STATES)
    return f"| {act} | " + " | ".join(cells) + " |"


def _act_row(act: str) -> str:
    rule = ACTS[act]
    traits = {
        "opens": rule.opens,
        "all types": rule.always_allowed,
        "prevails": rule.prevails,
        "behind all": rule.behind_all,
        "may change holders": rule.may_change_holders,
    }
    reserved = (
        f"{name}!" if name in rule.required else name for name in sorted(rule.reserved)
    )
    cells = (
        act,
        rule.zh,
        rule.makes_version,
        "required" if rule.decision_required else "",
        rule.cause,
        rule.face,
        ", ".join(reserved),
        ", ".join(name for name, has in traits.items() if has),
    )
    return "| " + " | ".join(cells) + " |"
