"""Rows that stay out for what the ledger holds or would say, put down to a column."""

from __future__ import annotations

from collections.abc import Iterable

from console.importer.field_values import GIVEN
from console.importer.mapping import StockMapping
from console.importer.rejects import RowRejected
from console.importer.source_row import SourceAct, SourceRow
from ledger.license import STATE_ZH, License, State
from ledger.lifecycle import ACTS, shown_state
from ledger.refusals import Refusal
from ledger.workdays import day_to_date


def row_changed(column: str) -> RowRejected:
    """A row that was imported before says something else now, in this column."""
    expected = "与以前导入的相同 / as imported before"
    return RowRejected("row_changed", column=column, expected=expected)


def told_twice(column: str) -> RowRejected:
    """A row that tells an act of another row of its license, and differs in this column."""
    expected = "与同日同一行为的另一行相同 / as the other row of this act and day"
    return RowRejected("told_twice", column=column, expected=expected)


def key_twice(line: int, column: str) -> RowRejected:
    """A row whose key stands on an earlier line, and that differs in this column."""
    expected = f"与第 {line} 行相同，或另用行标识 / as line {line}, or another key"
    return RowRejected("key_twice", column=column, expected=expected)


def before_issue(day: int, column: str) -> RowRejected:
    """A row that tells of an act before the day on which the file says it was issued."""
    issued = day_to_date(day).isoformat()
    expected = f"不早于发证日 {issued} / no day before the issue"
    return RowRejected("before_issue", column=column, expected=expected)


def no_last_day(column: str) -> RowRejected:
    """A row that would open a license without end, of a type that has years for terms."""
    expected = "截止日，或写明“长期” / the last day, or 长期 in words"
    return RowRejected("missing_value", column=column, expected=expected)


def waits_for_row(line: int, column: str) -> RowRejected:
    """A row that would open its license while another row of it was rejected."""
    expected = f"第 {line} 行先改正或删去 / line {line} mended or taken out first"
    return RowRejected("waits_for_row", column=column, expected=expected)


def differing_column(
    first: SourceRow, row: SourceRow, mapping: StockMapping, names: Iterable[str]
) -> str:
    """The first column in which two rows say different holders or values; '' if none."""
    if first.holder_code != row.holder_code:
        return mapping.holder_code
    for name in names:
        if first.values[name] != row.values[name]:
            return mapping.column_of(name) or mapping.serial
    return ""


def judged_wrong(
    refusal: Refusal,
    mapping: StockMapping,
    source: SourceAct,
    before: License | None,
) -> RowRejected:
    """A refusal of the ledger, put down to the field's column that it names first.

    Fields are told by name, never by value (``ledger.field_checks``). ``before`` is the
    license as the act met it.
    """
    column = mapping.acts[source.order].shown
    if refusal.code == "invalid_fields":
        name, _, wrong = refusal.detail.partition("; ")[0].partition(" ")
        column = mapping.column_of(name.removesuffix(":")) or column
        if name == "holders":
            expected = "原持证主体 / the license's own holder"
            return RowRejected(
                "other_holder", column=mapping.holder_code, expected=expected
            )
        if wrong == "is missing":
            return RowRejected("missing_value", column=column, expected=GIVEN)
        expected = f"此行为不得改此项 / {refusal.detail}"
        return RowRejected(refusal.code, column=column, expected=expected)
    if refusal.code != "illegal_transition":
        return RowRejected(refusal.code, column=column, expected="")
    state = State.NONE if before is None else shown_state(before, source.day)
    met = f"{ACTS[source.act].zh} {source.act} 不可用于 {STATE_ZH[state]} {state}"
    return RowRejected(
        refusal.code, column=column, expected=f"{met} / not allowed there"
    )
