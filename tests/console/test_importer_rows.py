from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.importer.csv_file import LINE_MAX
from console.importer.rejects import Reject, guarded, restored, write_rejects
from console.importer.source_row import SourceAct
from ledger.errors import Malformed, Unavailable
from ledger.workdays import date_to_day
from tests.console.imports import (
    COLUMNS,
    DEPARTMENT,
    MAPPING,
    csv_file,
    csv_text,
    mapping,
    read_rows,
    row,
)

CITIZEN = "210102190001010014"


def test_row_becomes_holder_values_and_acts_in_order(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        row(
            Seats="40",
            Area="12.5",
            Built="31.12.1999",
            Phone="13800138000",
            Status="closed",
            Status_on="05.06.2021",
        ),
    )
    [found], rejects = read_rows(path)
    assert rejects == []
    assert found.line == 2
    assert found.license_id == f"1.2.156.3005.2.{DEPARTMENT}900.{DEPARTMENT}.100"
    assert found.holder_code == "A-1"
    assert found.values == {
        "name": "白玉兰茶馆",
        "trade": "tea",
        "seats": 40,
        "area_m2": "12.5",
        "built": "1999-12-31",
        "phone": "13800138000",
        "valid_from": "2020-02-01",
        "valid_until": "2025-01-31",
    }
    assert found.acts == (
        SourceAct(
            day=date_to_day("2020-02-01"),
            order=0,
            source_act="new",
            act="ISSUE",
            face=True,
        ),
        SourceAct(
            day=date_to_day("2021-06-05"),
            order=1,
            source_act="closed",
            act="CANCEL",
            face=False,
        ),
    )


def test_empty_cells_are_no_value_and_no_term(tmp_path: Path) -> None:
    [found], _ = read_rows(csv_file(tmp_path, row(Trade="", Until="", From="")))
    assert found.values["trade"] is None
    assert found.values["valid_from"] is None
    assert found.values["valid_until"] is None


def test_outer_spaces_are_not_part_of_a_value(tmp_path: Path) -> None:
    [found], _ = read_rows(csv_file(tmp_path, row(Name=" 茶馆\u3000", Kind="new ")))
    assert found.values["name"] == "茶馆"


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"Name": ""}, "Name", "missing_value"),
        ({"Id": ""}, "Id", "missing_value"),
        ({"Id": "x" * 201}, "Id", "too_long"),
        ({"Id": CITIZEN}, "Id", "clear_personal_data"),
        ({"Number": ""}, "Number", "missing_value"),
        ({"Number": "10 0"}, "Number", "not_a_serial"),
        ({"Number": "=cmd()"}, "Number", "not_a_serial"),
        ({"Number": CITIZEN}, "Number", "clear_personal_data"),
        ({"Account": ""}, "Account", "missing_value"),
        ({"Account": "A" * 65}, "Account", "not_a_holder_code"),
        ({"Trade": f"tea {CITIZEN}"}, "Trade", "clear_personal_data"),
        ({"Seats": "4.5"}, "Seats", "not_a_number"),
        ({"Seats": "9" * 19}, "Seats", "not_a_number"),
        ({"Area": "12.5㎡"}, "Area", "not_a_number"),
        ({"Area": "1e3"}, "Area", "not_a_number"),
        ({"Built": "1999-12-31"}, "Built", "not_a_date"),
        ({"Phone": "call me"}, "Phone", "wrong_format"),
        ({"Kind": "NEW"}, "Kind", "unknown_value"),
        ({"Kind": "=cmd()"}, "Kind", "unknown_value"),
        ({"Done": ""}, "Done", "missing_value"),
        ({"Done": "31.02.2020"}, "Done", "not_a_date"),
        ({"Status": "closed"}, "Status on", "missing_value"),
        ({"From": "01.02.2025", "Until": "31.01.2025"}, "Until", "ends_before_start"),
        ({"Trade": "x" * 2_001}, "Trade", "too_long"),
        ({"Name": "a\x00b"}, "Name", "control_character"),
        ({"Name": "a\x85b"}, "Name", "control_character"),
        ({"Name": "a\nb"}, "Name", "control_character"),
    ],
)
def test_row_with_a_mistake_is_rejected_by_column_and_reason(
    tmp_path: Path, changes: dict[str, str], column: str, reason: str
) -> None:
    good, [reject] = read_rows(csv_file(tmp_path, row(**changes), row(Id="r2")))
    assert [one.key for one in good] == ["r2"]
    assert (reject.line, reject.column, reject.reason) == (2, column, reason)


def test_one_day_term_is_no_mistake(tmp_path: Path) -> None:
    path = csv_file(tmp_path, row(From="01.02.2025", Until="01.02.2025"))
    assert read_rows(path)[1] == []


def test_row_that_tells_of_no_act_is_rejected(tmp_path: Path) -> None:
    text = MAPPING.replace('column = "Kind"', 'skip = [""]\ncolumn = "Kind"')
    _, [reject] = read_rows(csv_file(tmp_path, row(Kind="")), mapping(text))
    assert (reject.column, reject.reason) == ("Kind", "no_act")


def test_formula_in_a_text_column_is_carried_as_text(tmp_path: Path) -> None:
    [found], _ = read_rows(csv_file(tmp_path, row(Trade="=cmd()|' /C calc'!A0")))
    assert found.values["trade"] == "=cmd()|' /C calc'!A0"


