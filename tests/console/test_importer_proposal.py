"""What ``mapping new`` proposes, what it asks, and what it never shows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from console.importer.license_type import packaged_type
from console.importer.mapping import StockMapping, parse_mapping
from console.importer.proposal import propose, types_by_name
from console.importer.proposal_text import Proposal, answered
from console.importer.sample import look_at
from ledger.errors import Malformed
from tests.console.cli_ledger import call

PERMIT = "11210000999990010U042"
HEADER = (
    "数据标识,流水号,编号,统一社会信用代码,单位名称,主要负责人,许可范围,"
    "有效期起,有效期止,发证日期,状态,状态日期"
)
ROWS = (
    "a1,2025000101,（辽）JZ安许证字[2025]000101,91210102MA0TE5T240,一号公司,李明,"
    "施工,2025年3月1日,长期,2025.3.1,正常,",
    "a2,2025000102,(辽)JZ安许证字[2025]000102,91210102MA0TE5T40M,三号公司,周秘密,"
    "施工,2025-4-1,2028/3/31,20250401,注销,2026-5-20",
)


def written(folder: Path, *lines: str, name: str = "permits.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="gb18030")
    return path


def proposed(path: Path, code: str = PERMIT) -> Proposal:
    kind = packaged_type(code)
    assert kind is not None
    return propose(look_at(path, sheet=""), kind, system="")


def read(made: Proposal) -> StockMapping:
    return parse_mapping(made.text, where="new.toml")


def test_usual_chinese_list_needs_no_answer(tmp_path: Path) -> None:
    made = proposed(written(tmp_path, HEADER, *ROWS))
    assert made.questions == []
    found = read(made)
    assert (found.system, found.row_key, found.serial) == (
        "permits",
        ("数据标识",),
        "流水号",
    )
    assert (found.valid_from, found.valid_until) == ("有效期起", "有效期止")
    assert (found.holder_kind, found.holder_code) == ("001", "统一社会信用代码")
    assert found.dates.pattern == "year-first"
    assert found.fields["responsible_person"].columns == ("主要负责人",)
    assert found.acts[0].always == "BASELINE"
    assert found.acts[0].date == "发证日期"
    assert found.acts[1].values == {"注销": "CANCEL"}
    assert found.acts[1].skip == {"正常"}


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
    with pytest.raises(Malformed, match="names no sheet"):
        look_at(path, sheet="")


def test_english_list_with_titles_and_semicolons_is_understood(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "permits of the city",
        "id;serial;number;uscc;name;responsible person;scope;from;until;kind;issue date",
        "1;A1;x;91210102MA0TE5T240;Tea;Li;all;03/30/2025;03/30/2028;new;03/30/2025",
        "2;A2;y;91210102MA0TE5T40M;Tee;Wu;all;04/30/2025;04/30/2028;renewed;04/30/2025",
    )
    made = proposed(path)
    assert made.questions == []
    found = read(made)
    assert (found.delimiter, found.header_row) == (";", 2)
    assert found.dates.pattern == "MM/DD/YYYY"
    assert found.acts[0].values == {"new": "ISSUE", "renewed": "RENEW"}
    assert found.fields["responsible_person"].columns == ("responsible person",)


def test_what_cannot_be_known_is_asked_and_the_import_waits_for_it(
    tmp_path: Path,
) -> None:
    header = HEADER.replace("数据标识", "甲").replace("许可范围", "乙")
    lines = [line.replace("注销", "撤销") for line in ROWS]
    made = proposed(written(tmp_path, header, *lines))
    assert [question.place for question in made.questions] == [
        "source.row_key",
        "fields.scope",
        "acts.撤销",
    ]
    assert "甲" in made.questions[0].choices
    assert "SKIP" in made.questions[2].choices
    with pytest.raises(Malformed, match="not answered") as caught:
        read(made)
    assert caught.value.expected == "which column names a row for good?"
    assert caught.value.where == "new.toml: source: row_key"
    answers = zip(made.questions, ("甲", "乙", "SKIP"), strict=True)
    text = answered(made.text, list(answers))
    found = parse_mapping(text, where="new.toml")
    assert (found.row_key, found.fields["scope"].shown) == (("甲",), "乙")
    assert found.acts[1].skip == {"正常", "撤销"}


def test_one_mistake_in_a_column_hides_it_from_nobody(tmp_path: Path) -> None:
    """Real lists hold mistakes; the import names each of them later."""
    more = [
        ROWS[0].replace("a1", f"b{n}").replace("2025000101", f"20250002{n}")
        for n in range(10)
    ]
    bad = (
        ROWS[0]
        .replace("a1", "c1")
        .replace(",2025000101,", ",2.025E+9,")
        .replace("2025年3月1日", "2023.13.5")
        .replace("2025.3.1", "三月一日")
    )
    made = proposed(written(tmp_path, HEADER, *ROWS, *more, bad))
    assert made.questions == []
    found = read(made)
    assert (found.serial, found.valid_from) == ("流水号", "有效期起")
    assert found.acts[0].date == "发证日期"


def test_a_question_that_no_column_fits_lists_them_all(tmp_path: Path) -> None:
    header = HEADER.replace("发证日期", "丙").replace("有效期起", "丁")
    line = ROWS[0].replace("2025年3月1日", "春").replace("2025.3.1", "春")
    made = proposed(written(tmp_path, header, line))
    [question] = [q for q in made.questions if q.place == "acts.date"][:1]
    assert question.choices == tuple(header.split(","))


def test_ambiguous_days_are_asked(tmp_path: Path) -> None:
    line = (
        ROWS[0].replace("2025年3月1日", "01/02/2025").replace("2025.3.1", "03/04/2025")
    )
    made = proposed(written(tmp_path, HEADER, line))
    [question] = [q for q in made.questions if q.place == "source.dates"]
    assert question.choices == ("MM/DD/YYYY", "DD/MM/YYYY")


def test_holders_of_a_personal_license_are_known_by_their_check_digits(
    tmp_path: Path,
) -> None:
    sample = look_at(
        written(
            tmp_path,
            "姓名,号码",
            "示例人,210102190001010014",
            "样本,440524188001010014",
        ),
        sheet="",
    )
    assert [column.citizens() for column in sample.columns] == [False, False]
    sample = look_at(
        written(tmp_path, "姓名,号码", "示例人,210102190001010014"), sheet=""
    )
    assert [column.citizens() for column in sample.columns] == [False, True]
    assert [column.shows_citizens for column in sample.columns] == [False, True]
    assert sample.columns[1].few_words == ()


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


def test_command_shows_no_values_and_writes_once(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, *ROWS)
    out = tmp_path / "new.toml"
    given = ("mapping", "new", str(path), "--type", PERMIT)
    said = call(*given, "--out", str(out), "--json")
    assert said.code == 0
    assert said.document["questions"] == []
    assert said.document["mapping"] == out.read_text(encoding="utf-8")
    for hidden in ("周秘密", "91210102MA0TE5T40M", "三号公司", "2025000102"):
        assert hidden not in said.out + said.err
    assert call(*given, "--out", str(out)).code == 2
    checked = call("mapping", "check", str(out), str(path), "--json")
    assert checked.document["acts"] == ["BASELINE", "CANCEL"]
    assert call("mapping", "check", str(out), str(out)).code == 2


def test_command_asks_for_the_type_it_cannot_tell(tmp_path: Path) -> None:
    said = call("mapping", "new", str(written(tmp_path, HEADER, *ROWS)), "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == "no_such_type"
    assert f"{PERMIT} 安全生产许可证" in json.loads(said.out)["error"]["expected"]


def test_somebody_at_a_terminal_is_asked_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = HEADER.replace("数据标识", "甲").replace("许可范围", "乙")
    path = written(tmp_path, header, *ROWS, name="许可.csv")
    answers: list[Any] = ["permits", "7", "nonsense", "乙"]

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(
        "console.cli.mapping.typer.prompt", lambda *_, **__: answers.pop(0)
    )
    monkeypatch.setattr(sys, "stdin", Terminal())
    from console.cli import mapping

    out = tmp_path / "new.toml"
    assert mapping.new(path, type_code=PERMIT, out=out) == 0
    assert answers == []
    found = parse_mapping(out.read_text(encoding="utf-8"), where="new.toml")
    assert (found.system, found.fields["scope"].shown) == ("permits", "乙")
