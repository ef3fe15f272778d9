"""demo: a seeded province, run the whole way in front of you."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.demo.run import run
from console.demo.story import tell
from console.demo.summary import summary, words
from console.demo.watch import Watch
from console.demo_desk import LedgerDesk
from console.founding import Founded, found_ledger
from console.ledger import Ledger
from console.output import Answer, give, say, warn
from console.settings import Settings
from console.wiring import now_us
from deploy.kafka import KafkaUnavailable, LocalKafka
from ledger.errors import Malformed, Unavailable
from ledger.log.kafka_settings import KafkaPlace
from ledger.workdays import legal_day

NAME = "province.example"
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
    small: Annotated[
        bool, typer.Option("--small", help="A few offices and some 450 events only.")
    ] = False,
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
    """Runs an invented province of 14 cities; kept only where --dir says.

    Departments, over forty license types, years of acts, late reports, joint signatures,
    refused attempts, one destroyed key; then questions answered and proofs.
    """
    if kafka:
        _demand_nothing_kept(directory)
    started = time.monotonic()
    story = tell(seed, today=legal_day(now_us()), large=not small)
    found: dict[str, Any] = {}

    def play(ledger: Ledger, _founded: Founded) -> None:
        desk = LedgerDesk(ledger)
        with ledger.engine.held():
            watch = Watch(desk, story, told=say, clock=time.monotonic)
            ran = run(desk, story, watch)
            say("asking the ledger 查询账本")
            took = time.monotonic() - started
            found.update(summary(desk, story, ran, seconds=took, kept=directory))

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


def _demand_nothing_kept(directory: Path | None) -> None:
    if directory is not None:
        raise Malformed(
            "brokers of a demonstration end with it, and the log with them",
            code="bad_usage",
            expected="--kafka without --dir; init --kafka founds a ledger that stays",
            where="--dir",
        )


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
