"""The acts that one row tells of, by the columns whose values say them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from msgspec import structs

from console.importer import vocabulary as words
from console.importer.field_values import GIVEN
from console.importer.mapping import REJECT, ActColumn, StockMapping
from console.importer.rejects import RowRejected
from console.importer.source_row import SourceAct
from ledger.errors import Malformed
from ledger.workdays import date_to_day

_EXPIRED: Final = frozenset(("过期", "已过期", "失效", "已失效", "到期", "expired"))
"""Words of a state that follows from the term; where that says otherwise, one is wrong."""


class ActReader:
    """Reads the acts of rows under a mapping."""

    def __init__(self, mapping: StockMapping) -> None:
        self._mapping = mapping

    def read(self, row: Mapping[str, str]) -> tuple[SourceAct, ...]:
        """The acts of a row; what two columns say by the same value is one act.

        The later column dates it: where a column of acts says 注销 beside the day of
        issue, that of states says when. Raises RowRejected.
        """
        found: dict[str, SourceAct] = {}
        for order, column in enumerate(self._mapping.acts):
            act = self._act(order, column, row)
            if act is not None:
                earlier = found.pop(act.source_act, None)
                if earlier is not None and earlier.face:
                    act = structs.replace(act, face=True)
                found[act.source_act] = act
        if not found:
            raise RowRejected(
                "no_act",
                column=self._mapping.acts[0].shown,
                expected="至少一个行为 / at least one act",
            )
        return tuple(found.values())

    def ends(self, row: Mapping[str, str]) -> tuple[SourceAct, ...]:
        """What ends the license in a row, whatever cannot be read beside it."""
        found: dict[str, SourceAct] = {}
        for order, column in enumerate(self._mapping.acts):
            with suppress(RowRejected, KeyError):
                act = self._act(order, column, row)
                if act is not None and act.ends:
                    found[act.source_act] = act
        return tuple(found.values())

    def said_expired(self, row: Mapping[str, str]) -> bool:
        """Whether a column that says no act here says that the license has expired."""
        return any(
            words.plain(row[column.column]) in _EXPIRED
            for column in self._mapping.acts
            if column.column and row[column.column] in column.skip
        )

    def day(self, column: str, text: str) -> str:
        """The day of a cell, ``YYYY-MM-DD``; raises RowRejected."""
        try:
            return self._mapping.dates.read(text)
        except Malformed as error:
            raise RowRejected(
                "not_a_date", column=column, expected=error.expected
            ) from error

    def _act(
        self, order: int, rule: ActColumn, row: Mapping[str, str]
    ) -> SourceAct | None:
        source_act = rule.always or row[rule.column]
        if source_act in rule.skip:
            return None
        act = rule.told.get(source_act)
        if act is None:
            raise RowRejected(
                "unknown_value",
                column=rule.column,
                expected=", ".join(sorted({*rule.told, *rule.skip})),
            )
        if act == REJECT:
            raise RowRejected(
                "needs_an_act",
                column=rule.column,
                expected="license-ledger act SUSPEND, ANNUL …",
            )
        return SourceAct(
            day=date_to_day(self.day(rule.date, given(rule.date, row[rule.date]))),
            order=order,
            source_act=source_act,
            act=act,
            face=rule.face,
        )


def given(column: str, text: str) -> str:
    """The text of a cell that must be filled; raises RowRejected."""
    if not text:
        raise RowRejected("missing_value", column=column, expected=GIVEN)
    return text
