"""registry: who may do what - authorities, types, and any other registry record."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from console.acting import signers_of
from console.authority_form import LEVELS, ROLES, demand_form
from console.cli.acting import read_text
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.error_book import entry_of
from console.event_members import field_value
from console.inspection import table
from console.ledger import Ledger
from console.output import Answer, give
from console.registering import Registrar, verdict_document
from console.wiring import open_ledger
from ledger.catalogue import parse_type
from ledger.errors import Malformed, Refused
from ledger.events import Value
from projections import registry

Key = Annotated[
    list[Path] | None,
    typer.Option("--key", help="Key files that sign; default: the root key's."),
]
_SAID = ("verdict", "refusal", "act", "subject", "detail")
app = typer.Typer(help="The registry (基础名录): authorities, license types, records.")


def register(parent: typer.Typer) -> None:
    """Adds this group."""
    parent.add_typer(app, name="registry")


def registrar_of(ledger: Ledger, keys: list[Path] | None) -> Registrar:
    """Signs registry records by the root key, or by an authority's keys."""
    if not keys:
        return Registrar(ledger, signers=ledger.root_signers(), authority="")
    pair = ledger.ring.open_any(keys[0])
    return Registrar(ledger, signers=signers_of(ledger, keys), authority=pair.authority)


def give_verdicts(registrar: Registrar, *, as_json: bool) -> int:
    """Publishes what was collected and prints its verdicts; exit 3 when one is refused."""
    records = [verdict_document(row) for row in registrar.publish()]
    refused = [record for record in records if record["refusal"]]
    text = "\n".join(map(_words, records))
    code = Refused.exit_code if refused else 0
    answer = Answer(document={"records": records}, text=text, exit_code=code)
    return give(answer, as_json=as_json)


def _words(record: Mapping[str, Any]) -> str:
    said = " ".join(str(record[part]) for part in _SAID if record[part])
    refusal = record["refusal"]
    return f"{said}\n{entry_of(refusal).chinese}" if refusal else said


@app.command("list")
def list_registry(
    *,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Authorities and license types as they stand."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        authorities = [
            (row.uscc, row.area, row.level, list(row.roles), row.name)
            for row in registry.authorities(ledger.views)
        ]
        types = [
            (row.code, row.version, row.name) for row in registry.types(ledger.views)
        ]
    text = "\n\n".join(
        (
            table(
                ("authority", "area", "level", "roles", "name"),
                [(u, a, lv, ",".join(r), n) for u, a, lv, r, n in authorities],
            ),
            table(("type", "version", "name"), [(c, str(v), n) for c, v, n in types]),
        )
    )
    members = ("uscc", "area", "level", "roles", "name")
    document = {
        "authorities": [dict(zip(members, row, strict=True)) for row in authorities],
        "types": [{"code": c, "version": v, "name": n} for c, v, n in types],
    }
    return give(Answer(document=document, text=text), as_json=as_json)


@app.command("authority")
def authority(
    uscc: Annotated[
        str, typer.Argument(metavar="USCC", help="Its code (统一社会信用代码).")
    ],
    *,
    name: Annotated[str | None, typer.Option("--name", help="Its full name.")] = None,
    area: Annotated[str | None, typer.Option("--area", help="GB/T 2260 code.")] = None,
    level: Annotated[
        str | None, typer.Option("--level", help=f"One of {LEVELS}.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help=f"One of {ROLES}; may be repeated."),
    ] = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Adds an authority, or changes the fields that are given."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        demand_form(
            ledger.registry().authority(uscc), uscc, area=area, level=level, roles=role
        )
        registrar = registrar_of(ledger, key)
        registrar.authority(uscc, name=name, area=area, level=level, roles=role)
        return give_verdicts(registrar, as_json=as_json)


@app.command("type")
def license_type(
    file: Annotated[Path, typer.Argument(help="A license type (TOML).")],
    *,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Publishes a license type, or a new version of it."""
    try:
        kind = parse_type(tomllib.loads(read_text(str(file))))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(
            "the license type is not TOML",
            code="file_format",
            found=str(error),
            where=str(file),
        ) from error
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        registrar = registrar_of(ledger, key)
        registrar.license_type(kind)
        return give_verdicts(registrar, as_json=as_json)


@app.command("record")
def record(
    subject: Annotated[str, typer.Argument(help="For example authority:<USCC>.")],
    act: Annotated[str, typer.Argument(help="ADD, CHANGE, END or COMPROMISE.")],
    *,
    file: Annotated[
        str, typer.Option("--file", metavar="FIELDS.json|-", help="Its fields.")
    ],
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Publishes any registry record: delegations, successions, calendars, sources."""
    fields = _fields(read_text(file), file)
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        registrar = registrar_of(ledger, key)
        registrar.record(subject, act, fields)
        return give_verdicts(registrar, as_json=as_json)


def _fields(text: str, where: str) -> dict[str, Value]:
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise Malformed(
            "the fields are not JSON",
            code="file_format",
            expected="one JSON object",
            where=where,
        ) from error
    if not isinstance(document, dict):
        raise Malformed("the fields are not an object", code="file_format", where=where)
    return {name: field_value(value, name) for name, value in document.items()}
