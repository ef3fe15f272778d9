"""Fields that are more than one text: lists, rows, pictures, times, switches, constants."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.importer.dates import YEAR_FIRST, DateForm
from console.importer.items import split_items
from console.importer.rejects import Reject
from ledger.errors import Malformed
from tests.console.imports import (
    MAPPING,
    csv_file,
    mapping,
    read_rows,
    row,
)

CITIZEN = "210102190001010014"
PICTURE = b"\xff\xd8\xff\xe0 a photo"


def sourced(source: str, value: str = "l", *, more: str = "") -> str:
    """The test mapping whose field ``trade`` is of another kind and source."""
    text = MAPPING.replace('trade = "Trade"', f"trade = {source}")
    return text.replace('value = "t"', f'value = "{value}"' + more)


def trade(tmp_path: Path, text: str, **cells: str) -> Any:
    """What the field ``trade`` of one row is read as."""
    [found], _ = read_rows(csv_file(tmp_path, row(**cells)), mapping(text))
    return found.values["trade"]


def rejected(tmp_path: Path, text: str, **cells: str) -> Reject:
    good, [found] = read_rows(csv_file(tmp_path, row(**cells)), mapping(text))
    assert good == []
    return found


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("预包装食品销售", ["预包装食品销售"]),
        ("甲、乙；丙;丁|戊", ["甲", "乙", "丙", "丁", "戊"]),
        ("甲\n乙\r\n丙", ["甲", "乙", "丙"]),
        ("热食类（含凉菜、糕点）、自制饮品", ["热食类（含凉菜、糕点）", "自制饮品"]),
        ("a(b(c;d);e);f", ["a(b(c;d);e)", "f"]),
        ("没有关上（甲、乙", ["没有关上（甲", "乙"]),
        ("多关了）甲、乙", ["多关了）甲", "乙"]),
        (" 甲 、、 乙 ；", ["甲", "乙"]),
        ("、；", []),
    ],
)
def test_list_in_a_cell_is_cut_between_brackets(text: str, items: list[str]) -> None:
    assert split_items(text, "、；;|") == items


@given(st.text(st.sampled_from("甲乙（）()、；\n "), max_size=30))
def test_no_character_of_a_list_is_lost(text: str) -> None:
    found = "".join(split_items(text, "、；"))
    drop = str.maketrans("", "", "、；\n ")
    assert found.translate(drop) == text.translate(drop)


def test_one_cell_fills_a_list(tmp_path: Path) -> None:
    assert trade(tmp_path, sourced('"Trade"'), Trade="茶、点心\n冷饮") == {
        "strings": ["茶", "点心", "冷饮"]
    }


def test_items_stand_between_the_separators_of_the_mapping(tmp_path: Path) -> None:
    text = sourced('{ column = "Trade", separators = "，" }')
    assert trade(tmp_path, text, Trade="茶、点心，冷饮") == {
        "strings": ["茶、点心", "冷饮"]
    }


def test_several_columns_fill_one_list(tmp_path: Path) -> None:
    text = sourced('["Trade", "Remark"]')
    found = trade(tmp_path, text, Trade="茶", Remark="点心、冷饮")
    assert found == {"strings": ["茶", "点心", "冷饮"]}
    assert trade(tmp_path, text, Trade="", Remark="") is None


def test_columns_become_rows_and_rows_without_cells_are_left_out(
    tmp_path: Path,
) -> None:
    text = sourced('[{ name = "Trade", floor = "Remark" }, { name = "Seats" }]')
    text = text.replace('seats = "Seats"\n', "")
    assert trade(tmp_path, text, Trade="一号", Remark="", Seats="") == {
        "rows": [{"cells": [{"name": "name", "value": "一号"}]}]
    }
    assert trade(tmp_path, text, Trade="", Remark="", Seats="") is None


def test_empty_list_that_must_be_filled_is_rejected_by_its_column(
    tmp_path: Path,
) -> None:
    text = sourced('"Trade"').replace("mandatory = false", "mandatory = true", 1)
    found = rejected(tmp_path, text, Trade="、")
    assert (found.column, found.reason) == ("Trade", "missing_value")


def test_item_in_the_wrong_form_is_rejected(tmp_path: Path) -> None:
    text = sourced('"Trade"', more='\nformat = "phone"')
    found = rejected(tmp_path, text, Trade="13800138000、no phone")
    assert (found.column, found.reason) == ("Trade", "wrong_format")
    assert found.expected == "电话号码 / phone"


@pytest.mark.parametrize("source", ['"Trade"', '[{ id = "Trade" }]'])
def test_citizen_number_in_a_public_list_is_rejected(
    tmp_path: Path, source: str
) -> None:
    found = rejected(tmp_path, sourced(source), Trade=f"甲{CITIZEN}")
    assert (found.column, found.reason) == ("Trade", "clear_personal_data")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("甲" * 700, "too_long"), ("甲\t乙", "control_character")],
)
def test_item_is_bounded_like_any_text(tmp_path: Path, cell: str, reason: str) -> None:
    assert rejected(tmp_path, sourced('"Trade"'), Trade=cell).reason == reason
    many = "、".join(["甲" * 600] * 3)
    assert len(trade(tmp_path, sourced('"Trade"'), Trade=many)["strings"]) == 3


def test_line_break_is_let_through_in_lists_alone(tmp_path: Path) -> None:
    found = rejected(tmp_path, sourced('"Trade"'), Name="甲\n乙")
    assert (found.column, found.reason) == ("Name", "control_character")


def test_value_without_a_column_stands_in_every_row(tmp_path: Path) -> None:
    assert trade(tmp_path, sourced('{ always = "tea" }', "t"), Trade="wine") == "tea"
    assert trade(tmp_path, sourced('{ always = "茶、酒" }')) == {
        "strings": ["茶", "酒"]
    }


def picture_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(PICTURE)
    (folder / "empty.png").touch()
    (folder / "words.png").write_text("no picture")
    os.mkfifo(folder / "pipe.jpg")
    (tmp_path / "secret.jpg").write_bytes(b"not for sale")
    return folder


def test_picture_in_a_folder_becomes_its_digest_size_and_kind(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path)
    text = sourced(f'{{ column = "Trade", folder = "{folder}" }}', "p")
    digest = hashlib.new("sm3", PICTURE).hexdigest()
    reference = f"sm3:{digest}:{len(PICTURE)}:image/jpeg"
    assert trade(tmp_path, text, Trade="a.jpg") == reference
    assert trade(tmp_path, text, Trade="") is None


@pytest.mark.parametrize(
    "cell",
    [
        *("b.jpg", "../secret.jpg", "empty.png", "words.png", ".", "a.jpg/.."),
        *("\x7f.jpg", "/etc/hostname", "pipe.jpg"),
    ],
)
def test_what_is_no_picture_in_the_folder_is_rejected(
    tmp_path: Path, cell: str
) -> None:
    folder = picture_folder(tmp_path)
    text = sourced(f'{{ column = "Trade", folder = "{folder}" }}', "p")
    found = rejected(tmp_path, text, Trade=cell)
    assert found.column == "Trade"
    assert found.reason in ("no_picture", "control_character")
    assert cell not in found.expected or cell == "."


def test_picture_without_a_folder_is_its_own_reference(tmp_path: Path) -> None:
    reference = f"sm3:{'0' * 64}:12:image/jpeg"
    text = sourced('"Trade"', "p")
    assert trade(tmp_path, text, Trade=reference) == reference
    found = rejected(tmp_path, text, Trade="a.jpg")
    assert (found.column, found.reason) == ("Trade", "no_picture")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-3-1 8:05", "2025-03-01T08:05:00+08:00"),
        ("2025/3/1 23:59:58", "2025-03-01T23:59:58+08:00"),
        ("2025年3月1日8时5分", "2025-03-01T08:05:00+08:00"),
        ("2025年3月1日 08点05分09秒", "2025-03-01T08:05:09+08:00"),
        ("２０２５．３．１　０８：０５", "2025-03-01T08:05:00+08:00"),
        ("20250301T08:05", "2025-03-01T08:05:00+08:00"),
    ],
)
def test_time_is_read_in_any_usual_spelling(text: str, instant: str) -> None:
    assert DateForm.parse(YEAR_FIRST, where="dates").instant(text) == instant


@pytest.mark.parametrize(
    "text", ["2025-3-1", "8:05", "2025-3-1 24:00", "2025-3-1 8:60", "长期", ""]
)
def test_text_without_day_and_time_is_no_time(text: str) -> None:
    with pytest.raises(Malformed):
        DateForm.parse(YEAR_FIRST, where="dates").instant(text)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("是", True), ("否", False), ("Ｙ", True), ("0", False), ("有", True)],
)
def test_switch_is_read_in_words(tmp_path: Path, cell: str, value: bool) -> None:
    assert trade(tmp_path, sourced('"Trade"', "b"), Trade=cell) is value


def test_word_that_is_no_switch_is_rejected(tmp_path: Path) -> None:
    found = rejected(tmp_path, sourced('"Trade"', "b"), Trade="也许")
    assert (found.column, found.reason) == ("Trade", "not_a_switch")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *(("12.50", "12.5"), ("1,200.00", "1200"), ("３０．０", "30")),
        *(("0.0", "0"), ("-3.10", "-3.1"), ("1200", "1200")),
    ],
)
def test_decimal_comes_in_its_one_spelling(
    tmp_path: Path, cell: str, value: str
) -> None:
    [found], _ = read_rows(csv_file(tmp_path, row(Area=cell)))
    assert found.values["area_m2"] == value


@pytest.mark.parametrize("cell", ["1,2", "12,00", "1e3", "-0.0", "12.5㎡", ".5", "1."])
def test_number_in_doubt_is_rejected(tmp_path: Path, cell: str) -> None:
    _, [found] = read_rows(csv_file(tmp_path, row(Area=cell)))
    assert (found.column, found.reason) == ("Area", "not_a_number")


def test_key_of_several_columns_names_a_row(tmp_path: Path) -> None:
    text = MAPPING.replace('row_key = "Id"', 'row_key = ["Number", "Kind", "Remark"]')
    path = csv_file(tmp_path, row(Remark="a/b"), row(Remark="a%2Fb"), row(Remark=""))
    good, [bad] = read_rows(path, mapping(text))
    assert [one.key for one in good] == ["100/new/a%2Fb", "100/new/a%252Fb"]
    assert (bad.column, bad.reason) == ("Remark", "missing_value")


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ('{ column = "" }', "test.toml: fields: trade: column"),
        ("{}", "test.toml: fields: trade: column"),
        ('{ column = "Trade", colour = "x" }', "test.toml: fields: trade"),
        ('{ always = "a", column = "Trade" }', "test.toml: fields: trade"),
        ("[]", "test.toml: fields: trade"),
        ('["Trade", ""]', "test.toml: fields: trade"),
        ("7", "test.toml: fields: trade"),
        ("[{}]", "test.toml: fields: trade[1]"),
        ('[{ "Name!" = "Trade" }]', "test.toml: fields: trade[1]: Name!"),
        ('[{ name = "TODO: ?" }]', "test.toml: fields: trade[1]: name"),
        ('["TODO: ?"]', "test.toml: fields: trade"),
    ],
)
def test_source_with_a_mistake_is_malformed_and_names_the_place(
    source: str, where: str
) -> None:
    with pytest.raises(Malformed) as caught:
        mapping(sourced(source))
    assert caught.value.where == where
