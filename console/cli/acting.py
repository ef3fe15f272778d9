"""act and erase: publish one act and print its verdict."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from console.acting import act_from_file, example_of
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.erasing import erase as erase_holder
from console.error_book import entry_of
from console.output import Answer, give
from console.transferring import transfer_form
from console.wiring import open_ledger
from ledger.errors import Malformed, Refused

EVENT_SIZE_MAX = 1_000_000


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(act)
    app.command()(erase)


def act(
    name: Annotated[str, typer.Argument(metavar="ACT", help="ISSUE, CHANGE, REVOKE …")],
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="EVENT.json|-", help="The act; - is stdin."),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            help="A key file that signs, the main one first; default: the department's.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ID",
            help="TRANSFER_IN: the license transferred out, whose face goes over; "
            "--file then holds only what differs.",
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a filled form and stop.")
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Publishes one act on a license; exit 0 accepted, 3 refused."""
    if example:
        form = example_of(name)
        text = json.dumps(form, ensure_ascii=False, indent=2)
        return give(Answer(document=form, text=text), as_json=as_json)
    if source is not None and name != "TRANSFER_IN":
        raise Malformed(
            "only a license that comes in has another one it comes from",
            code="bad_usage",
            expected="--from with TRANSFER_IN",
            where="--from",
        )
    if file is None and source is None:
        raise Malformed(
            "no event",
            code="argument_missing",
            expected="--file EVENT.json, or --file - for stdin",
        )
    text = "{}" if file is None else read_text(file)
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        if source is not None:
            ledger.catch_up()
            text = transfer_form(ledger, source, text)
        document = act_from_file(ledger, name, text, keys=key or [])
    code = 0 if document["verdict"] == "accepted" else Refused.exit_code
    answer = Answer(document=document, text=words_of(document), exit_code=code)
    return give(answer, as_json=as_json)


def erase(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="License identifier, or system:number.")
    ],
    *,
    key: Annotated[
        list[Path],
        typer.Option("--key", help="The custodian's key file, then the supervisor's."),
    ],
    holder: Annotated[
        int, typer.Option("--holder", help="Which holder of the license, from 0.")
    ] = 0,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Destroys the key of a holder's values in a license, for good (销毁)."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        document = erase_holder(ledger, name, holder=holder, keys=key)
    code = 0 if document["verdict"] == "accepted" else Refused.exit_code
    text = f"{document['verdict']} {document['refusal'] or ''} {document['detail']}"
    if code:
        text = f"{text.rstrip()}\n{entry_of(document['refusal']).chinese}"
    answer = Answer(document=document, text=text.rstrip(), exit_code=code)
    return give(answer, as_json=as_json)


def read_text(file: str) -> str:
    """The text of a file, or of standard input for ``-``; raises Malformed."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(EVENT_SIZE_MAX + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(EVENT_SIZE_MAX + 1)
        if len(data) > EVENT_SIZE_MAX:
            raise Malformed(
                "the event is too large",
                code="bad_event",
                expected="at most 1,000,000 bytes",
            )
        return data.decode("utf-8-sig")
    except OSError as error:
        raise Malformed(
            "the event cannot be read",
            code="file_unreadable",
            found=error.strerror or "",
            where=file,
        ) from error
    except UnicodeDecodeError as error:
        raise Malformed(
            "the event is not UTF-8",
            code="file_format",
            found=f"byte {error.start}",
            where=file,
        ) from error


def words_of(document: dict[str, Any]) -> str:
    """A verdict for people."""
    if document["verdict"] == "accepted":
        return (
            f"accepted 已接受: position {document['position']}, "
            f"sequence {document['sequence']} of {document['license_id']}\n"
            f"event {document['event_digest']}"
        )
    where = (
        "held back, nothing was published"
        if document["position"] is None
        else f"position {document['position']}"
    )
    refusal = document["refusal"]
    said = f"refused 被拒绝: {refusal} ({where})\n{document['detail']}".rstrip()
    return f"{said}\n{entry_of(refusal).chinese}"
