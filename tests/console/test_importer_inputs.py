"""What files come in: encodings, gzip, workbooks; and what is no such file."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import assume, example, given
from hypothesis import strategies as st

from console.importer.csv_file import RATIO_MAX
from console.importer.encodings import Decoding
from ledger.errors import Malformed
from tests.console.imports import (
    COLUMNS,
    MAPPING,
    csv_file,
    csv_text,
    mapping,
    read_rows,
    row,
)

RARE = "𠮷野家𬱖\ue5f1㐂\U00030edd"
"""生僻字: CJK extension A, B, F, G, and a private-use character."""


def named(encoding: str) -> Any:
    return mapping(
        MAPPING.replace('row_key = "Id"', f'row_key = "Id"\nencoding = "{encoding}"')
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_encoding_is_found_and_rare_characters_stay_as_they_are(
    tmp_path: Path, encoding: str, *, packed: bool
) -> None:
    data = csv_text(row(Name=RARE)).encode(encoding)
    path = tmp_path / "stock"
    path.write_bytes(gzip.compress(data) if packed else data)
    [found], rejects = read_rows(path)
    assert (found.values["name"], rejects) == (RARE, [])


def encoding_of(data: bytes, named: str = "auto") -> str:
    lines = data.splitlines(keepends=True)
    return Decoding().look(lines).encoding(named, where="stock.csv")


@given(
    st.lists(st.text(alphabet="许可证名称张王李赵茶馆有限公司沈阳abc,1", min_size=8))
)
def test_chinese_text_is_never_taken_for_the_other_encoding(lines: list[str]) -> None:
    text = "\n".join(line for line in lines)
    assume(not text.isascii())
    for encoding in ("utf-8", "gb18030"):
        data = text.encode(encoding)
        try:
            found = encoding_of(data)
        except Malformed:
            continue  # a word or two may be either: then the mapping must say
        assert data.decode(found) == text


@given(st.binary(max_size=300))
@example("联通".encode("gb18030"))
@example("茅".encode("gb18030"))
@example(b"\xef\xbb\xbf\xff")
def test_whatever_is_found_decodes_every_byte(data: bytes) -> None:
    try:
        found = encoding_of(data)
    except Malformed:
        return
    for line in data.splitlines(keepends=True):
        assert line.decode(found).encode(found) == line


@pytest.mark.parametrize(
    ("data", "given_encoding", "found"),
    [
        ("茶馆".encode() + b"\n\xff\n", "auto", "byte 1 of line 2"),
        ("茶馆\n".encode() * 9 + b"\xb2\xe8\n", "auto", "not UTF-8: 0xb2, byte 1"),
        (b"a,\xff\n", "utf-8", "0xff, byte 3 of line 1"),
        (b"a,\x80\n", "gb18030", "0x80, byte 3 of line 1"),
        (b"\xef\xbb\xbfa\n\xb2\xe8", "gb18030", "0xb2, byte 1 of line 2"),
        ("茶馆".encode(), "gb18030", ""),
        ("茅".encode("gb18030"), "auto", ""),
    ],
)
def test_file_in_no_sure_encoding_is_one_error_with_line_and_byte(
    data: bytes, given_encoding: str, found: str
) -> None:
    with pytest.raises(Malformed) as caught:
        encoding_of(data, given_encoding)
    assert found in caught.value.found


def test_ascii_alone_is_any_encoding(tmp_path: Path) -> None:
    path = csv_file(tmp_path, row(Name="tea house"))
    for encoding in ("auto", "utf-8", "gb18030"):
        [found], _ = read_rows(path, named(encoding))
        assert found.values["name"] == "tea house"


def test_gzip_that_was_cut_off_is_one_error(tmp_path: Path) -> None:
    data = gzip.compress(csv_text(*[row(Id=f"r{n}") for n in range(500)]).encode())
    for size in (len(data) // 2, len(data) - 4, 12):
        path = tmp_path / "stock.csv.gz"
        path.write_bytes(data[:size])
        with pytest.raises(Malformed, match="cut off or damaged"):
            read_rows(path)


def test_gzip_with_a_flipped_byte_is_one_error(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(csv_text(row()).encode()))
    data[-6] ^= 1  # in the check sum
    path = tmp_path / "stock.csv.gz"
    path.write_bytes(data)
    with pytest.raises(Malformed, match="cut off or damaged"):
        read_rows(path)


def test_bomb_is_an_error_and_not_a_full_memory(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(csv_text().encode())
        for _ in range(80):  # MiB
            file.write((b"a," * 2_047 + b"b\n") * 256)
    assert path.stat().st_size * RATIO_MAX < 80 << 20
    with pytest.raises(Malformed, match="far too much"):
        read_rows(path)


def test_field_of_ten_megabytes_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(csv_text() + '"' + "x" * 10_000_000 + '"\n')
    with pytest.raises(Malformed, match="too long"):
        read_rows(path)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("a,b".encode("utf-16"), "UTF-16"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", ".xls"),
        (b"%PDF-1.7", "PDF"),
        (b"7z\xbc\xaf'\x1c", "7z"),
    ],
)
def test_other_kinds_of_files_are_named(
    tmp_path: Path, head: bytes, found: str
) -> None:
    path = tmp_path / "stock.csv"
    path.write_bytes(head)
    with pytest.raises(Malformed, match="not a kind of file") as caught:
        read_rows(path)
    assert found in caught.value.found


@pytest.mark.parametrize(("delimiter", "name"), [(";", ";"), ("\t", "a tab")])
def test_wrong_delimiter_is_named(tmp_path: Path, delimiter: str, name: str) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(csv_text(row(Name="tea")).replace(",", delimiter))
    with pytest.raises(Malformed, match="lacks mapped columns") as caught:
        read_rows(path)
    assert caught.value.found == f"one column: the delimiter is {name}"


def test_header_that_is_not_there_is_said_without_quoting_the_row(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(csv_text(row(Name="王秘密")).split("\n", 1)[1])
    with pytest.raises(Malformed, match="lacks mapped columns") as caught:
        read_rows(path)
    assert "source.header_row of the mapping says" in caught.value.found
    assert "王秘密" not in str(caught.value)


def test_title_lines_stand_above_the_header(tmp_path: Path) -> None:
    given = MAPPING.replace('row_key = "Id"', 'row_key = "Id"\nheader_row = 3')
    path = tmp_path / "stock.csv"
    path.write_text("证照清单\n截至2026年\n" + csv_text(row(), row(Id="b", Done="?")))
    [good], [bad] = read_rows(path, mapping(given))
    assert (good.line, bad.line) == (4, 5)


def test_row_of_nothing_but_delimiters_is_blank(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(csv_text(row()) + "," * (len(COLUMNS) - 1) + "\n")
    assert [len(found) for found in read_rows(path)] == [1, 0]


# --- workbooks

Fill = Callable[[Any, Any], None]


def workbook(path: Path, fill: Fill, *, sheet: str = "证照", more: str = "") -> Path:
    book = xlsxwriter.Workbook(str(path))
    fill(book, book.add_worksheet(sheet))
    if more:
        book.add_worksheet(more)
    book.close()
    return path


def table(*rows: dict[str, Any]) -> Fill:
    """Rows under all columns; dates as date cells, numbers as numbers."""

    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for at, name in enumerate(COLUMNS):
            sheet.write(0, at, name)
            for line, one in enumerate(rows, 1):
                if isinstance(one[name], date):
                    sheet.write_datetime(line, at, one[name], day)
                else:
                    sheet.write(line, at, one[name])

    return fill


def cells(**changes: Any) -> dict[str, Any]:
    return {**row(), **{name.replace("_", " "): v for name, v in changes.items()}}


def test_workbook_cells_of_every_kind_are_read(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "stock.xlsx",
        table(
            cells(
                Id=17,
                Number=100,
                Name=RARE,
                Seats=40,
                Area=12.5,
                Built=date(1999, 12, 31),
                Done=datetime(2020, 2, 1, 10, 30),  # noqa: DTZ001 - cells have no zone
            )
        ),
    )
    [found], rejects = read_rows(path)
    assert rejects == []
    assert (found.line, found.key) == (2, "17")
    assert found.license_id.endswith(".100")
    assert found.values["name"] == RARE
    assert found.values["seats"] == 40
    assert found.values["area_m2"] == "12.5"
    assert found.values["built"] == "1999-12-31"
    assert found.acts[0].day == (date(2020, 2, 1) - date(1970, 1, 1)).days


def test_failed_formulas_and_numbers_that_lost_digits_are_rejected_by_name(
    tmp_path: Path,
) -> None:
    def fill(book: Any, sheet: Any) -> None:
        table(cells(), cells(Id="b"), cells(Id="c", Account=210102190001010014))(
            book, sheet
        )
        sheet.write_formula(2, COLUMNS.index("Trade"), "=NA()", None, "#N/A")

    _, rejects = read_rows(workbook(tmp_path / "stock.xlsx", fill))
    assert [(one.line, one.column, one.reason) for one in rejects] == [
        (3, "Trade", "formula_error"),
        (4, "Account", "scientific_number"),
    ]


def test_merged_cells_say_the_same_in_each_row_and_blank_rows_nothing(
    tmp_path: Path,
) -> None:
    def fill(book: Any, sheet: Any) -> None:
        table(cells(), cells(Id="r2", Number="200"))(book, sheet)
        at = COLUMNS.index("Trade")
        sheet.merge_range(1, at, 2, at, "tea")
        sheet.write(5, COLUMNS.index("Id"), "r3")

    good, rejects = read_rows(workbook(tmp_path / "stock.xlsx", fill))
    assert [one.values["trade"] for one in good] == ["tea", "tea"]
    assert [one.line for one in rejects] == [6]


def test_sheet_is_the_only_one_or_named_by_the_mapping(tmp_path: Path) -> None:
    path = workbook(tmp_path / "stock.xlsx", table(cells()), more="说明")
    with pytest.raises(Malformed, match="is named") as caught:
        read_rows(path)
    assert (
        caught.value.expected
        == "source.sheet, of `mapping new` --sheet: one of 证照, 说明"
    )
    given = MAPPING.replace('row_key = "Id"', 'row_key = "Id"\nsheet = "证照"')
    assert len(read_rows(path, mapping(given))[0]) == 1


def test_two_cells_far_apart_end_the_reader_and_not_the_import(tmp_path: Path) -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write(0, 0, "Id")
        sheet.write(1_048_575, 16_383, "x")

    path = workbook(tmp_path / "stock.xlsx", fill)
    with pytest.raises(Malformed, match="cannot be read") as caught:
        read_rows(path)
    assert "MiB" in caught.value.expected


def test_workbook_that_is_damaged_or_no_workbook_is_one_error(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "whole.xlsx", table(cells())).read_bytes()
    path = tmp_path / "stock.xlsx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Malformed, match="damaged"):
        read_rows(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(Malformed, match="cannot be read"):
        read_rows(path)
