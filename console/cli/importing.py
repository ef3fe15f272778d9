"""import: existing stock (存量) from a file, or what is new in a database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.importer.check import check_stock
from console.importer.check_text import summary
from console.importer.input_file import open_file
from console.importer.intake import Progress
from console.importer.mapping import StockMapping, read_mapping
from console.importer.reasons import said
from console.importer.run import ImportResult, import_stock
from console.ledger import Ledger
from console.output import WORDS, Answer, give, warn
from console.settings import Settings
from console.source_database import SOURCE_DOWN, Poller
from console.stock_desk import CheckingDesk, StockDesk
from console.wiring import open_ledger
from ledger.errors import Malformed, Unavailable

STAGING = "staging"
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="The key file of the department that imports; default: init's.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command("import")(import_file)


def import_file(
    mapping: Annotated[
        Path, typer.Argument(metavar="MAPPING", help="What the columns mean (TOML).")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="CSV in UTF-8 or GB18030, the same gzipped, or XLSX. "
            "Without one: the mapping's database.",
        ),
    ] = None,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Tell what would happen, and write nothing."),
    ] = False,
    every_s: Annotated[
        float | None,
        typer.Option(
            "--every",
            metavar="SECONDS",
            min=0.1,
            help="Poll the database again and again, so long after each poll.",
            show_default=False,
        ),
    ] = None,
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start", help="Poll all rows, not only those that are new."
        ),
    ] = False,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Imports existing stock; run it again after a break, what is in stays in.

    With --every each poll prints an answer of its own.
    """
    settings = place(directory, dsn, passphrase_file)
    known = read_mapping(mapping)
    if file is not None and (every_s is not None or from_start):
        raise Malformed(
            "--every and --from-start are for a database",
            code="bad_usage",
            found=file.name,
        )
    run = _Run(settings, known, file, key=key, from_start=from_start, as_json=as_json)
    if check:
        return run.check()
    return run.once() if every_s is None else run.every(every_s)


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of the command."""

    settings: Settings
    mapping: StockMapping
    file: Path | None
    _: KW_ONLY
    key: Path | None
    from_start: bool
    as_json: bool

    def check(self) -> int:
        """Tells what would happen."""
        with open_ledger(self.settings, read_only=True) as ledger, _progress() as told:
            if self.file is None:
                poller = Poller(ledger, self.mapping, self.key)
                found = poller.check(from_start=self.from_start, progress=told)
            else:
                table = open_file(self.file, self.mapping)
                desk = CheckingDesk(ledger, self.key)
                found = check_stock(desk, self.mapping, table, progress=told)
        text = "\n".join(summary(found))
        return give(Answer(document=found.document, text=text), as_json=self.as_json)

    def once(self) -> int:
        """Imports the file, or what is new in the database."""
        with open_ledger(self.settings) as ledger:
            if self.file is None:
                result = self._poll(ledger, Poller(ledger, self.mapping, self.key))
            else:
                result = self._import(ledger, self.file)
        return self._give(result)

    def every(self, seconds: float) -> int:
        """Polls until it is stopped; a database that does not answer is asked again."""
        with open_ledger(self.settings) as ledger:
            poller = Poller(ledger, self.mapping, self.key)
            while True:
                try:
                    self._give(self._poll(ledger, poller))
                    ledger.rest()
                except Unavailable as error:
                    if error.code != SOURCE_DOWN:
                        raise
                    warn(f"{error}; asked again in {seconds:g} s")
                time.sleep(seconds)

    def _poll(self, ledger: Ledger, poller: Poller) -> ImportResult:
        with _progress() as told, ledger.engine.held():
            return poller.poll(
                from_start=self.from_start,
                staging=self.settings.directory / STAGING,
                progress=told,
            )

    def _import(self, ledger: Ledger, file: Path) -> ImportResult:
        with _progress() as told, ledger.engine.held():
            return import_stock(
                StockDesk(ledger, self.key),
                self.mapping,
                open_file(file, self.mapping),
                staging=self.settings.directory / STAGING,
                rejects=self.settings.rejects,
                progress=told,
                monotonic=time.monotonic,
            )

    def _give(self, result: ImportResult) -> int:
        answer = Answer(document=result.document, text=_words(result))
        return give(answer, as_json=self.as_json)


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
    if result.rows_legacy:
        lines.append(f"{result.rows_legacy} holders by 15-digit citizen numbers")
    lines += [
        f"rejected, {code}: {count} ({said(code)[0]})"
        for code, count in sorted(result.reasons.items())
    ]
    if result.rejects_file:
        lines.append(
            f"rejected rows, to be mended and imported again: {result.rejects_file}"
        )
    return "\n".join(lines)
