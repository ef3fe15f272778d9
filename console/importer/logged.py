"""Acts of a chain that were imported before, and the rows that tell them in another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.importer.mapping import OPENING_STATES
from console.importer.source_row import SourceAct, SourceRow
from ledger.facts import Act
from ledger.workdays import legal_day

Changed = Mapping[tuple[int, bytes], str]
"""Rows that tell a logged act in another way: (line, act's digest) -> the column."""


class Logged:
    """The acts of one chain that were imported, by what they are known by."""

    def __init__(self, acts: Sequence[Act], system: str) -> None:
        imported = [act for act in acts if act.source_act]
        own = [act for act in imported if act.source_system == system]
        self._by_row = {(act.source_ref, act.source_act): act for act in own}
        self._ends = [
            act
            for act in own
            if act.act in OPENING_STATES or act.fields.get("state") is not None
        ]
        self._by_day = {
            (act.source_act, legal_day(act.effective_at)): act for act in imported
        }

    def of(self, row: SourceRow, source: SourceAct) -> Act | None:
        """The logged act of this row, whatever its date."""
        return self._by_row.get((row.key, source.source_act))

    def beside(self, source: SourceAct) -> Act | None:
        """The logged act of another row, of any system, that is the same event."""
        return self._by_day.get((source.source_act, source.day))

    def untold_end(self, row: SourceRow) -> str:
        """The source value by which this row once ended its license and now does not."""
        if any(source.ends for source in row.acts):
            return ""  # 注销 behind 吊销 is another ending
        said = {source.source_act for source in row.acts}
        ends = (one for one in self._ends if one.source_ref == row.key)
        return next((one.source_act for one in ends if one.source_act not in said), "")
