"""holder, trace, directory: the archives of holders, fields and issuers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from console import archive, archive_words, tracing
from console.cli.inspecting import AsOf, Name
from console.cli.options import Dir, Dsn, Json, PassphraseFile, Reveal, place
from console.directory import directory as read_directory
from console.output import Answer, give
from console.reading import Reader
from console.wiring import now_us, open_ledger
from ledger.errors import Malformed
from ledger.periods import EVER
from ledger.workdays import parse_instant

CODE_SIZE_MAX = 1_000
LIMIT = 200


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(holder)
    app.command()(trace)
    app.command()(directory)


def holder(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="Holder kind (111, 001 …), or ref for a holder_ref."
        ),
    ],
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="The holder's code; - reads it from stdin."
        ),
    ],
    *,
    as_of: AsOf = None,
    limit: Annotated[
        int,
        typer.Option("--limit", min=1, max=archive.LINE_MAX, help="Licenses shown."),
    ] = LIMIT,
    reveal: Reveal = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """All licenses of one holder (一人一档、一企一档): role, since when, descent (masked)."""
    at = parse_instant(as_of) if as_of else now_us()
    given = _code(code)
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        reader = Reader(ledger, purpose=reveal)
        rows = archive.holder_rows(ledger, kind, given)
        document = archive.archive(ledger, rows, as_of=at, limit=limit, reader=reader)
        return give(
            Answer(document=document, text=archive_words.archive_text(document)),
            as_json=as_json,
        )


def _code(given: str) -> str:
    """The code itself; from stdin it stands in no list of processes or shell history."""
    if given != "-":
        return given
    data = sys.stdin.buffer.read(CODE_SIZE_MAX + 1)
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8", expected="one code", where="stdin") from error
    if len(data) > CODE_SIZE_MAX or not text:
        raise Malformed(
            "no code",
            expected=f"one code of up to {CODE_SIZE_MAX} bytes",
            where="stdin",
        )
    return text


def trace(
    name: Name,
    field: Annotated[
        str,
        typer.Argument(metavar="FIELD", help="A field of its type, or holders."),
    ],
    *,
    as_of: AsOf = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            "--known-at",
            metavar="T",
            help="What the ledger knew at that time; default: all it knows now.",
            show_default=False,
        ),
    ] = None,
    reveal: Reveal = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """One field of a license: who set it, in force when, known when, and what stood before."""
    question = tracing.Question(
        field=field,
        as_of=parse_instant(as_of) if as_of else now_us(),
        known_at=parse_instant(known_at) if known_at else EVER,
    )
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        reader = Reader(ledger, purpose=reveal)
        document = tracing.trace(ledger, name, question, reader=reader)
        return give(
            Answer(document=document, text=archive_words.trace_text(document)),
            as_json=as_json,
        )


def directory(
    *,
    issuer: Annotated[
        str | None,
        typer.Option(
            "--issuer", help="USCC of an issuing authority.", show_default=False
        ),
    ] = None,
    type_code: Annotated[
        str | None,
        typer.Option("--type", help="Code of a license type.", show_default=False),
    ] = None,
    area: Annotated[
        str | None,
        typer.Option(
            "--area", help="Six digits; the areas in it too.", show_default=False
        ),
    ] = None,
    as_of: AsOf = None,
    data_directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """The issuing directory (发证清单): by authority, type and area, as of a day."""
    at = parse_instant(as_of) if as_of else now_us()
    with open_ledger(place(data_directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        document = read_directory(
            ledger, as_of=at, issuer=issuer, type_code=type_code, area=area
        )
        return give(
            Answer(document=document, text=archive_words.directory_text(document)),
            as_json=as_json,
        )
