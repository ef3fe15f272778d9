"""What ``mapping new`` proposes, what it asks, and what it never shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.importer.license_type import packaged_type
from console.importer.mapping import StockMapping, parse_mapping
from console.importer.proposal import propose
from console.importer.proposal_text import Proposal, Question, answered
from console.importer.sample import look_at
from ledger.errors import Malformed
from tests.console.cli_ledger import call

PERMIT = "11210000999990010U042"
FOOD = "11210000999990010U033"
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
    header = HEADER.replace("流水号", "甲").replace("许可范围", "乙")
    lines = [line.replace("注销", "作废") for line in ROWS]
    made = proposed(written(tmp_path, header, *lines))
    assert [question.place for question in made.questions] == [
        "license.serial",
        "fields.scope",
        "acts.作废",
    ]
    assert "甲" in made.questions[0].choices
    assert "SKIP" in made.questions[2].choices
    with pytest.raises(Malformed, match="not answered") as caught:
        read(made)
    assert caught.value.where == "new.toml: license: serial"
    answers = zip(made.questions, ("甲", "乙", "SKIP"), strict=True)
    text = answered(made.text, list(answers))
    found = parse_mapping(text, where="new.toml")
    assert (found.serial, found.fields["scope"].shown) == ("甲", "乙")
    assert found.acts[1].skip == {"正常", "作废"}


def test_constant_answer_fills_every_row(tmp_path: Path) -> None:
    header = HEADER.replace("许可范围", "乙")
    made = proposed(written(tmp_path, header, *ROWS))
    [question] = made.questions
    text = answered(made.text, [(question, "= 建筑施工")])
    assert parse_mapping(text, where="").fields["scope"].always == "建筑施工"


def test_without_a_key_the_number_names_a_row_or_several_columns_do(
    tmp_path: Path,
) -> None:
    header = HEADER.replace("数据标识", "序号")
    rows = [line.replace(f"a{n}", str(n)) for n, line in enumerate(ROWS, 1)]
    made = proposed(written(tmp_path, header, *rows))
    assert read(made).row_key == ("流水号",)
    kinds = header + ",业务类型"
    acts = [
        *(f"{line},新办" for line in rows),
        rows[0].replace("1,", "3,", 1).replace("2025.3.1", "2026.3.1") + ",变更",
    ]
    made = proposed(written(tmp_path, kinds, *acts, name="acts.csv"))
    assert read(made).row_key == ("流水号", "业务类型", "发证日期")
    twice = [*acts, acts[-1].replace("3,", "4,", 1)]
    made = proposed(written(tmp_path, kinds, *twice, name="twice.csv"))
    assert made.questions[0].place == "source.row_key"
    assert "序号" not in made.questions[0].choices


def test_list_is_proposed_with_the_separator_that_its_column_has(
    tmp_path: Path,
) -> None:
    for name, cell, separators in (
        ("a.csv", "预包装食品销售、散装食品销售", "、；;|"),
        ("b.csv", "预包装食品销售，散装食品销售", "，"),
        ("c.csv", "预包装食品销售（含冷藏，冷冻）", "、；;|"),
    ):
        header = HEADER.replace("许可范围", "经营项目")
        line = ROWS[0].replace(",施工,", f',"{cell}",')
        made = proposed(written(tmp_path, header, line, name=name), code=FOOD)
        [asked] = [q for q in made.questions if q.place == "fields.business_type"]
        text = answered(made.text, [(asked, "=餐饮服务经营者")])
        for question in made.questions:
            text = answered(text, [(question, "单位名称")])
        found = parse_mapping(text, where="new.toml").fields["business_items"]
        assert (found.shown, found.separators) == ("经营项目", separators)


def test_folder_of_pictures_is_asked_where_cells_name_files(tmp_path: Path) -> None:
    nurse = "11100000000013338W011"
    reference = f"sm3:{'0' * 64}:12:image/jpeg"
    for cell, asked in (("li.jpg", True), (reference, False)):
        line = ROWS[0].replace(",施工,", f",{cell},")
        path = written(
            tmp_path, HEADER.replace("许可范围", "照片"), line, name=f"{asked}"
        )
        made = proposed(path, code=nurse)
        places = [question.place for question in made.questions]
        assert ("fields.photo.folder" in places) is asked
        if asked:
            answers = [(question, "photos") for question in made.questions]
            found = parse_mapping(answered(made.text, answers), where="")
            assert found.fields["photo"].folder == Path("photos")
            assert found.fields["photo"].shown == "照片"


def test_start_of_the_term_is_offered_and_never_assumed(tmp_path: Path) -> None:
    header = HEADER.replace("有效期起", "丁")
    line = ROWS[0].replace("2025年3月1日", "春")
    made = proposed(written(tmp_path, header, line))
    assert read(made).valid_until == "有效期止"
    assert '# valid_from = "发证日期"' in made.text
    assert read(made).valid_from == ""


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
    assert sorted(question.choices) == sorted(header.split(","))


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


def test_name_that_cannot_be_a_systems_is_refused(tmp_path: Path) -> None:
    path = str(written(tmp_path, HEADER, *ROWS))
    said = call("mapping", "new", path, "--type", PERMIT, "--system", "护士", "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["where"] == "--system"


def test_last_day_is_asked_where_the_type_has_years_for_terms(tmp_path: Path) -> None:
    header = HEADER.replace("有效期止", "丁")
    lines = [line.replace("长期", "").replace("2028/3/31", "") for line in ROWS]
    made = proposed(written(tmp_path, header, *lines))
    [question] = made.questions
    assert question.place == "license.valid_until"
    assert read_answered(made, question, "").valid_until == ""


def read_answered(made: Proposal, question: Question, answer: str) -> StockMapping:
    return parse_mapping(answered(made.text, [(question, answer)]), where="new.toml")
