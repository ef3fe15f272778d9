"""Where ``mapping new`` finds the header, and by what it knows the license type."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from console.catalogue_page import packaged_types
from console.importer.license_type import packaged_type
from console.importer.proposal import propose, types_by_name
from console.importer.sample import look_at
from ledger.errors import Malformed
from tests.console.cli_ledger import call
from tests.console.test_importer_proposal import HEADER, PERMIT, ROWS, read, written


def test_workbook_is_looked_at_like_any_list(tmp_path: Path) -> None:
    path = tmp_path / "permits.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for sheet in ("证照", "说明"):
        table = book.add_worksheet(sheet)
        for at, line in enumerate((HEADER, *ROWS)):
            table.write_row(at + 1, 0, line.split(","))
    book.close()
    kind = packaged_type(PERMIT)
    assert kind is not None
    made = propose(look_at(path, sheet="证照"), kind, system="")
    assert made.questions == []
    found = read(made)
    assert (found.sheet, found.header_row, found.row_key) == ("证照", 2, ("数据标识",))
    with pytest.raises(Malformed, match="is named"):
        look_at(path, sheet="")


def test_title_over_merged_cells_is_no_header_and_names_the_type(
    tmp_path: Path,
) -> None:
    path = tmp_path / "permits.xlsx"
    book = xlsxwriter.Workbook(str(path))
    table = book.add_worksheet("台账")
    names = HEADER.split(",")
    title = "2026年安全生产许可证发放台账"
    table.merge_range(0, 0, 0, len(names) - 1, title)
    for at, line in enumerate((HEADER, *ROWS)):
        table.write_row(at + 1, 0, line.split(","))
    book.close()
    sample = look_at(path, sheet="")
    assert (sample.header_row, len(sample.columns)) == (2, len(names))
    assert [kind.code for kind in types_by_name(sample, packaged_types())] == [PERMIT]
    assert call("mapping", "new", str(path)).code == 0


def test_header_of_two_lines_is_read_at_the_second(tmp_path: Path) -> None:
    path = tmp_path / "permits.xlsx"
    book = xlsxwriter.Workbook(str(path))
    table = book.add_worksheet("台账")
    names = HEADER.split(",")
    table.merge_range(0, 0, 0, len(names) - 1, "台账")
    for at, name in enumerate(names):
        if not name.startswith("有效期"):
            table.merge_range(1, at, 2, at, name)
    first = names.index("有效期起")
    table.merge_range(1, first, 1, first + 1, "有效期")
    table.write_row(2, first, ("起", "止"))
    for at, line in enumerate(ROWS):
        table.write_row(at + 3, 0, line.split(","))
    book.close()
    sample = look_at(path, sheet="")
    assert sample.header_row == 3
    told = [name.removeprefix("有效期") for name in names]
    assert [column.name for column in sample.columns] == told
    kind = packaged_type(PERMIT)
    assert kind is not None
    found = read(propose(sample, kind, system="permits"))
    assert (found.valid_from, found.valid_until) == ("起", "止")


def test_type_is_known_by_the_name_of_the_file_or_a_column(tmp_path: Path) -> None:
    kind = packaged_type(PERMIT)
    assert kind is not None
    other = written(tmp_path, HEADER, *ROWS)
    assert list(types_by_name(look_at(other, sheet=""), [kind])) == []
    named = written(tmp_path, HEADER, *ROWS, name="2026年安全生产许可证.csv")
    assert list(types_by_name(look_at(named, sheet=""), [kind])) == [kind]
    column = written(
        tmp_path, HEADER + ",证照类型", *(row + ",安全生产许可证" for row in ROWS)
    )
    assert list(types_by_name(look_at(column, sheet=""), [kind])) == [kind]
