"""``python -m console.importer.sheet_reader FILE SHEET DATES``: a sheet's rows on stdout.

A process of its own, its memory bounded, for ``console.importer.workbook``: frames of
u32 length and msgpack. The library gives a failed formula as an empty cell; where they
are is read from the sheet's own XML.
"""

from __future__ import annotations

import contextlib
import re
import resource
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, Final
from xml.etree import ElementTree as ET

import msgspec
from python_calamine import CalamineError, CalamineSheet, load_workbook

from console.importer.cells import number_text
from console.importer.dates import DateForm

MEMORY_MAX: Final = 3 << 30
UNPACKED_MAX: Final = 2 << 30
FRAME_SIZE: Final = 4

_ROWS: Final = 500
_CHUNK: Final = 1 << 20
_ROW_MAX: Final = 32 << 20
_PART_MAX: Final = 4 << 20
_ERRORS_MAX: Final = 100_000
_MERGED_MAX: Final = 1_000_000
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
)
_ERROR_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*\bt=[\"']e[\"'])[^>]*\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']"
    rb"[^>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]{1,20})<",
    re.DOTALL,
)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows, or why there are none: then ``reason`` is not empty."""

    rows: list[tuple[int, list[str]]] = []
    last: bool = False
    reason: str = ""
    expected: str = ""
    found: str = ""


class _Unreadable(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, reason: str, *, expected: str = "", found: str = "") -> None:
        super().__init__(reason)
        self.frame = Frame(reason=reason, expected=expected, found=found)


def main(arguments: list[str]) -> int:
    """Writes the frames; a reader that goes away ends it."""
    path, sheet, dates = arguments
    with contextlib.suppress(ValueError, OSError):  # not every system can
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    try:
        for frame in _frames(Path(path), sheet, DateForm(pattern=dates)):
            _write(frame)
    except _Unreadable as unreadable:
        _write(unreadable.frame)
    except (CalamineError, zipfile.BadZipFile, zipfile.LargeZipFile, ET.ParseError):
        _write(
            Frame(
                reason="the workbook is damaged",
                expected="an XLSX that a spreadsheet opens",
            )
        )
    except (KeyError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        _write(
            Frame(
                reason="the workbook cannot be read",
                expected="an XLSX without a password",
                found=type(error).__name__,
            )
        )
    return 0


def _frames(path: Path, sheet: str, dates: DateForm) -> Iterator[Frame]:
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > UNPACKED_MAX:
            raise _Unreadable(
                "the workbook unpacks to too much",
                expected=f"at most {UNPACKED_MAX >> 20} MiB; CSV has no limit",
                found=f"{size >> 20} MiB",
            )
        name, part = _chosen(archive, sheet)
        errors = _errors(archive, part)
    rows = _rows(load_workbook(str(path)).get_sheet_by_name(name), errors, dates)
    bundle: list[tuple[int, list[str]]] = []
    for row in rows:
        bundle.append(row)
        if len(bundle) >= _ROWS:
            yield Frame(rows=bundle)
            bundle = []
    yield Frame(rows=bundle, last=True)


def _chosen(archive: zipfile.ZipFile, wanted: str) -> tuple[str, str]:
    """Name and part of the sheet: the one that is named, or the only one."""
    targets = {
        one.get("Id"): one.get("Target", "")
        for one in _xml(archive, "xl/_rels/workbook.xml.rels")
    }
    sheets = {
        str(one.get("name")): targets.get(one.get(_RELATION), "")
        for one in _xml(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")
        if one.get("state", "visible") == "visible" or one.get("name") == wanted
    }
    names = list(sheets)
    if not wanted and len(names) == 1:
        wanted = names[0]
    if wanted not in sheets:
        raise _Unreadable(
            "no sheet of this workbook is named",
            expected="source.sheet, of `mapping new` --sheet: one of "
            + ", ".join(names)[:300],
            found=wanted[:60],
        )
    target = sheets[wanted]
    return wanted, target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _xml(archive: zipfile.ZipFile, part: str) -> ET.Element:
    with archive.open(part) as file:
        data = file.read(_PART_MAX)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _Unreadable("the workbook declares entities", expected="a plain XLSX")
    return ET.fromstring(data)  # noqa: S314 - no entities, bounded


def _errors(archive: zipfile.ZipFile, part: str) -> dict[tuple[int, int], str]:
    """Where formulas failed: (row, column) from 0, and the error's name."""
    found: dict[tuple[int, int], str] = {}
    with archive.open(part) as file:
        for rows in _whole_rows(file):
            for cell in _ERROR_CELL.finditer(rows):
                place = int(cell[2]) - 1, _column(cell[1])
                found[place] = cell[3].decode("utf-8", "replace")
                if len(found) > _ERRORS_MAX:
                    raise _Unreadable(
                        "too many formulas of the sheet failed",
                        expected="values instead of formulas",
                        found=f"more than {_ERRORS_MAX}",
                    )
    return found


def _whole_rows(file: IO[bytes]) -> Iterator[bytes]:
    """The sheet's XML, cut behind rows: no cell is torn."""
    held = b""
    while chunk := file.read(_CHUNK):
        held += chunk
        cut = held.rfind(b"</row>") + 1
        if cut:
            yield held[:cut]
            held = held[cut:]
        elif len(held) > _ROW_MAX:
            raise _Unreadable(
                "a row of the sheet is too long", expected=f"{_ROW_MAX} bytes"
            )
    yield held


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _rows(
    sheet: CalamineSheet, errors: Mapping[tuple[int, int], str], dates: DateForm
) -> Iterator[tuple[int, list[str]]]:
    if sheet.start is None:
        return
    left = sheet.start[1]
    failed: dict[int, dict[int, str]] = {}
    for (row, column), error in errors.items():
        failed.setdefault(row, {})[column - left] = error
    merged = _Merged(sheet, left)
    for number, values in enumerate(sheet.iter_rows()):
        cells = [_text(value, dates) for value in values]
        for column, error in failed.get(number, {}).items():
            if 0 <= column < len(cells):
                cells[column] = error
        merged.fill(number, cells)
        if any(cells):
            yield number + 1, cells


class _Merged:
    """Merged ranges: their first cell's value goes into each of their cells."""

    def __init__(self, sheet: CalamineSheet, left: int) -> None:
        self._left = left
        self._starting: dict[int, list[tuple[int, int, int]]] = {}
        self._open: list[tuple[int, int, int, str]] = []
        for (top, first), (bottom, last) in (sheet.merged_cell_ranges or ())[
            :_MERGED_MAX
        ]:
            self._starting.setdefault(top, []).append((bottom, first, last))

    def fill(self, row: int, cells: list[str]) -> None:
        self._open = [one for one in self._open if one[0] >= row]
        for bottom, first, last in self._starting.get(row, ()):
            at = first - self._left
            value = cells[at] if 0 <= at < len(cells) else ""
            self._open.append((bottom, at, last - self._left, value))
        for _, first, last, value in self._open:
            for column in range(max(first, 0), min(last + 1, len(cells))):
                cells[column] = value


def _text(value: Any, dates: DateForm) -> str:
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return number_text(value)
        case datetime():
            day = dates.write(value.date())
            return day if value.time() == time() else f"{day} {value.time():%H:%M:%S}"
        case date():
            return dates.write(value)
        case time() | timedelta():
            return str(value)
        case _:
            return str(value)


def _write(frame: Frame) -> None:
    data = msgspec.msgpack.encode(frame)
    sys.stdout.buffer.write(len(data).to_bytes(FRAME_SIZE, "big") + data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
