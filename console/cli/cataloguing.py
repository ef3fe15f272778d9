"""types, type: what the catalogue of license types (证照目录) says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console import cataloguing
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.output import Answer, give
from console.wiring import open_ledger
from ledger.catalogue import LicenseType

Packaged = Annotated[
    bool,
    typer.Option(
        "--packaged", help="Those that come with the program; no ledger is needed."
    ),
]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("types")(list_types)
    app.command("type")(one_type)


def list_types(
    *,
    packaged: Packaged = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """The license types in force: number, code, name, holder, term, acts."""
    kinds = _kinds(directory, dsn, passphrase_file, packaged=packaged)
    answer = Answer(
        document=cataloguing.types_document(kinds), text=cataloguing.types_text(kinds)
    )
    return give(answer, as_json=as_json)


def one_type(
    name: Annotated[
        str,
        typer.Argument(metavar="TYPE", help="A code, a number, or (part of) a name."),
    ],
    *,
    packaged: Packaged = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """One license type: what it allows, and every field of its face."""
    kinds = _kinds(directory, dsn, passphrase_file, packaged=packaged)
    kind = cataloguing.find_type(kinds, name)
    answer = Answer(
        document=cataloguing.type_document(kind), text=cataloguing.type_text(kind)
    )
    return give(answer, as_json=as_json)


def _kinds(
    directory: Path | None,
    dsn: str | None,
    passphrase_file: Path | None,
    *,
    packaged: bool,
) -> list[LicenseType]:
    if packaged:
        return cataloguing.packaged_types()
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        return cataloguing.types_in_force(ledger)
