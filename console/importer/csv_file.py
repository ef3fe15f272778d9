"""A CSV file as it comes: lines bounded, bytes hashed, header checked, nothing trusted."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from console.importer.mapping import StockMapping
from ledger.errors import Malformed

LINE_MAX: Final = 1_048_576
_BOM: Final = b"\xef\xbb\xbf"


class CsvFile:
    """The rows of one file under a mapping; reads it once, front to back.

    Memory: one row. A row that quotes wrongly makes the whole file Malformed: what comes
    after it could be anything.
    """

    def __init__(self, path: Path, mapping: StockMapping) -> None:
        self._path = path
        self._mapping = mapping
        self._sha256 = hashlib.sha256()
        self.bytes_read = 0
        self.width = 0

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._path.stat().st_size

    @property
    def sha256(self) -> str:
        """Lower-case hex of what was read."""
        return self._sha256.hexdigest()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not blank, with the line on which it starts.

        Bytes that do not decode come as lone surrogates. Raises Malformed for a file that
        cannot be read, is no CSV, or lacks a mapped column.
        """
        try:
            with self._path.open("rb") as file:
                yield from self._rows(file)
        except OSError as error:
            raise Malformed(
                "the file cannot be read",
                code="file_unreadable",
                found=error.strerror or type(error).__name__,
                where=str(self._path),
            ) from error

    def columns(self, header: list[str]) -> Mapping[str, int]:
        """Where each mapped column stands; raises Malformed when one is not there once."""
        names = [name.strip() for name in header]
        count = Counter(names)
        wanted = sorted(self._mapping.columns)
        missing = [name for name in wanted if not count[name]]
        if missing:
            raise self._wrong(
                "the header lacks mapped columns",
                ", ".join(missing),
                1,
                code="csv_columns",
            )
        twice = [name for name in wanted if count[name] > 1]
        if twice:
            raise self._wrong(
                "the header repeats mapped columns",
                "each once: " + ", ".join(twice),
                1,
                code="csv_columns",
            )
        self.width = len(names)
        return {name: names.index(name) for name in wanted}

    def _rows(self, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(
            self._lines(file), delimiter=self._mapping.delimiter, strict=True
        )
        start = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                # The module's messages name its rule, never what it read.
                raise self._wrong("the file is not CSV", str(error), start) from error
            if row is None:
                return
            if row:
                yield start, row
            start = reader.line_num + 1

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        number = 0
        while line := file.readline(LINE_MAX + 1):
            number += 1
            if len(line) > LINE_MAX:
                raise self._wrong("a line is too long", f"{LINE_MAX} bytes", number)
            self._sha256.update(line)
            self.bytes_read += len(line)
            if number == 1:
                line = line.removeprefix(_BOM)
            yield line.decode(self._mapping.encoding, errors="surrogateescape")

    def _wrong(
        self, reason: str, expected: str, line: int, *, code: str = "file_format"
    ) -> Malformed:
        return Malformed(
            reason,
            code=code,
            expected=expected,
            where=f"{self._path.name}, line {line}",
        )
