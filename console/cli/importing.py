"""import: existing stock (存量) from a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.importer.check import check_stock, summary
from console.importer.input_file import open_file
from console.importer.intake import Progress
from console.importer.mapping import StockMapping, read_mapping
from console.importer.run import ImportResult, import_stock
from console.importer.source_table import SourceTable
from console.output import WORDS, Answer, give
from console.settings import Settings
from console.stock_desk import CheckingDesk, StockDesk
from console.wiring import open_ledger

STAGING = "staging"


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command("import")(import_file)


def import_file(
    mapping: Annotated[
        Path, typer.Argument(metavar="MAPPING", help="What the columns mean (TOML).")
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV in UTF-8 or GB18030, the same gzipped, or XLSX."
        ),
    ],
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Tell what would happen, and write nothing."),
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Imports existing stock; run it again after a break, what is in stays in."""
    settings = place(directory, dsn, passphrase_file)
    known = read_mapping(mapping)
    if check:
        return _check(settings, known, open_file(file, known), as_json=as_json)
    with open_ledger(settings) as ledger, _progress() as told, ledger.engine.held():
        result = import_stock(
            StockDesk(ledger),
            known,
            open_file(file, known),
            staging=settings.directory / STAGING,
            rejects=settings.rejects,
            progress=told,
            monotonic=time.monotonic,
        )
    return give(Answer(document=result.document, text=_words(result)), as_json=as_json)


def _check(
    settings: Settings, mapping: StockMapping, table: SourceTable, *, as_json: bool
) -> int:
    with open_ledger(settings, read_only=True) as ledger, _progress() as told:
        found = check_stock(CheckingDesk(ledger), mapping, table, progress=told)
    text = "\n".join(summary(found))
    return give(Answer(document=found.document, text=text), as_json=as_json)


@contextmanager
def _progress() -> Iterator[Progress]:
    with _bar() as bar:
        tasks: dict[str, TaskID] = {}

        def told(done: int, total: int, stage: str) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total or None)
            bar.update(tasks[stage], completed=done, total=total or None)

        yield told


def _bar() -> Bar:
    return Bar(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=WORDS,
        transient=True,
    )


def _words(result: ImportResult) -> str:
    lines = [
        f"{result.rows} rows: {result.rows_accepted} accepted, "
        f"{result.rows_unchanged} unchanged, {result.rows_rejected} rejected",
        f"{result.events_accepted} events accepted, {result.events_refused} refused, "
        f"{result.seconds:.1f} s",
    ]
    if result.rejects_file:
        lines.append(f"rejected rows, each with its reason: {result.rejects_file}")
    return "\n".join(lines)
