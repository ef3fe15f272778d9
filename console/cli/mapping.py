"""mapping: a proposal from a file's head, and a look at one that is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from console.cataloguing import find_type, packaged_types
from console.cli.options import Json
from console.importer.input_file import open_file
from console.importer.intake import heading
from console.importer.mapping import read_mapping, system_ok
from console.importer.proposal import propose, types_by_name
from console.importer.proposal_text import CONSTANT, Question, answered
from console.importer.sample import Sample, look_at
from console.output import Answer, give, say
from ledger.catalogue import LicenseType
from ledger.errors import Malformed

app = typer.Typer(help="Mappings for import.", no_args_is_help=True)

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write the mapping here.", show_default=False),
]


def register(parent: typer.Typer) -> None:
    """Adds these commands."""
    parent.add_typer(app, name="mapping")


@app.command("new")
def new(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, gzipped CSV or XLSX.")
    ],
    *,
    type_code: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="NAME",
            help="The license type, by code or name, if the file does not tell it.",
        ),
    ] = "",
    system: Annotated[
        str, typer.Option("--system", help="Name of the source system (a-z 0-9 - _).")
    ] = "",
    sheet: Annotated[str, typer.Option("--sheet", help="Sheet of an XLSX.")] = "",
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Proposes a mapping from a file's head, and asks what it cannot know.

    On a terminal it asks there; otherwise the questions stand in the mapping as TODO. No
    value of the file is shown, but for those of columns that say acts or states.
    """
    if out is not None and out.exists():
        raise Malformed("there is a file", expected="a new --out", where=str(out))
    if system and not system_ok(system):
        raise Malformed(
            "not a name of a source system",
            code="bad_option_value",
            expected="up to 64 of a-z 0-9 - _",
            where="--system",
        )
    sample = look_at(file, sheet=sheet)
    made = propose(sample, _type(sample, type_code), system=system)
    asked = list(_answers(made.questions)) if _terminal() else []
    text = answered(made.text, asked)
    if out is not None:
        _write(out, text)
    done = [question for question, _ in asked]
    left = [question for question in made.questions if question not in done]
    document = {
        "mapping": text,
        "file": str(out) if out else None,
        "questions": [
            {"place": one.place, "text": one.text, "choices": list(one.choices)}
            for one in left
        ],
    }
    say(
        f"{len(left)} questions to answer in the mapping"
        if left
        else "no question left"
    )
    shown = text.rstrip() if out is None else f"mapping in {out}"
    return give(Answer(document=document, text=shown), as_json=as_json)


@app.command("check")
def check(
    mapping: Annotated[Path, typer.Argument(metavar="MAPPING", help="TOML.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Whose header is to have its columns."),
    ] = None,
    *,
    as_json: Json = False,
) -> int:
    """Says whether a mapping is whole and a file has its columns; no ledger is asked."""
    known = read_mapping(mapping)
    columns = sorted(known.columns)
    if file is not None:
        table = open_file(file, known)
        heading(table, table.rows(), known.header_row).places(columns)
    document = {
        "mapping": str(mapping),
        "file": str(file) if file else None,
        "columns": columns,
        "acts": sorted({act for column in known.acts for act in column.told.values()}),
    }
    text = f"{mapping.name} is whole; it reads {len(columns)} columns: " + ", ".join(
        columns
    )
    return give(Answer(document=document, text=text), as_json=as_json)


def _type(sample: Sample, name: str) -> LicenseType:
    """The type that is asked for, by code or name, or that the file itself names."""
    known = packaged_types()
    found = list(types_by_name(sample, known))
    if not name and len(found) == 1:
        return found[0]
    if not name and _terminal():
        for kind in found or known:
            say(f"  {kind.code} {kind.name}")
        name = typer.prompt("Which license type? 证照类型（代码或名称）", err=True)
    if name:
        return find_type(known, name)
    raise Malformed(
        "the file does not tell which license type it is of",
        code="type_not_told",
        expected="--type CODE or NAME; `license-ledger types --packaged` lists them",
        found="; ".join(f"{kind.code} {kind.name}" for kind in found[:6]),
        where=sample.stem,
    )


def _terminal() -> bool:
    return sys.stdin.isatty()


def _answers(questions: Sequence[Question]) -> Iterator[tuple[Question, str]]:
    """The questions that whoever sits there answers; Enter alone leaves one open."""
    for question in questions:
        for number, choice in enumerate(question.choices, 1):
            say(f"  {number} {choice}")
        if question.constant:
            say(f"  {CONSTANT}… the same in every row (各行相同)")
        if answer := _asked(question):
            yield question, answer


def _asked(question: Question) -> str:
    """One answer, by number or word; empty when the question stays open."""
    text = f"{question.text} (回车跳过 Enter: later)"
    while True:
        given: str = typer.prompt(text, default="", show_default=False, err=True)
        given = given.strip()
        if given.isdecimal() and 1 <= int(given) <= len(question.choices):
            return question.choices[int(given) - 1]
        constant = question.constant and given.startswith(CONSTANT) and given[1:]
        if constant or not given:
            return given
        if given in question.choices or (
            not question.choices and question.right(given)
        ):
            return given
        say(f"  不在其中 not one of them: 1 … {len(question.choices)}, or a name")


def _write(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Malformed(
            "the mapping cannot be written",
            code="file_unreadable",
            found=error.strerror or type(error).__name__,
            where=str(path),
        ) from error
