"""The first half of an import: a table is read to its end, and every row staged or rejected."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from console.importer.mapping import StockMapping
from console.importer.rejects import RowRejected
from console.importer.rows import RowReader
from console.importer.source_row import SourceRow
from console.importer.source_table import Heading, SourceLine, SourceTable
from console.importer.staging import Staging
from ledger.catalogue import LicenseType

Progress = Callable[[int, int, str], None]
"""Told (done, total, stage): what the table counts while reading, rows while importing."""

READING: Final = "reading"
CITIZEN: Final = "111"
LEGACY_SIZE: Final = 15
_TOLD_EVERY: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was read: ``digest`` (SHA-256, hex) of all cells, ``rows`` beside the header.

    ``legacy`` rows name their holder by a 15-digit citizen number.
    """

    header: tuple[str, ...]
    digest: str
    rows: int
    legacy: int


def heading(table: SourceTable, lines: Iterator[SourceLine], first: int) -> Heading:
    """The header of a table, on or after line ``first`` unless it is a rejects file's."""
    for line, cells in lines:
        found = Heading.of(cells, where=f"{table.name}, line {line}")
        if line >= first or found.skipped:
            return found
    return Heading(names=("",), skipped=0, where=f"{table.name}, line {first}")


def take_in(
    table: SourceTable,
    mapping: StockMapping,
    kind: LicenseType,
    stage: Staging,
    *,
    issuer: str,
    latest: date,
    progress: Progress,
) -> Intake:
    """Stages every row that can be read, keeps the reasons of all others.

    ``latest``: the last day of birth that a citizen number may carry. Raises Malformed
    with nothing done when table and mapping do not go together. Memory: one row.
    """
    with closing(_lines(table)) as lines:
        head = heading(table, lines, mapping.header_row)
        reader = RowReader(
            mapping,
            kind,
            issuer=issuer,
            columns=head.places(sorted(mapping.columns)),
            width=len(head.names),
            latest=latest,
        )
        digest = hashlib.sha256(msgspec.msgpack.encode(head.names))
        rows = legacy = 0
        for line, given in lines:
            cells = head.cells(given)
            rows += 1
            digest.update(msgspec.msgpack.encode(cells))
            stage.keep(line, cells)
            try:
                row = reader.read(line, cells)
            except RowRejected as rejected:
                stage.reject(rejected.at(line))
                out = reader.rejected(line, cells)
                if out is not None:
                    stage.add(out)
            else:
                stage.add(row)
                legacy += _is_legacy(mapping, row)
            if rows % _TOLD_EVERY == 0:
                progress(table.done, table.size, READING)
    stage.sort()
    progress(table.done, table.size, READING)
    return Intake(
        header=head.names, digest=digest.hexdigest(), rows=rows, legacy=legacy
    )


def _lines(table: SourceTable) -> Generator[SourceLine]:
    yield from table.rows()


def _is_legacy(mapping: StockMapping, row: SourceRow) -> bool:
    return mapping.holder_kind == CITIZEN and len(row.holder_code) == LEGACY_SIZE
