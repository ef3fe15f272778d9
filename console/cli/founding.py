"""init: found a ledger."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from console import founding
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.kafka_file import read_security_file
from console.output import Answer, give, say, warn
from ledger.errors import Malformed
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(init)


def init(
    *,
    origin: Annotated[
        str, typer.Option("--origin", metavar="NAME", help="The ledger's name.")
    ] = founding.DEFAULT_NAME,
    partitions: Annotated[
        int,
        typer.Option(
            "--partitions", help="Event partitions; never changed afterwards."
        ),
    ] = 12,
    kafka: Annotated[
        str | None,
        typer.Option(
            "--kafka",
            metavar="HOST:PORT,…",
            help="Brokers that hold the log, instead of PostgreSQL.",
            show_default=False,
        ),
    ] = None,
    topics: Annotated[
        str | None,
        typer.Option(
            "--topics",
            metavar="PREFIX",
            help="Topics are PREFIX.registry, PREFIX.events …; by default the name.",
            show_default=False,
        ),
    ] = None,
    single_broker: Annotated[
        bool,
        typer.Option(
            "--single-broker",
            help="One broker only, for trying it: one broken disk loses the log.",
        ),
    ] = False,
    security: Annotated[
        Path | None,
        typer.Option(
            "--kafka-security",
            metavar="FILE",
            help="TOML with protocol, ca_file, username, password_file …",
            show_default=False,
        ),
    ] = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Founds a ledger: root, sealer, one department with its key, the catalogue."""
    settings = replace(
        place(directory, dsn, passphrase_file),
        kafka=_kafka(kafka, topics or origin, security, single_broker=single_broker),
    )
    founded = founding.found_ledger(
        settings,
        name=origin,
        partitions=partitions,
        random_bytes=secrets.token_bytes,
        told=say,
        security_file=security,
    )
    document = founding.document(founded, settings)
    for change in founded.changes:
        say(f"as root: {change}")
    for text in document["warnings"]:
        warn(text)
    text = (
        f"founded {founded.name} in {settings.directory}\n"
        f"verifier key: {founded.vkey}\n"
        f"department {founded.authority}, {len(founded.types)} license types\n"
        "next: license-ledger act --example ISSUE"
    )
    return give(Answer(document=document, text=text), as_json=as_json)


def _kafka(
    brokers: str | None, prefix: str, security: Path | None, *, single_broker: bool
) -> KafkaPlace | None:
    if brokers is None:
        if single_broker or security is not None:
            raise Malformed(
                "settings of Kafka without its brokers", expected="--kafka HOST:PORT,…"
            )
        return None
    return KafkaPlace(
        bootstrap=tuple(brokers.split(",")),
        prefix=prefix,
        single_broker=single_broker,
        security=read_security_file(security) if security else KafkaSecurity(),
    )
