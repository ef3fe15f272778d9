"""status, show, history: what readers ask."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console import inspection
from console.cli.options import Dir, Dsn, Json, PassphraseFile, Reveal, place
from console.inspection import table, value_words
from console.output import Answer, give, warn
from console.reading import Reader
from console.wiring import now_us, open_ledger
from ledger.workdays import parse_instant

NAMES_SHOWN = 4
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="T",
        help="RFC 3339, or a day (00:00 UTC+8); default: now.",
        show_default=False,
    ),
]
Name = Annotated[
    str,
    typer.Argument(metavar="ID", help="License identifier, or system:number."),
]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(status)
    app.command()(show)
    app.command()(history)


def status(
    *,
    as_of: AsOf = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Counts of the whole ledger: records, verdicts, states (as of a time)."""
    at = parse_instant(as_of) if as_of else now_us()
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        document = inspection.status(ledger, as_of=at)
        for text in document["warnings"]:
            warn(text)
        return give(Answer(document=document, text=_status(document)), as_json=as_json)


def show(
    name: Name,
    *,
    as_of: AsOf = None,
    reveal: Reveal = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """One license: state, version, validity, holders and face (masked)."""
    at = parse_instant(as_of) if as_of else now_us()
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        reader = Reader(ledger, purpose=reveal)
        document = inspection.show(ledger, name, as_of=at, reader=reader)
        return give(Answer(document=document, text=_show(document)), as_json=as_json)


def history(
    name: Name,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Refused events too.")
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Every event of a license with both times: in force, and recorded."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        document = inspection.history(ledger, name, everything=everything)
        text = history_text(document)
        return give(Answer(document=document, text=text), as_json=as_json)


def history_text(document: dict[str, Any]) -> str:
    """A license's history as a table for people."""
    rows = [
        (
            str(event["position"]),
            str(event["sequence"] or ""),
            event["act"] or "?",
            (event["effective_at"] or "")[:10],
            event["recorded_at"][:19],
            event["state_after"] or event["refusal"],
            _named(sorted(event["changed"])),
            ", ".join(event["flags"]),
        )
        for event in document["events"]
    ]
    heads = (
        "position",
        "seq",
        "act 行为",
        "effective 生效",
        "recorded 入账",
        "state 状态",
        "changed",
        "flags",
    )
    return f"{document['license_id']}\n{table(heads, rows)}"


def _named(names: list[str]) -> str:
    """Names for a table: an opening act sets a whole face, which would fill the screen."""
    shown = ", ".join(names[:NAMES_SHOWN])
    rest = len(names) - NAMES_SHOWN
    return f"{shown}, {rest} more" if rest > 0 else shown


def _status(document: dict[str, Any]) -> str:
    lines = [
        f"as of {document['as_of']}",
        f"{document['records']} records, {document['sealed']} sealed, "
        f"{document['projected']} projected: {document['accepted']} accepted, "
        f"{document['refused']} refused",
        f"{document['licenses']} licenses",
    ]
    for title, member in (
        ("by state 状态", "by_state"),
        ("by act 行为", "by_act"),
        ("by refusal 拒绝", "by_refusal"),
    ):
        if document[member]:
            lines.append(f"  {title}:")
            lines += [f"    {name:<22}{n:>10}" for name, n in document[member].items()]
    lines += [f"verifier key: {document['vkey']}", f"database: {document['dsn']}"]
    if document["kafka"]:
        lines.append(f"log: Kafka at {document['kafka']}")
    return "\n".join(lines)


def _show(document: dict[str, Any]) -> str:
    lines = [
        f"{document['license_id']}  {document['type_name']}",
        f"  state 状态    {document['state']} {document['state_zh']}"
        f"  (as of {document['as_of']})",
        f"  version 版本  {document['version']:03}  {document['identifier']}",
        f"  valid 有效期  {document['valid_from'] or '-'} to "
        f"{document['valid_until'] or '长期'}",
    ]
    if document["flags"]:
        lines.append(f"  flags 标记    {', '.join(document['flags'])}")
    lines += [
        f"  holder 持证主体  {holder['kind']} {holder['code']}"
        for holder in document["holders"]
    ]
    lines += [f"  {n}: {value_words(v)}" for n, v in document["fields"].items()]
    return "\n".join(lines)
