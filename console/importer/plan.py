"""What an import would do to one license: which acts are new, known, or cannot be.

Folds the license as the ledger will: at the first refused act its whole row goes, and
the fold is made again, so that a row comes in with all its acts or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from console.importer.logged import Changed, Logged
from console.importer.mapping import StockMapping
from console.importer.plan_fold import Fold, fold_steps
from console.importer.proposed import ChainPlan, Face, Step, Trial
from console.importer.refused_rows import (
    differing_column,
    key_twice,
    row_changed,
    told_twice,
)
from console.importer.rejects import RowRejected
from console.importer.source_row import SourceRow
from ledger.chain import ChainState
from ledger.workdays import legal_day


def plan_chain(
    rows: Sequence[SourceRow],
    base: ChainState,
    *,
    logged: Logged,
    face: Face,
    changed: Changed,
    moved: AbstractSet[int],
    trial: Trial,
    mapping: StockMapping,
) -> ChainPlan:
    """Plans the rows of one license on the chain that the log has.

    ``face``: that of the license before, as far as it can be read; ``moved``: lines of
    rows that were imported into another license. What ends the license comes through
    from a rejected row too: it must not wait for a cell to be mended.
    """
    plan = ChainPlan(license_id=rows[0].license_id, base=base)
    steps: list[Step] = []
    told: dict[str, SourceRow] = {}
    out: list[int] = []
    for row in rows:
        if row.out:
            out.append(row.line)
            steps += _ends(row, logged)
            continue
        first = told.setdefault(row.key, row)
        try:
            if row.line in moved:
                raise row_changed(mapping.serial)
            if untold := logged.untold_end(row):
                raise row_changed(_column_of(untold, mapping))
            if first is not row and (column := _differ(first, row, mapping)):
                raise key_twice(first.line, column)
            fresh = _new_steps(row, logged, changed, mapping)
        except RowRejected as rejected:
            plan.rejects.append(rejected.at(row.line))
            out.append(row.line)
            if row.line not in moved:
                steps += _ends(row, logged)
            continue
        plan.rests_on[row.line] = []
        steps += fresh
    fold = Fold(base, face, trial, mapping)
    fold.out += out
    issues = [step.source.day for step in steps if step.source.act == "ISSUE"]
    fold.issued = min(issues, default=None)
    fold_steps(plan, sorted(steps, key=lambda step: step.order), fold, mapping)
    return plan


def _new_steps(
    row: SourceRow,
    logged: Logged,
    changed: Changed,
    mapping: StockMapping,
) -> list[Step]:
    """The acts of a row that the log lacks; RowRejected when one that it has differs."""
    steps: list[Step] = []
    for source in row.acts:
        known, other = logged.of(row, source), logged.beside(source)
        if known is not None:
            if legal_day(known.effective_at) != source.day:
                raise row_changed(mapping.acts[source.order].date)
            if (row.line, known.digest) in changed:
                raise row_changed(changed[row.line, known.digest])
        elif other is not None:
            if (row.line, other.digest) in changed:
                raise told_twice(changed[row.line, other.digest])
        else:
            steps.append(Step(row=row, source=source))
    return steps


def _ends(row: SourceRow, logged: Logged) -> list[Step]:
    """What ends the license in a row that stays out, unless the log has it."""
    return [
        Step(row=row, source=source)
        for source in row.acts
        if source.ends
        and logged.of(row, source) is None
        and logged.beside(source) is None
    ]


def _column_of(source_act: str, mapping: StockMapping) -> str:
    """The column that says a source value; that of the last acts when none does now."""
    said = [one for one in mapping.acts if source_act in (one.always, *one.values)]
    return (said or mapping.acts)[-1].shown


def _differ(first: SourceRow, row: SourceRow, mapping: StockMapping) -> str:
    """The column in which a row key that stands twice tells of one act in two ways."""
    if column := differing_column(first, row, mapping, row.values):
        return column
    days = {source.source_act: source.day for source in first.acts}
    for source in row.acts:
        if days.get(source.source_act, source.day) != source.day:
            return mapping.acts[source.order].date
    return ""
