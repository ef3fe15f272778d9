"""How the command line answers: one JSON document or words on stdout, never both.

Words, progress and warnings go to stderr when ``--json`` is asked for; errors come as
one clear line in English and one in Chinese, or as ``{"error": …}`` with both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console

from console.error_book import entry_of
from ledger.errors import LedgerError

WORDS = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command has to say: a document for programs, ``text`` for people."""

    document: Mapping[str, Any]
    text: str
    exit_code: int = 0


def give(answer: Answer, *, as_json: bool) -> int:
    """Prints an answer and returns its exit code."""
    if as_json:
        print_json(answer.document)
    else:
        Console(highlight=False, soft_wrap=True).print(answer.text, markup=False)
    return answer.exit_code


def print_json(document: Mapping[str, Any]) -> None:
    """Prints exactly one JSON document on stdout."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()


def error_document(
    code: str, reason: str, *, expected: str = "", found: str = "", where: str = ""
) -> dict[str, Any]:
    """The document that stands for an error, every member always there."""
    entry = entry_of(code)
    return {
        "error": {
            "code": code,
            "family": entry.family,
            "reason": reason,
            "expected": expected,
            "found": found,
            "where": where,
            **entry.document,
        }
    }


def give_error(error: LedgerError, *, as_json: bool) -> int:
    """Prints an error of one of the families and returns its exit code."""
    if as_json:
        print_json(
            error_document(
                error.code,
                error.reason,
                expected=error.expected,
                found=error.found,
                where=error.where,
            )
        )
    else:
        complain(f"{error.family}: {error}", error.code)
    return error.exit_code


def complain(text: str, code: str) -> None:
    """An error on stderr: its English line, and what its code means in Chinese."""
    for line in (text, entry_of(code).chinese):
        WORDS.print(line, markup=False, style="red")


def warn(text: str) -> None:
    """One warning on stderr."""
    WORDS.print(f"warning: {text}", markup=False, style="yellow")


def say(text: str) -> None:
    """One line of words on stderr."""
    WORDS.print(text, markup=False)


def columns(rows: Sequence[tuple[str, ...]], *, right: int | None = None) -> list[str]:
    """Rows as lines of aligned columns; Chinese characters are two cells wide.

    ``right``: the column whose cells stand at its right edge.
    """
    if not rows:
        return []
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            " " * (width - cell_len(cell)) + cell
            if index == right
            else set_cell_size(cell, width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
