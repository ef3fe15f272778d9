"""The options that every command on a ledger takes, spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.settings import (
    DIR_VARIABLE,
    DSN_VARIABLE,
    PASSPHRASE_VARIABLE,
    Settings,
    settings_of,
)

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


def place(
    directory: Path | None, dsn: str | None, passphrase_file: Path | None
) -> Settings:
    """Settings of one ledger from the three options above."""
    return settings_of(directory, dsn, passphrase_file)
