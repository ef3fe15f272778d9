"""explain: what an error or a refusal means, in both languages, without network."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.cli.options import Json
from console.error_book import ErrorEntry, error_book
from console.importer import reasons
from console.inspection import table
from console.output import Answer, give
from ledger.errors import Unknown


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(explain)


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]", help="A code that an error said; none: all of them."
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> int:
    """Says what a code (错误代码, 拒绝代码) means, what to do, and whether to try again."""
    book = {**reasons.entries(), **error_book()}
    if code is None:
        rows = [(row.code, row.family, row.zh) for row in book.values()]
        document = {"errors": [_document(row) for row in book.values()]}
        return give(
            Answer(document=document, text=table(("code", "family", "中文"), rows)),
            as_json=as_json,
        )
    if code not in book:
        raise Unknown(
            "no such code", expected="one that `license-ledger explain` lists"
        )
    row = book[code]
    return give(Answer(document=_document(row), text=_words(row)), as_json=as_json)


def _document(row: ErrorEntry) -> dict[str, Any]:
    return {
        "code": row.code,
        "family": row.family,
        "exit_code": row.exit_code,
        **row.document,
    }


def _words(row: ErrorEntry) -> str:
    again = "yes 是" if row.retry else "no 否"
    return "\n".join(
        (
            f"{row.code} {row.zh}",
            f"family {row.family}, exit code {row.exit_code}",
            f"cause: {row.cause[0]}",
            f"原因：{row.cause[1]}",
            f"what to do: {row.remedy[0]}",
            f"处理：{row.remedy[1]}",
            f"again 可重试: {again}",
        )
    )
