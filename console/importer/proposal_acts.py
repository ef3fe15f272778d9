"""``[[acts]]`` of a proposed mapping: which values say an act, and which day dates it."""

from __future__ import annotations

import json

from console.importer import vocabulary as words
from console.importer.license_type import joint_acts
from console.importer.mapping import ACTS, REJECT, SKIP
from console.importer.proposal_draft import DraftMapping
from console.importer.proposal_text import Question
from console.importer.sample import MOST, Column


def propose_acts(draft: DraftMapping) -> None:
    """A table for the column of acts, or for all rows; another for that of states."""
    kind, made = draft.acts, draft.made
    made.table("[[acts]]")
    if kind is None:
        made.comment("Every row is a license as the register shows it (存量补录).")
        made.put("always", "BASELINE")
    else:
        made.put("column", draft.use(kind))
    _put_date(draft, draft.issued, "行为日期是哪一列 which column says since when?")
    made.lines.append("face = true  # the row's fields and term go with this act")
    if kind is not None:
        _put_values(draft, kind)
    status = draft.states
    if status is not None and status is not kind:
        _put_status(draft, status)
    for other in draft.more_states:
        made.comment(
            "也说状态的列 says states too: SKIP where it is not the license's own"
        )
        _put_status(draft, other, ask=True)


def _put_status(draft: DraftMapping, status: Column, *, ask: bool = False) -> None:
    draft.made.table("[[acts]]")
    draft.made.put("column", draft.use(status))
    on = draft.named(words.STATUS_ON, lambda column: bool(column.name))
    _put_date(
        draft, on, f"“{status.name}”的日期是哪一列 which column says when it changed?"
    )
    _put_values(draft, status, ask=ask)


def _put_values(draft: DraftMapping, column: Column, *, ask: bool = False) -> None:
    """The words of a column; ``ask``: which act each is, even where that is known."""
    made = draft.made
    skip = [w for w in column.few_words if words.plain(w) in words.NO_ACT]
    if len(column.given) < column.rows:
        skip.append("")
    if skip:
        shown = json.dumps(skip, ensure_ascii=False)
        made.lines.append(f"skip = {shown}  # say no act")
    made.lines.append("[acts.values]")
    for word in column.few_words:
        if word not in skip:
            _put_value(draft, column, word, ask=ask)


def _put_value(draft: DraftMapping, column: Column, word: str, *, ask: bool) -> None:
    allowed = (draft.kind.acts | {"BASELINE"}) - joint_acts(draft.kind)
    act = words.ACT_VALUES.get(words.plain(word))
    if act is not None and act in allowed and not ask:
        draft.made.put(word, act)
        return
    if any(root in word for root in words.REJECT_ROOTS) and not ask:
        draft.made.put(word, REJECT, comment="no row can say it: docs/importing.md")
        return
    text = f"“{column.name}”列的“{word}”是哪种行为 which act is it?"
    choices = (*sorted(ACTS & allowed), SKIP, REJECT)
    question = Question(place=f"acts.{word}", text=text, choices=choices)
    draft.made.ask(word, question)


def _put_date(draft: DraftMapping, column: Column | None, text: str) -> None:
    days = [c.name for c in draft.sample.columns if draft.is_days(c, MOST)]
    draft.put_column("date", column, text, days, "acts")
