"""log: copying a ledger to another log, and what to do when its own is damaged."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli.copying import copy
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.cli.registering import Key, registrar_of
from console.output import Answer, give, say
from console.refilling import refill as refill_seals
from console.succeeding import succeed as succeed_sources

app = typer.Typer(help="The log itself: copied, or mended on Kafka.")
app.command()(copy)


def register(parent: typer.Typer) -> None:
    """Adds this group."""
    parent.add_typer(app, name="log")


@app.command()
def succeed(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE…", help="Damaged: events-3, registry …"),
    ],
    *,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Lets another source go on where a damaged one has lost records; see operations."""
    document = succeed_sources(
        place(directory, dsn, passphrase_file),
        sources,
        registrar=lambda ledger: registrar_of(ledger, key),
        told=say,
    )
    text = "\n".join(
        f"{one['source']}: {_words(one['damage'])}; goes on as {one['successor']}, "
        f"{one['moved']} records moved"
        for one in document["sources"]
    )
    return give(Answer(document=document, text=text), as_json=as_json)


@app.command()
def refill(
    *,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Appends the seals again that the log has lost, from the database; see operations."""
    document = refill_seals(place(directory, dsn, passphrase_file), told=say)
    text = (
        f"seals: {document['appended']} of {document['seals']} appended"
        f"{', the topic made again' if document['topic_made_again'] else ''}"
    )
    return give(Answer(document=document, text=text), as_json=as_json)


def _words(damage: str | None) -> str:
    return damage or "was succeeded before"
