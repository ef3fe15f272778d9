"""log copy: carry a ledger to another log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

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
from console.copying import copy_ledger
from console.output import Answer, give, say
from console.settings import settings_of
from console.wiring import open_ledger


def copy(
    *,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="The copy's own directory.")
    ],
    to_dsn: Annotated[
        str | None,
        typer.Option(
            "--to-dsn",
            help="The copy's PostgreSQL instead of an embedded one.",
            show_default=False,
        ),
    ] = None,
    kafka: Brokers = None,
    topics: Topics = None,
    single_broker: SingleBroker = False,
    security: SecurityFile = None,
    with_keys: Annotated[
        bool,
        typer.Option(
            "--with-keys",
            help="Hand keys and key store over: only the copy can go on then.",
        ),
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Copies a ledger to another log, computes all of it again, and compares.

    Between PostgreSQL and Kafka, in either direction. Stop whoever seals and projects.
    """
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        target = replace(
            # Nothing of this ledger's own surroundings is meant for the copy.
            settings_of(to, to_dsn, passphrase_file, environment={}),
            passphrase=ledger.settings.passphrase,
            kafka=kafka_place(
                kafka, topics or ledger.name, security, single_broker=single_broker
            ),
        )
        document = copy_ledger(
            ledger, target, with_keys=with_keys, told=say, security_file=security
        )
    return give(Answer(document=document, text=_words(document)), as_json=as_json)


def _words(document: dict[str, Any]) -> str:
    return (
        f"copied {sum(document['records'].values())} records to {document['dir']}\n"
        f"seal {document['seal_no']}, {document['tree_size']} positions, "
        f"{len(document['tables'])} tables alike\n"
        f"root {document['root']}"
    )
