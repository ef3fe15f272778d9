"""The options that every command on a ledger takes, spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.kafka_file import read_security_file
from console.settings import (
    DIR_VARIABLE,
    DSN_VARIABLE,
    PASSPHRASE_VARIABLE,
    Settings,
    settings_of,
)
from ledger.errors import Malformed
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity

Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        help=f"The ledger's directory ({DIR_VARIABLE}; ./license-ledger-data).",
        show_default=False,
    ),
]
Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        help=f"A PostgreSQL >= 15 instead of the embedded one ({DSN_VARIABLE}).",
        show_default=False,
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"Opens the key files ({PASSPHRASE_VARIABLE}).",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")
]
Reveal = Annotated[
    str | None,
    typer.Option(
        "--reveal",
        metavar="PURPOSE",
        help="Show personal data in clear; the purpose is kept in the access file.",
        show_default=False,
    ),
]

Brokers = Annotated[
    str | None,
    typer.Option(
        "--kafka",
        metavar="HOST:PORT,…",
        help="Brokers that hold the log, instead of PostgreSQL.",
        show_default=False,
    ),
]
Topics = Annotated[
    str | None,
    typer.Option(
        "--topics",
        metavar="PREFIX",
        help="Topics are PREFIX.registry, PREFIX.events …; by default the name.",
        show_default=False,
    ),
]
SingleBroker = Annotated[
    bool,
    typer.Option(
        "--single-broker",
        help="One broker only, for trying it: one broken disk loses the log.",
    ),
]
SecurityFile = Annotated[
    Path | None,
    typer.Option(
        "--kafka-security",
        metavar="FILE",
        help="TOML with protocol, ca_file, username, password_file …",
        show_default=False,
    ),
]


def kafka_place(
    brokers: str | None, prefix: str, security: Path | None, *, single_broker: bool
) -> KafkaPlace | None:
    """Where a new log lies on Kafka, from the four options above; None: it does not."""
    if brokers is None:
        if single_broker or security is not None:
            raise Malformed(
                "settings of Kafka without its brokers",
                code="bad_kafka_settings",
                expected="--kafka HOST:PORT,…",
            )
        return None
    return KafkaPlace(
        bootstrap=tuple(brokers.split(",")),
        prefix=prefix,
        single_broker=single_broker,
        security=read_security_file(security) if security else KafkaSecurity(),
    )


def place(
    directory: Path | None, dsn: str | None, passphrase_file: Path | None
) -> Settings:
    """Settings of one ledger from the three options above."""
    return settings_of(directory, dsn, passphrase_file)
