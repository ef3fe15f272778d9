"""demo: a seeded small province, run the whole way in front of you."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.demo.run import Outcome, run
from console.demo.story import Story, tell
from console.demo.summary import summary, words
from console.demo_desk import LedgerDesk
from console.founding import Founded, found_ledger
from console.ledger import Ledger
from console.output import WORDS, Answer, give, say, warn
from console.settings import Settings
from console.wiring import now_us
from deploy.kafka import KafkaUnavailable, LocalKafka
from ledger.errors import Malformed, Unavailable
from ledger.log.kafka_settings import KafkaPlace
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.workdays import legal_day

NAME = "small-province.example"
SEED = 2026
PARTITIONS = 12


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(demo)


def demo(
    *,
    seed: Annotated[
        int, typer.Option("--seed", help="Another seed tells another story.")
    ] = SEED,
    kafka: Annotated[
        bool,
        typer.Option(
            "--kafka", help="Its log lies on three Kafka brokers, started for it."
        ),
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Runs a small invented province; kept only where --dir says.

    Offices, five license types, corrections, late reports, a joint signature, refused
    attempts, one destroyed key, and the proofs at the end.
    """
    if kafka and directory is not None:
        raise Malformed(
            "brokers of a demonstration end with it, and the log with them",
            code="bad_usage",
            expected="--kafka without --dir; init --kafka founds a ledger that stays",
            where="--dir",
        )
    started = time.monotonic()
    story = tell(seed, today=legal_day(now_us()))
    found: dict[str, Any] = {}

    def play(ledger: Ledger, _founded: Founded) -> None:
        desk = LedgerDesk(ledger)
        with ledger.engine.held(), _watching(story) as watch:
            ran = run(desk, story, watch)
            found.update(
                summary(
                    desk,
                    story,
                    ran,
                    seconds=time.monotonic() - started,
                    kept=directory,
                )
            )

    with (
        _settings(directory, dsn, passphrase_file) as where,
        _on_kafka(where) if kafka else nullcontext(where) as settings,
    ):
        say(f"founding {NAME}, seed {seed}")
        founded = found_ledger(
            settings,
            name=NAME,
            partitions=PARTITIONS,
            random_bytes=secrets.token_bytes,
            told=say,
            then=play,
        )
        for change in founded.changes:
            warn(f"as root: {change}")
    return give(Answer(document=found, text=words(found)), as_json=as_json)


@contextmanager
def _settings(
    directory: Path | None, dsn: str | None, passphrase_file: Path | None
) -> Iterator[Settings]:
    """The place that was named, or one that is gone afterwards."""
    if directory is not None:
        yield place(directory, dsn, passphrase_file)
        return
    if dsn is not None:
        raise Malformed(
            "a ledger in another PostgreSQL outlives the demonstration",
            code="bad_usage",
            expected="--dir DIR to keep its keys in",
            where="--dsn",
        )
    with tempfile.TemporaryDirectory(prefix="license-ledger-demo-") as folder:
        yield Settings(directory=Path(folder) / "ledger")


@contextmanager
def _on_kafka(settings: Settings) -> Iterator[Settings]:
    """The same ledger, its log on three brokers that last as long as it does."""
    say("starting three Kafka brokers (their jars are downloaded the first time)")
    try:
        kafka = LocalKafka(settings.directory.parent / "kafka", nodes=3)
        kafka.up()
    except KafkaUnavailable as error:
        raise Unavailable(
            "no Kafka can be started here", code="no_local_kafka", found=str(error)
        ) from error
    try:
        place = KafkaPlace(bootstrap=tuple(kafka.bootstrap.split(",")), prefix=NAME)
        yield replace(settings, kafka=place)
    finally:
        kafka.down()


class _Watch:
    """Moves the bar, and says what was refused as it happens."""

    def __init__(self, bar: Progress, story: Story) -> None:
        self._bar = bar
        total = len(story.enrolment) + len(story.steps) + 1
        self._task = bar.add_task("publishing 发布", total=total, accepted=0, refused=0)
        self._accepted = self._refused = 0

    def __call__(self, title: str, outcomes: Sequence[Outcome]) -> None:
        """Takes the outcomes of one group."""
        for one in outcomes:
            code = one.told.code
            if code == ACCEPTED:
                self._accepted += 1
                continue
            self._refused += 1
            line = f"  ✗ {one.step.told}: {code} {REFUSALS[code].zh}"
            self._bar.console.print(line, markup=False, style="yellow")
        self._bar.update(
            self._task,
            description=title,
            advance=len(outcomes),
            accepted=self._accepted,
            refused=self._refused,
        )


@contextmanager
def _watching(story: Story) -> Iterator[_Watch]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[accepted]} accepted, {task.fields[refused]} refused"),
        TimeElapsedColumn(),
        console=WORDS,
        transient=True,
    ) as bar:
        yield _Watch(bar, story)
