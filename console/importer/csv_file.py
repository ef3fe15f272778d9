"""A CSV file as it comes, also gzipped: lines bounded, encoding proved, nothing trusted."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from console.importer.encodings import BOM, Decoding
from console.importer.source_table import SourceLine, SourceTable
from ledger.errors import Malformed

LINE_MAX: Final = 1_048_576
GZIP: Final = b"\x1f\x8b"
RATIO_MAX: Final = 200
"""How many times its size a gzipped file may unpack to: rows come to 5 to 30."""
_RATIO_FROM: Final = 64 << 20


class LineReader(Protocol):
    """A file of bytes, or what unpacks one."""

    def readline(self, size: int, /) -> bytes:
        """The next line with its end, at most so many bytes."""
        ...


_CLOSED: Final = "cells in quotes that are closed again, from this line on"


class CsvFile:
    """The rows of one CSV; reads the file twice: for its encoding, then for the rows.

    Memory: one row. A row that quotes wrongly makes the whole file Malformed: what comes
    after it could be anything.
    """

    def __init__(
        self, path: Path, *, encoding: str, delimiter: str, gzipped: bool
    ) -> None:
        self._path = path
        self._named = encoding
        self._delimiter = delimiter
        self._gzipped = gzipped
        self.done = 0
        self.whole = True

    @property
    def name(self) -> str:
        """The file's own name."""
        return self._path.name

    @property
    def size(self) -> int:
        """Bytes in the file; ``done`` counts those that it unpacks to."""
        return 0 if self._gzipped else self._path.stat().st_size

    def rows(self) -> Iterator[SourceLine]:
        """Each row that is not blank, the header first.

        Raises Malformed for a file that cannot be read, is no CSV, is in no sure encoding,
        is cut off, or is a bomb.
        """
        with self._open() as file:
            found = Decoding().look(self._lines(file))
        encoding = found.encoding(self._named, where=self.name)
        self.done = 0
        with self._open() as file:
            yield from self._rows(file, encoding)

    def _rows(self, file: LineReader, encoding: str) -> Iterator[SourceLine]:
        text = (line.decode(encoding) for line in self._lines(file, skip=BOM))
        reader = csv.reader(text, delimiter=self._delimiter, strict=True)
        start = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                # The module's messages name its rule, never what it read.
                raise self._wrong(
                    f"the file is not CSV ({error})", _CLOSED, start
                ) from error
            if row is None:
                return
            if any(row):
                yield start, row
            start = reader.line_num + 1

    def _lines(self, file: LineReader, *, skip: bytes = b"") -> Iterator[bytes]:
        number = unpacked = 0
        limit = max(_RATIO_FROM, RATIO_MAX * self._path.stat().st_size)
        while line := file.readline(LINE_MAX + 1):
            number += 1
            if len(line) > LINE_MAX:
                raise self._wrong(
                    "a line is too long", f"at most {LINE_MAX} bytes", number
                )
            unpacked += len(line)
            if self._gzipped and unpacked > limit:
                raise self._wrong(
                    "the gzipped file unpacks to far too much",
                    f"at most {RATIO_MAX} times its size",
                    number,
                )
            self.done = unpacked
            yield line.removeprefix(skip) if number == 1 else line

    @contextmanager
    def _open(self) -> Iterator[LineReader]:
        try:
            if self._gzipped:
                with gzip.open(self._path) as file:
                    yield file
            else:
                with self._path.open("rb") as plain:
                    yield plain
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Malformed(
                "the gzipped file is cut off or damaged",
                code="file_damaged",
                expected="a file that `gzip -t` finds whole",
                found=type(error).__name__,
                where=self.name,
            ) from error
        except OSError as error:
            raise Malformed(
                "the file cannot be read",
                code="file_unreadable",
                found=error.strerror or type(error).__name__,
                where=str(self._path),
            ) from error

    def _wrong(self, reason: str, expected: str, line: int) -> Malformed:
        return Malformed(
            reason,
            code="file_format",
            expected=expected,
            where=f"{self.name}, line {line}",
        )


def _fits(table: CsvFile) -> SourceTable:
    return table
