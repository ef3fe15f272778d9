"""The polling of a department's database: connect, import what is new, move the mark."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from console.importer.check import CheckResult, check_stock
from console.importer.database_table import DatabaseTable
from console.importer.intake import Progress
from console.importer.mapping import DatabaseSource, StockMapping
from console.importer.run import ImportResult, import_stock
from console.ledger import Ledger
from console.settings import source_dsn
from console.stock_desk import CheckingDesk, StockDesk
from console.wiring import source_connection, source_errors
from ledger.errors import Malformed
from ledger.log.import_marks import ImportMarks

SOURCE_DOWN: Final = "source_database_down"
"""Code of the error that says so: whoever polls again and again goes on."""

HOLDING: Final = frozenset(("stale", "gap", "source_repeated", "expired"))
"""Refusals that say "somebody was faster": such rows are read again next time."""


class Poller:
    """Polls of one ledger under one mapping: one connection for the mark, however many.

    Raises Malformed for a mapping without a database.
    """

    def __init__(
        self, ledger: Ledger, mapping: StockMapping, key: Path | None = None
    ) -> None:
        self._ledger = ledger
        self._key = key
        self._mapping = mapping
        self._source = _source(mapping)
        self._marks = ImportMarks(
            ledger.connect(),
            origin=ledger.origin,
            system=mapping.system,
            query=f"{self._source.watermark}\0{self._source.query}",
        )

    def poll(
        self, *, from_start: bool, staging: Path, progress: Progress
    ) -> ImportResult:
        """Imports the rows that are new in the mapping's database; moves the mark last.

        A crash before that leaves the old mark: rows are read again, and known again.
        Raises Unavailable when the database does not answer or another process polls it.
        """
        ledger, mapping = self._ledger, self._mapping
        with self._marks.alone(), self._table(from_start=from_start) as table:
            result = import_stock(
                StockDesk(ledger, self._key),
                mapping,
                table,
                staging=staging,
                rejects=ledger.settings.rejects,
                progress=progress,
                monotonic=time.monotonic,
            )
            if table.mark is not None and HOLDING.isdisjoint(result.reasons):
                self._marks.move(table.mark, now=ledger.clock())
        return result

    def check(self, *, from_start: bool, progress: Progress) -> CheckResult:
        """Says what ``poll`` would do; the mark stays."""
        with self._table(from_start=from_start) as table:
            desk = CheckingDesk(self._ledger, self._key)
            return check_stock(desk, self._mapping, table, progress=progress)

    @contextmanager
    def _table(self, *, from_start: bool) -> Iterator[DatabaseTable]:
        with source_connection(_dsn(self._source)) as (connection, shown):
            yield DatabaseTable(
                connection,
                self._source,
                dates=self._mapping.dates,
                since=None if from_start else self._marks.read(),
                guard=source_errors,
                name=shown,
            )


def _source(mapping: StockMapping) -> DatabaseSource:
    if mapping.database is None:
        raise Malformed(
            "nothing to import",
            code="argument_missing",
            expected="a FILE, or [database] in the mapping",
        )
    return mapping.database


def _dsn(source: DatabaseSource) -> str:
    return source_dsn(source.dsn_variable, source.dsn_file)
