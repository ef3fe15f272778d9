"""What an act of a row carries: no more than it may, and nothing of the row is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.workdays import date_to_day, legal_day
from tests.console.import_desk import MemoryDesk, license_id
from tests.console.imports import MAPPING, csv_file, mapping, row

FIXED = MAPPING.replace(
    'zh = "名称"\nvalue = "s"\nmandatory = true\ndata_class = 3\n',
    'zh = "名称"\nvalue = "s"\nmandatory = true\ndata_class = 3\nchangeable = false\n',
).replace('moved = "CHANGE"', 'moved = "CHANGE"\nended = "CANCEL"\nlost = "REVOKE"')
"""The test mapping whose name no CHANGE may set, and whose first column ends licenses."""


def moved(**changes: str) -> dict[str, str]:
    return row(**{"Id": "r2", "Kind": "moved", "Done": "01.03.2021", **changes})


def ended(**changes: str) -> dict[str, str]:
    return row(**{"Id": "r3", "Kind": "ended", "Done": "01.04.2022", **changes})


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


def fields_of(desk: MemoryDesk, act: str) -> set[str]:
    """The names that the accepted act of this name carries."""
    chain = desk.world.chains["license", license_id("100")]
    [found] = [one for one in chain.acts if one.act == act]
    return set(found.fields) - {"certificate_identifier"}


def test_whole_life_of_a_license_in_one_file_comes_in(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, row(), moved(Trade="wine"), ended(Trade="wine"))
    result = desk.run(path, given=mapping(FIXED))
    assert (result.rows_accepted, result.rows_rejected) == (3, 0)
    assert [act for act, _, _ in desk.acts()] == ["ISSUE", "CHANGE", "CANCEL"]
    assert fields_of(desk, "CHANGE") == {"trade", "valid_from", "valid_until"}
    assert fields_of(desk, "CANCEL") == set()
    assert desk.opened("100", "trade") == "wine"
    assert desk.opened("100", "name") == "白玉兰茶馆"


def test_life_told_in_several_files_comes_in_and_is_known_again(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    given = mapping(FIXED)
    rows = [row(), moved(Trade="wine"), ended(Trade="wine")]
    for at, one in enumerate(rows):
        path = csv_file(tmp_path, one, name=f"{at}.csv")
        assert desk.run(path, given=given).rows_accepted == 1
    result = desk.run(csv_file(tmp_path, *rows, name="all.csv"), given=given)
    assert (result.rows_unchanged, result.rows_rejected) == (3, 0)


@pytest.mark.parametrize("together", [True, False])
def test_change_of_what_may_not_change_is_rejected_by_its_column(
    desk: MemoryDesk, tmp_path: Path, *, together: bool
) -> None:
    given = mapping(FIXED)
    rows = [row(), moved(Name="红梅酒馆")]
    if together:
        path = csv_file(tmp_path, *rows)
    else:
        desk.run(csv_file(tmp_path, rows[0], name="first.csv"), given=given)
        path = csv_file(tmp_path, rows[1])
    result = desk.run(path, given=given)
    assert result.reasons == {"invalid_fields": 1}
    assert result.rejects_file is not None
    text = result.rejects_file.read_text(encoding="utf-8-sig")
    assert "3,Name,invalid_fields," in text or "2,Name,invalid_fields," in text
    assert "name cannot be changed" in text
    assert [act for act, _, _ in desk.acts()] == ["ISSUE"]


def test_row_of_a_change_whose_standing_value_differs_later_is_row_changed(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    given = mapping(FIXED)
    desk.run(csv_file(tmp_path, row(), moved(), name="a.csv"), given=given)
    result = desk.run(csv_file(tmp_path, moved(Name="红梅酒馆")), given=given)
    assert result.reasons == {"row_changed": 1}
    assert result.rejects_file is not None
    assert "2,Name,row_changed," in result.rejects_file.read_text(encoding="utf-8-sig")


def test_row_that_ends_a_license_needs_no_face(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    bare = ended(Name="", Trade="", From="", Until="")
    result = desk.run(csv_file(tmp_path, row(), bare), given=mapping(FIXED))
    assert (result.rows_accepted, result.rows_rejected) == (2, 0)
    assert [act for act, _, _ in desk.acts()] == ["ISSUE", "CANCEL"]


def test_first_that_is_known_of_a_license_needs_its_face(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, ended(Name=""), ended(Id="r4", Number="200"))
    result = desk.run(path, given=mapping(FIXED))
    assert result.reasons == {"missing_value": 1}
    assert result.rejects_file is not None
    text = result.rejects_file.read_text(encoding="utf-8-sig")
    assert "2,Name,missing_value," in text
    chain = desk.world.chains["license", license_id("200")]
    assert [act.act for act in chain.acts] == ["BASELINE"]
    assert chain.license is not None
    assert chain.license.terminal == "CANC"


@pytest.mark.parametrize("kind", ["new", "ended"])
def test_same_word_in_two_columns_is_one_act_on_the_later_columns_day(
    desk: MemoryDesk, tmp_path: Path, kind: str
) -> None:
    given = mapping(FIXED.replace('closed = "CANCEL"', 'ended = "CANCEL"'))
    path = csv_file(tmp_path, row(Kind=kind, Status="ended", Status_on="05.06.2024"))
    assert desk.run(path, given=given).rows_accepted == 1
    chain = desk.world.chains["license", license_id("100")]
    names = ["ISSUE", "CANCEL"] if kind == "new" else ["BASELINE"]
    assert [act.act for act in chain.acts] == names
    assert legal_day(chain.acts[-1].effective_at) == date_to_day("2024-06-05")
    assert chain.license is not None
    assert chain.license.terminal == "CANC"
    again = desk.run(
        csv_file(
            tmp_path,
            row(Kind=kind, Status="ended", Status_on="05.06.2024"),
            name="b.csv",
        ),
        given=given,
    )
    assert again.rows_unchanged == 1


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"Trade": "wine"}, "Trade"),
        ({"Name": "红梅酒馆"}, "Name"),
        ({"Until": "31.01.2026"}, "Until"),
        ({"Done": "02.02.2020"}, "Done"),
        ({"Account": "A-2"}, "Account"),
        ({"Number": "101"}, "Number"),
    ],
)
def test_row_that_changed_names_the_column(
    desk: MemoryDesk, tmp_path: Path, changes: dict[str, str], column: str
) -> None:
    desk.run(csv_file(tmp_path, row(), name="before.csv"))
    result = desk.run(csv_file(tmp_path, row(**changes)))
    assert result.reasons == {"row_changed": 1}
    assert result.rejects_file is not None
    text = result.rejects_file.read_text(encoding="utf-8-sig")
    assert f"2,{column},row_changed," in text


def test_list_that_was_imported_is_known_again_and_its_change_is_seen(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    given = mapping(MAPPING.replace('value = "t"', 'value = "l"'))
    desk.run(csv_file(tmp_path, row(Trade="茶、酒"), name="a.csv"), given=given)
    assert desk.opened("100", "trade") == {"strings": ["茶", "酒"]}
    same = desk.run(csv_file(tmp_path, row(Trade="茶；酒"), name="b.csv"), given=given)
    assert same.rows_unchanged == 1
    other = desk.run(csv_file(tmp_path, row(Trade="茶"), name="c.csv"), given=given)
    assert other.reasons == {"row_changed": 1}


def test_secret_list_is_encrypted_and_known_again(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    source = '[{ who = "Trade", since = "Built" }]'
    text = MAPPING.replace('trade = "Trade"', f"trade = {source}")
    text = text.replace('built = "Built"\n', "").replace(
        'value = "t"\nmandatory = false\ndata_class = 1',
        'value = "l"\nmandatory = false\ndata_class = 4',
    )
    given = mapping(text)
    desk.run(csv_file(tmp_path, row(Built="1.1.2000"), name="a.csv"), given=given)
    chain = desk.world.chains["license", license_id("100")]
    assert isinstance(chain.acts[0].fields["trade"], bytes)
    assert desk.opened("100", "trade") == {
        "rows": [
            {
                "cells": [
                    {"name": "who", "value": "tea"},
                    {"name": "since", "value": "1.1.2000"},
                ]
            }
        ]
    }
    same = desk.run(
        csv_file(tmp_path, row(Built="1.1.2000"), name="b.csv"), given=given
    )
    assert same.rows_unchanged == 1


@pytest.mark.parametrize("together", [True, False])
def test_second_row_of_the_same_act_that_says_something_else_is_not_lost(
    desk: MemoryDesk, tmp_path: Path, *, together: bool
) -> None:
    """A register with one row for each item: what no row of the ledger says is told."""
    rows = [row(), row(Id="r2"), row(Id="r3", Trade="wine"), row(Id="r4", Account="B")]
    if together:
        result = desk.run(csv_file(tmp_path, *rows))
    else:
        desk.run(csv_file(tmp_path, rows[0], name="first.csv"))
        result = desk.run(csv_file(tmp_path, *rows))
    assert result.reasons == {"told_twice": 2}
    assert (result.rows_accepted, result.rows_unchanged) == (
        (1, 1) if together else (0, 2)
    )
    assert result.rejects_file is not None
    text = result.rejects_file.read_text(encoding="utf-8-sig")
    assert "4,Trade,told_twice," in text
    assert "5,Account,told_twice," in text


def test_ending_that_two_rows_tell_is_one_act_whatever_they_say_beside(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    rows = [row(), ended(), ended(Id="r4", Trade="wine", Name="")]
    result = desk.run(csv_file(tmp_path, *rows), given=mapping(FIXED))
    assert (result.rows_accepted, result.rows_unchanged) == (2, 1)


@pytest.mark.parametrize(("trade", "unchanged"), [("tea", 1), ("wine", 0)])
def test_act_that_another_system_told_before_is_the_same_act_or_is_told(
    desk: MemoryDesk, tmp_path: Path, trade: str, unchanged: int
) -> None:
    desk.run(csv_file(tmp_path, row(), name="a.csv"))
    other = mapping(MAPPING.replace('system = "register"', 'system = "other"'))
    result = desk.run(csv_file(tmp_path, row(Id="x", Trade=trade)), given=other)
    assert (result.rows_accepted, result.rows_unchanged) == (0, unchanged)
    assert result.reasons == ({} if unchanged else {"told_twice": 1})
