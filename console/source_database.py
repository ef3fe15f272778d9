"""The polling of a department's database: connect, import what is new, move the mark."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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

if TYPE_CHECKING:
    from psycopg import Connection

SOURCE_DOWN: Final = "source_database_down"
"""Code of the error that says so: whoever polls again and again goes on."""

HOLDING: Final = frozenset(("stale", "gap", "source_repeated", "expired"))
"""Refusals that say "somebody was faster": such rows are read again next time."""


def poll(
    ledger: Ledger,
    mapping: StockMapping,
    *,
    from_start: bool,
    staging: Path,
    progress: Progress,
) -> ImportResult:
    """Imports the rows that are new in the mapping's database; moves the mark last.

    A crash before that leaves the old mark: rows are read again, and known again. Raises
    Unavailable when the database does not answer or another process polls it.
    """
    source = _source(mapping)
    marks = _marks(ledger.connect(), ledger, mapping, source)
    with marks.alone(), source_connection(_dsn(source)) as (connection, shown):
        table = _table(
            connection, mapping, source, None if from_start else marks.read(), shown
        )
        result = import_stock(
            StockDesk(ledger),
            mapping,
            table,
            staging=staging,
            rejects=ledger.settings.rejects,
            progress=progress,
            monotonic=time.monotonic,
        )
        if table.mark is not None and HOLDING.isdisjoint(result.reasons):
            marks.move(table.mark, now=ledger.clock())
    return result


def check_poll(
    ledger: Ledger, mapping: StockMapping, *, from_start: bool, progress: Progress
) -> CheckResult:
    """Says what ``poll`` would do; the mark stays."""
    source = _source(mapping)
    marks = _marks(ledger.connect(), ledger, mapping, source)
    with source_connection(_dsn(source)) as (connection, shown):
        table = _table(
            connection, mapping, source, None if from_start else marks.read(), shown
        )
        return check_stock(CheckingDesk(ledger), mapping, table, progress=progress)


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


def _marks(
    connection: Connection[Any],
    ledger: Ledger,
    mapping: StockMapping,
    source: DatabaseSource,
) -> ImportMarks:
    return ImportMarks(
        connection,
        origin=ledger.origin,
        system=mapping.system,
        query=f"{source.watermark}\0{source.query}",
    )


def _table(
    connection: Connection[Any],
    mapping: StockMapping,
    source: DatabaseSource,
    since: str | None,
    shown: str,
) -> DatabaseTable:
    return DatabaseTable(
        connection,
        source,
        dates=mapping.dates,
        since=since,
        guard=source_errors,
        name=shown,
    )
