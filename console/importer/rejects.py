"""The rows an import did not take, each with its reason, to be mended and sent back.

The file holds what the rows held: personal data. Only its owner may read it.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TextIO

import msgspec

from console.importer.reasons import said
from ledger.errors import Unavailable, disk_code

REASON_COLUMNS: Final = (
    "行号 line",
    "列 column",
    "代码 code",
    "原因",
    "reason",
    "要求 expected",
)
"""Stand before the columns of the input; a file whose header begins so is a rejects file."""

_CHANGED_BY_SPREADSHEETS: Final = re.compile(
    r"'*(?:[=+\-@\t\r＝＋－＠].*|0[0-9]+|[0-9]{12,}|[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+)",
    re.DOTALL,
)


class Reject(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One row that stays out. ``line`` is that on which it starts, the header being 1.

    ``column`` is empty where it is not about one column; ``reason`` is one word. Never a
    value: these go into log lines too.
    """

    line: int
    column: str
    reason: str
    expected: str


class RowRejected(Exception):  # noqa: N818 - a verdict on a row, not a fault
    """Ends the reading of one row."""

    def __init__(self, reason: str, *, column: str = "", expected: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
        self.expected = expected

    def at(self, line: int) -> Reject:
        """The reject of the row that starts on ``line``."""
        return Reject(
            line=line, column=self.column, reason=self.reason, expected=self.expected
        )


def guarded(text: str) -> str:
    """A cell that a spreadsheet leaves as it is.

    ``=cmd|…`` would run, ``00123`` and long numbers would be changed: an apostrophe in
    front makes text of them. ``restored`` takes it off again.
    """
    return "'" + text if _CHANGED_BY_SPREADSHEETS.fullmatch(text) else text


def restored(text: str) -> str:
    """The cell that ``guarded`` was given; any other text as it is."""
    inner = text[1:]
    if text.startswith("'") and _CHANGED_BY_SPREADSHEETS.fullmatch(inner):
        return inner
    return text


def write_rejects(
    path: Path,
    rejects: Iterable[tuple[Reject, Sequence[str]]],
    *,
    header: Sequence[str],
    delimiter: str,
) -> int:
    """Writes the rejects file in one piece, or removes an older one; gives the number.

    UTF-8 with a byte order mark, by which spreadsheets know it; mode 0600. Raises
    Unavailable when the folder cannot be written.
    """
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8-sig", newline="") as file:  # noqa: PTH123 - by handle
            count = _write(file, rejects, header, delimiter)
            file.flush()
            os.fsync(file.fileno())
        if count:
            partial.replace(path)
        else:
            partial.unlink()
            path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            "the rejects file cannot be written",
            code=disk_code(error, "folder_unusable"),
            found=error.strerror or type(error).__name__,
            where=str(path),
        ) from error
    return count


def _write(
    file: TextIO,
    rejects: Iterable[tuple[Reject, Sequence[str]]],
    header: Sequence[str],
    delimiter: str,
) -> int:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow((*REASON_COLUMNS, *map(guarded, header)))
    count = 0
    for one, cells in rejects:
        count += 1
        zh, english = said(one.reason)
        reason = (one.line, guarded(one.column), one.reason, zh, english)
        writer.writerow((*reason, guarded(one.expected), *map(guarded, cells)))
    return count
