"""init: found a ledger."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated

import typer

from console import founding
from console.cli.options import (
    Brokers,
    Dir,
    Dsn,
    Json,
    PassphraseFile,
    SecurityFile,
    SingleBroker,
    Topics,
    kafka_place,
    place,
)
from console.output import Answer, give, say, warn


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
    kafka: Brokers = None,
    topics: Topics = None,
    single_broker: SingleBroker = False,
    security: SecurityFile = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Founds a ledger: root, sealer, one department with its key, the catalogue."""
    settings = replace(
        place(directory, dsn, passphrase_file),
        kafka=kafka_place(
            kafka, topics or origin, security, single_broker=single_broker
        ),
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