def test_rejects_never_carry_a_value(tmp_path: Path) -> None:
    hidden = "王秘密"
    hostile = [row(**{name: hidden}) for name in COLUMNS if " " not in name]
    hostile += [row(Status=hidden), row(Status="closed", Status_on=hidden)]
    _, rejects = read_rows(csv_file(tmp_path, *hostile))
    assert len(rejects) >= 9
    assert hidden not in repr(rejects)


def test_row_too_long_for_one_record_is_rejected(tmp_path: Path) -> None:
    names = [f"text_{n}" for n in range(30)]
    face = 'zh = "文"\nvalue = "s"\nmandatory = false\ndata_class = 1\n'
    given = MAPPING.replace(
        "[fields]\n", "[fields]\n" + "".join(f'{n} = "{n}"\n' for n in names)
    ) + "".join(f"[type.fields.{name}]\n{face}" for name in names)
    for size, fits in ((1_500, True), (2_000, False)):
        path = tmp_path / f"{size}.csv"
        header, cells, _ = csv_text(row()).split("\n")
        path.write_text(
            f"{header},{','.join(names)}\n{cells},{','.join(['x' * size] * 30)}\n"
        )
        good, rejects = read_rows(path, mapping(given))
        assert bool(good) is fits
        assert [one.reason for one in rejects] == ([] if fits else ["row_too_long"])


@pytest.mark.parametrize("cells", [3, len(COLUMNS) - 1, len(COLUMNS) + 1])
def test_row_with_another_number_of_columns_is_rejected(
    tmp_path: Path, cells: int
) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(csv_text(row()) + ",".join(["x"] * cells) + "\n\n" + "\n")
    good, [reject] = read_rows(path)
    assert len(good) == 1
    assert (reject.line, reject.reason) == (3, "wrong_column_count")
    assert reject.expected == f"{len(COLUMNS)} 列，与表头相同 / columns, as the header"


def test_other_encodings_delimiters_and_a_byte_order_mark_are_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stock.csv"
    text = csv_text(row()).replace(",", ";").replace("\n", "\r\n")
    path.write_bytes(text.encode("gb18030"))
    given = MAPPING.replace(
        'row_key = "Id"', 'row_key = "Id"\nencoding = "gb18030"\ndelimiter = ";"'
    )
    [found], rejects = read_rows(path, mapping(given))
    assert (found.values["name"], rejects) == ("白玉兰茶馆", [])
    path.write_bytes(b"\xef\xbb\xbf" + csv_text(row()).encode())
    assert read_rows(path)[0][0].key == "r1"


def test_line_is_that_on_which_a_row_starts(tmp_path: Path) -> None:
    path = csv_file(tmp_path, row(Remark="one\ntwo\nthree"), row(Id="r2", Kind="?"))
    good, [reject] = read_rows(path)
    assert good[0].line == 2
    assert reject.line == 5


@pytest.mark.parametrize(
    ("text", "reason", "expected"),
    [
        ("", "lacks", "Account"),
        ("\n", "lacks", "Account"),
        (csv_text().replace("Kind", "Art"), "lacks", "Kind"),
        (csv_text().replace("Remark", "Name"), "repeats", "Name"),
        (csv_text() + '"open quote\n', "unexpected end", "quotes that are closed"),
        (csv_text() + 'a,"b"c,d\n', "expected after", "quotes that are closed"),
        (csv_text() + "x" * 131_073 + "\n", "field limit", "quotes that are closed"),
        (csv_text() + "x" * (LINE_MAX + 1), "too long", str(LINE_MAX)),
    ],
)
def test_file_that_does_not_go_with_the_mapping_is_malformed(
    tmp_path: Path, text: str, reason: str, expected: str
) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(text)
    with pytest.raises(Malformed, match=reason) as caught:
        read_rows(path)
    assert expected in caught.value.expected
    assert caught.value.where.startswith("stock.csv, line ")


def test_missing_file_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="cannot be read"):
        read_rows(tmp_path / "none.csv")


def test_rejects_file_is_replaced_whole_and_its_owner_alone_reads_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rejects" / "0.csv"
    one = Reject(line=7, column="=cmd()", reason="not_a_date", expected="-1, or so")
    cells = ["=cmd|' /C calc'!A0", "210102190001010014", "茶馆"]
    rest: dict[str, Any] = {"header": ["a", "b", "c"], "delimiter": ";"}
    assert write_rejects(path, [(one, cells), (one, cells)], **rest) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == (
        "\ufeff行号 line;列 column;代码 code;原因;reason;要求 expected;a;b;c\n"
        + (
            "7;'=cmd();not_a_date;不是日期（时间），或不是本映射规定的写法;"
            "not a day (or time), or not spelt as the mapping says;'-1, or so;"
            "'=cmd|' /C calc'!A0;'210102190001010014;茶馆\n"
        )
        * 2
    )
    assert write_rejects(path, [], **rest) == 0
    assert list(path.parent.iterdir()) == []


@given(st.text(alphabet="'=+-@\t\r\nE0123456789.a茶＝") | st.text())
def test_cell_comes_back_from_a_rejects_file_as_it_was(text: str) -> None:
    assert restored(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "rejects").write_text("a file stands here")
    with pytest.raises(Unavailable, match="rejects file"):
        write_rejects(tmp_path / "rejects" / "0.csv", [], header=["a"], delimiter=",")
