"""What an import says of a row it did not take: where, why, what was expected.

Never a value: a rejects file is mailed around, and rows hold people's names.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import msgspec

from ledger.errors import Unavailable, disk_code

HEADER = ("line", "column", "reason", "expected")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Reject(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One row that stays out. ``line`` is that on which it starts, the header being 1.

    ``column`` is empty where it is not about one column; ``reason`` is one word.
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


def write_rejects(path: Path, rejects: Iterable[Reject]) -> int:
    """Writes the rejects file in one piece, or removes an older one; gives the number.

    Raises Unavailable when the folder cannot be written.
    """
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="") as file:
            count = _write(file, rejects)
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


def _write(file: TextIO, rejects: Iterable[Reject]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    count = 0
    for one in rejects:
        count += 1
        writer.writerow(
            (one.line, _inert(one.column), one.reason, _inert(one.expected))
        )
    return count


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: column names come from outside."""
    return "'" + text if text.startswith(_FORMULA) else text
