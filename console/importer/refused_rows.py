"""Rows that stay out for what the ledger holds or would say, put down to a column."""

from __future__ import annotations

from console.importer.field_values import GIVEN
from console.importer.mapping import StockMapping
from console.importer.rejects import RowRejected
from ledger.refusals import Refusal


def row_changed(column: str) -> RowRejected:
    """A row that was imported before says something else now, in this column."""
    expected = "与以前导入的相同 / as imported before"
    return RowRejected("row_changed", column=column, expected=expected)


def judged_wrong(refusal: Refusal, mapping: StockMapping, column: str) -> RowRejected:
    """A refusal of the ledger, put down to the field's column that it names first.

    Fields are told by name, never by value (``ledger.field_checks``).
    """
    if refusal.code != "invalid_fields":
        return RowRejected(refusal.code, column=column, expected="")
    name, _, wrong = refusal.detail.partition("; ")[0].partition(" ")
    column = mapping.column_of(name.removesuffix(":")) or column
    if wrong == "is missing":
        return RowRejected("missing_value", column=column, expected=GIVEN)
    return RowRejected(refusal.code, column=column, expected=refusal.detail)
