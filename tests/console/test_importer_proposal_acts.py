"""Which columns and words ``mapping new`` takes for acts and states."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.importer.mapping import parse_mapping
from console.importer.proposal_text import answered
from tests.console.test_importer_proposal import HEADER, ROWS, proposed, read, written


def test_same_word_in_columns_of_acts_and_of_states_is_one_mapping(
    tmp_path: Path,
) -> None:
    header = HEADER + ",业务类型"
    made = proposed(written(tmp_path, header, ROWS[0] + ",新办", ROWS[1] + ",注销"))
    found = read(made)
    assert [act.values.get("注销") for act in found.acts] == ["CANCEL", "CANCEL"]


@pytest.mark.parametrize(
    ("name", "values", "act"),
    [
        ("注册状态", ("正常", "注销"), {"注销": "CANCEL"}),
        ("备注情况", ("在业", "已注销"), {"已注销": "CANCEL"}),
    ],
)
def test_column_of_states_is_known_by_its_values_whatever_its_name(
    tmp_path: Path, name: str, values: tuple[str, str], act: dict[str, str]
) -> None:
    header = HEADER.replace("状态,状态日期", f"{name},状态日期")
    lines = [
        row.replace(word, value)
        for row, word, value in zip(ROWS, ("正常", "注销"), values, strict=True)
    ]
    note = f"注：本表由示范市某局于2026年整理汇总{',' * (len(header.split(',')) - 1)}"
    made = proposed(written(tmp_path, header, *lines, note))
    assert f'column = "{name}"' in made.text
    answers = [(question, "SKIP") for question in made.questions]
    found = parse_mapping(answered(made.text, answers), where="")
    assert found.acts[1].column == name
    assert found.acts[1].values == act


def test_words_for_acts_that_nobody_listed_are_asked(tmp_path: Path) -> None:
    header = HEADER + ",注册类型"
    rows = [ROWS[0] + ",初始注册", ROWS[1] + ",注销注册"]
    made = proposed(written(tmp_path, header, *rows))
    assert [question.place for question in made.questions] == [
        "acts.初始注册",
        "acts.注销注册",
    ]


def test_state_that_no_row_can_say_is_proposed_to_stay_out(tmp_path: Path) -> None:
    lines = [line.replace("注销", "暂扣") for line in ROWS]
    made = proposed(written(tmp_path, HEADER, *lines))
    assert made.questions == []
    assert read(made).acts[1].values == {"暂扣": "REJECT"}


def test_column_of_states_fills_no_field_that_is_only_called_alike(
    tmp_path: Path,
) -> None:
    """Else each change of the state would be a change of the license imported before."""
    road = "11210000999990010U051"
    made = proposed(written(tmp_path, HEADER, *ROWS), code=road)
    assert '# operating_status = "…"' in made.text
    assert 'column = "状态"' in made.text


def test_states_in_many_words_and_in_a_second_column_are_not_overlooked(
    tmp_path: Path,
) -> None:
    header = HEADER + ",证照状态说明"
    said = [
        "正常",
        "注销",
        "吊销",
        "已注销",
        "已吊销",
        "撤回",
        "已撤回",
        "暂扣",
        "撤销",
    ]
    said += ["自行注销", "依法注销", "过期注销", "逾期注销", "过期"]
    rows = [
        ROWS[1]
        .replace("a2", f"b{n}")
        .replace("2025000102", f"20250002{n:02}")
        .replace("注销,", f"{word},")
        + ",有效"
        for n, word in enumerate(said)
    ]
    rows[0] = rows[0].removesuffix(",有效") + ",依申请注销"
    made = proposed(written(tmp_path, header, *rows))
    assert 'column = "状态"' in made.text
    assert 'column = "证照状态说明"' in made.text
    asked = [question.place for question in made.questions]
    assert "acts.自行注销" in asked
    assert "acts.依申请注销" in asked
    assert '"暂扣" = "REJECT"' in made.text
