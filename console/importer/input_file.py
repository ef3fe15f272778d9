"""What a file is, by its first bytes and never by its name: CSV, gzipped CSV or XLSX."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from console.importer.csv_file import GZIP, CsvFile
from console.importer.dates import DateForm
from console.importer.mapping import StockMapping
from console.importer.source_table import SourceTable
from console.importer.workbook import ZIP, Workbook
from ledger.errors import Malformed

_HEAD: Final = 8
_OTHERS: Final = (
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\xd0\xcf\x11\xe0", "an old .xls, or an XLSX with a password"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "Parquet"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
)


def open_file(path: Path, mapping: StockMapping) -> SourceTable:
    """The table in a file, read as a mapping says; raises Malformed as ``open_table``."""
    return open_table(
        path,
        encoding=mapping.encoding,
        delimiter=mapping.delimiter,
        sheet=mapping.sheet,
        dates=mapping.dates,
    )


def open_table(
    path: Path, *, encoding: str, delimiter: str, sheet: str, dates: DateForm
) -> SourceTable:
    """The table in a file; raises Malformed for a file that is none of the three."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise Malformed(
            "the file cannot be read",
            code="file_unreadable",
            found=error.strerror or type(error).__name__,
            where=str(path),
        ) from error
    if head.startswith(ZIP):
        return Workbook(path, sheet=sheet, dates=dates)
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise Malformed(
                "not a kind of file that can be imported",
                code="file_kind",
                expected="CSV in UTF-8 or GB18030, the same gzipped, or XLSX",
                found=what,
                where=path.name,
            )
    return CsvFile(
        path,
        encoding=encoding,
        delimiter=delimiter,
        gzipped=head.startswith(GZIP),
    )
