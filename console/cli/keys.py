"""key: key files, their registration and their end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.cli.registering import Key, give_verdicts, registrar_of
from console.inspection import table
from console.key_ring import KeyRing
from console.output import Answer, give
from console.wiring import open_ledger
from ledger.errors import Malformed
from ledger.signing import key_id
from ledger.workdays import instant_text, parse_instant
from projections import registry

app = typer.Typer(help="Keys: list, draw, register, end, report as compromised.")


def register(parent: typer.Typer) -> None:
    """Adds this group."""
    parent.add_typer(app, name="key")


@app.command("list")
def list_keys(
    *,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Every registered key: whose, what for, since when, and whether its file is here."""
    settings = place(directory, dsn, passphrase_file)
    with open_ledger(settings) as ledger:
        ledger.catch_up()
        here = {key_id(f.public_key): f.name for f in KeyRing(settings).listing()}
        keys = [
            {
                "key_id": row.key_id.hex(),
                "purpose": row.purpose,
                "authority": row.authority,
                "since": row.since,
                "ended": row.ended,
                "compromised_since": row.compromised_since
                and instant_text(row.compromised_since),
                "file": here.get(row.key_id),
            }
            for row in registry.keys(ledger.views)
        ]
    heads = ("key_id", "purpose", "authority", "since", "ended", "file")
    rows = [
        ["" if key[head] is None else str(key[head]) for head in heads] for key in keys
    ]
    answer = Answer(document={"keys": keys}, text=table(heads, rows))
    return give(answer, as_json=as_json)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the key file.")],
    *,
    authority: Annotated[
        str,
        typer.Option("--authority", help="USCC it signs for; none: the registry's."),
    ] = "",
    purpose: Annotated[
        str, typer.Option("--purpose", help="act, root, seal or witness.")
    ] = "act",
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Draws a key pair into DIR/keys/NAME.json; `key register` makes it known."""
    settings = place(directory, dsn, passphrase_file)
    if not settings.keys.is_dir():
        raise Malformed(
            "no ledger here", code="no_ledger", where=str(settings.directory)
        )
    if purpose not in ("act", "root", "seal", "witness"):
        raise Malformed(
            "not a purpose",
            code="bad_option_value",
            expected="act, root, seal, witness",
            found=ascii(purpose),
        )
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise Malformed(
            "not a name",
            code="bad_option_value",
            expected="letters, digits, -",
            where="NAME",
        )
    pair = KeyRing(settings).draw(name, purpose=purpose, authority=authority)
    document = {
        "file": str(settings.keys / f"{name}.json"),
        "key_id": key_id(pair.public).hex(),
        "public_key": pair.public.hex(),
    }
    text = f"key {document['key_id']} in {document['file']}"
    return give(Answer(document=document, text=text), as_json=as_json)


@app.command("register")
def register_key(
    file: Annotated[Path, typer.Argument(help="The new key's file.")],
    *,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Registers a key with its proof of possession; signed by the root key."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        pair = ledger.ring.open_any(file)
        registrar = registrar_of(ledger, key)
        registrar.key(pair)
        return give_verdicts(registrar, as_json=as_json)


@app.command("end")
def end(
    name: Annotated[str, typer.Argument(metavar="KEY_ID", help="64 hex digits.")],
    *,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Ends a key: from here on it signs nothing more; what it signed stays."""
    return _about(name, "END", {}, key, directory, dsn, passphrase_file, as_json)


@app.command("compromise")
def compromise(
    name: Annotated[str, typer.Argument(metavar="KEY_ID", help="64 hex digits.")],
    *,
    since: Annotated[
        str, typer.Option("--since", help="RFC 3339 or a day: from when in doubt.")
    ],
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Reports a key as compromised since a time: flags events, changes no verdict."""
    fields = {"since": instant_text(parse_instant(since))}
    return _about(
        name, "COMPROMISE", fields, key, directory, dsn, passphrase_file, as_json
    )


def _about(
    name: str,
    act: str,
    fields: dict[str, Any],
    key: list[Path] | None,
    directory: Path | None,
    dsn: str | None,
    passphrase_file: Path | None,
    as_json: bool,  # noqa: FBT001 - passed on from two commands
) -> int:
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        registrar = registrar_of(ledger, key)
        registrar.record(f"key:{name}", act, fields)
        return give_verdicts(registrar, as_json=as_json)
