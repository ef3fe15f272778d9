"""An XLSX workbook, read by a process of its own that may use so much memory and no more.

A workbook of a few bytes may ask for terabytes: two cells far apart are enough, and the
library then ends its process. This one only loses the reader.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from console.importer.dates import DateForm
from console.importer.sheet_reader import FRAME_SIZE, MEMORY_MAX, Frame
from console.importer.source_table import SourceLine, SourceTable
from ledger.errors import Malformed

ZIP: Final = b"PK\x03\x04"

_ENVIRONMENT: Final = {"PYTHONUTF8": "1"}
"""All that the reader of a file from outside is told: no passphrase, no address."""
_MODULE: Final = "console.importer.sheet_reader"


class Workbook:
    """The rows of one sheet; ``sheet`` empty: the workbook has one only.

    Numbers come as a spreadsheet shows them, days as the mapping spells them, a merged
    range has its value in each of its cells.
    """

    def __init__(self, path: Path, *, sheet: str, dates: DateForm) -> None:
        self._path = path
        self._sheet = sheet
        self._dates = dates
        self.done = 0
        self.whole = True

    @property
    def name(self) -> str:
        """The file's own name, and the sheet's."""
        return f"{self._path.name}, sheet {self._sheet}" if self._sheet else self._file

    @property
    def size(self) -> int:
        """Nobody knows how many rows there are."""
        return 0

    @property
    def _file(self) -> str:
        return self._path.name

    def rows(self) -> Iterator[SourceLine]:
        """Each row that is not blank, the header first; raises Malformed."""
        arguments = [str(self._path), self._sheet, self._dates.pattern]
        with subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, *arguments],
            env=_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        ) as reader:
            try:
                assert reader.stdout is not None  # noqa: S101 - it was asked for
                yield from self._frames(reader.stdout)
            finally:
                reader.kill()

    def _frames(self, stream: IO[bytes]) -> Iterator[SourceLine]:
        decoder = msgspec.msgpack.Decoder(Frame)
        while size := stream.read(FRAME_SIZE):
            data = stream.read(int.from_bytes(size, "big"))
            try:
                frame = decoder.decode(data)
            except msgspec.DecodeError:
                break
            if frame.reason:
                raise Malformed(
                    frame.reason,
                    code="workbook_unreadable",
                    expected=frame.expected,
                    found=frame.found,
                    where=self.name,
                )
            for line, cells in frame.rows:
                self.done += 1
                yield line, cells
            if frame.last:
                return
        raise Malformed(
            "the workbook cannot be read",
            code="workbook_unreadable",
            expected=f"an XLSX that needs at most {MEMORY_MAX >> 20} MiB; CSV has no limit",
            found="its reader ended",
            where=self.name,
        )


def _fits(table: Workbook) -> SourceTable:
    return table
