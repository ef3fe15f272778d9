"""Which row opens a license, and what becomes of the rows beside one that is rejected."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from console.importer.run import ImportResult
from tests.console.import_desk import MemoryDesk
from tests.console.imports import csv_file, mapping, row
from tests.console.test_importer_acts import FIXED, ended, moved


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


def rejects(result: ImportResult) -> list[tuple[str, str, str]]:
    """Line, column and reason of every row in the rejects file."""
    assert result.rejects_file is not None
    with result.rejects_file.open(newline="", encoding="utf-8-sig") as file:
        return [
            (one["行号 line"], one["列 column"], one["代码 code"])
            for one in csv.DictReader(file)
        ]


@pytest.mark.parametrize(
    "wrong", [{"Done": "?"}, {"Name": ""}, {"Account": ""}, {"Seats": "many"}]
)
def test_row_does_not_open_a_license_whose_first_row_is_to_be_mended(
    desk: MemoryDesk, tmp_path: Path, wrong: dict[str, str]
) -> None:
    given = mapping(FIXED)
    other = row(Id="r9", Number="200")
    rows = [row(**wrong), moved(Trade="wine"), ended(Trade="wine"), other]
    result = desk.run(csv_file(tmp_path, *rows), given=given)
    assert (result.rows_accepted, result.rows_rejected) == (1, 3)
    assert result.reasons["waits_for_row"] == 2
    assert result.rejects_file is not None
    text = result.rejects_file.read_text(encoding="utf-8-sig")
    assert "3,Kind,waits_for_row," in text
    assert "第 2 行先改正或删去 / line 2 mended or taken out first" in text
    mended = csv_file(tmp_path, row(), *rows[1:3], name="mended.csv")
    assert desk.run(mended, given=given).rows_accepted == 3
    assert [act for act, _, _ in desk.acts()] == ["ISSUE", "CHANGE", "CANCEL"]


def test_first_row_that_the_ledger_refuses_holds_the_others_too(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    text = FIXED.replace(
        'zh = "行业"\nvalue = "t"\nmandatory = false',
        'zh = "行业"\nvalue = "t"\nmandatory = true',
    )
    rows = [ended(Done="01.01.2020", Trade=""), moved()]
    result = desk.run(csv_file(tmp_path, *rows), given=mapping(text))
    assert result.reasons == {"missing_value": 1, "waits_for_row": 1}
    assert list(desk.accepted()) == []


def test_rejected_row_of_a_license_that_is_open_holds_nobody(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """What ends a license must not wait for a mistake in its middle."""
    rows = [row(), moved(Seats="many"), ended()]
    result = desk.run(csv_file(tmp_path, *rows), given=mapping(FIXED))
    assert result.reasons == {"not_a_number": 1}
    assert [act for act, _, _ in desk.acts()] == ["ISSUE", "CANCEL"]


def test_file_of_rejected_rows_alone_registers_no_type(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    before = len(desk.world.records)
    assert desk.run(csv_file(tmp_path, row(Done="?"))).rows_rejected == 1
    assert len(desk.world.records) == before


def test_row_before_the_issue_that_the_file_tells_is_rejected_and_not_the_issue(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    rows = [row(), moved(Done="01.03.2019")]
    result = desk.run(csv_file(tmp_path, *rows), given=mapping(FIXED))
    assert rejects(result) == [("3", "Done", "before_issue")]
    assert [act for act, _, _ in desk.acts()] == ["ISSUE"]


def test_nothing_of_a_day_comes_before_the_issue(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    rows = [moved(Done="01.02.2020", Trade="wine"), row()]
    assert desk.run(csv_file(tmp_path, *rows), given=mapping(FIXED)).rows_accepted == 2
    assert [act for act, _, _ in desk.acts()] == ["ISSUE", "CHANGE"]


def test_key_that_stands_twice_names_the_other_line_and_spares_the_first(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    rows = [row(), row(Trade="wine")]
    first = desk.run(csv_file(tmp_path, *rows, name="a.csv"))
    assert rejects(first) == [("3", "Trade", "key_twice")]
    again = desk.run(csv_file(tmp_path, *rows, name="b.csv"))
    assert rejects(again) == [("3", "Trade", "key_twice")]
    assert (again.rows_unchanged, again.rows_rejected) == (1, 1)


def test_row_that_no_longer_ends_its_license_is_told(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """正常 again behind 注销: what ended a license is undone by RESTORE alone."""
    closed = row(Status="closed", Status_on="05.06.2024")
    desk.run(csv_file(tmp_path, closed, name="a.csv"))
    result = desk.run(csv_file(tmp_path, row()))
    assert rejects(result) == [("2", "Status", "row_changed")]
    came_ended = row(
        Id="x",
        Number="7",
        Kind="longer",
        Done="01.02.2020",
        Status="banned",
        Status_on="01.01.2020",
    )
    text = FIXED.replace('new = "ISSUE"', 'longer = "SKIP"\nnew = "ISSUE"', 1)
    given = mapping(text.replace('longer = "RENEW"\n', ""))
    desk.run(csv_file(tmp_path, came_ended, name="c.csv"), given=given)
    assert [act for act, _, _ in desk.acts("7")] == ["BASELINE"]
    valid = came_ended | {"Status": "ok"}
    later = desk.run(
        csv_file(tmp_path, valid | {"Kind": "new"}, name="d.csv"), given=given
    )
    assert rejects(later) == [("2", "Status", "row_changed")]


def test_row_that_says_what_an_act_brought_in_since_is_unchanged(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """A correction made in the ledger, then in the register: both agree again."""
    given = mapping(FIXED)
    desk.run(csv_file(tmp_path, row(), name="a.csv"), given=given)
    exported = row(Trade="wine", Phone="13800138000")
    first = desk.run(csv_file(tmp_path, exported, name="b.csv"), given=given)
    assert first.reasons == {"row_changed": 1}
    changed = moved(Trade="wine", Phone="13800138000")
    assert desk.run(
        csv_file(tmp_path, changed, name="c.csv"), given=given
    ).rows_accepted
    again = desk.run(csv_file(tmp_path, exported, name="d.csv"), given=given)
    assert (again.rows_unchanged, again.rows_rejected) == (1, 0)
    other = desk.run(csv_file(tmp_path, row(Trade="beer"), name="e.csv"), given=given)
    assert rejects(other) == [("2", "Trade", "row_changed")]


def test_act_that_cannot_be_says_at_which_state(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, row(), ended(), moved(Done="01.05.2023"))
    result = desk.run(path, given=mapping(FIXED))
    assert rejects(result) == [("4", "Kind", "illegal_transition")]
    assert result.rejects_file is not None
    text = result.rejects_file.read_text(encoding="utf-8-sig")
    assert "变更 CHANGE 不可用于 注销 CANC" in text
