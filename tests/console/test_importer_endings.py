"""What must not show as valid: endings come through, silence is no answer, doubt is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.workdays import date_to_day
from tests.console.import_desk import MemoryDesk, license_id
from tests.console.imports import MAPPING, csv_file, mapping, row
from tests.console.test_importer_acts import FIXED, ended, fields_of, moved
from tests.console.test_importer_order import rejects

STOCK = (
    MAPPING.replace(
        """column = "Kind"
date = "Done"
face = true
[acts.values]
new = "ISSUE"
longer = "RENEW"
moved = "CHANGE"
""",
        """always = "BASELINE"
date = "Done"
face = true
""",
    )
    .replace('banned = "REVOKE"', 'banned = "REVOKE"\nseized = "REJECT"')
    .replace('skip = ["ok", ""]', 'skip = ["ok", "", "过期"]')
)
"""A list of licenses: one row for each, its state in a column."""


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


def terminal(desk: MemoryDesk, number: str = "100") -> str:
    """The state in which a license has ended, '' when it has not."""
    license_ = desk.world.chains["license", license_id(number)].license
    assert license_ is not None
    return license_.terminal


@pytest.mark.parametrize("kind", ["moved", "longer"])
@pytest.mark.parametrize("together", [True, False])
def test_empty_cells_of_a_later_act_leave_term_and_fields_as_they_stand(
    desk: MemoryDesk, tmp_path: Path, kind: str, *, together: bool
) -> None:
    """A 变更 whose term cells are blank made the license perpetual."""
    later = moved(Kind=kind, From="", Until="", Trade="", Seats="7")
    if together:
        desk.run(csv_file(tmp_path, row(), later))
    else:
        desk.run(csv_file(tmp_path, row(), name="a.csv"))
        desk.run(csv_file(tmp_path, later))
    license_ = desk.world.chains["license", license_id("100")].license
    assert license_ is not None
    assert license_.valid_until == date_to_day("2025-01-31")
    assert desk.opened("100", "trade") == "tea"
    assert desk.opened("100", "seats") == 7


def test_no_end_that_a_later_act_says_in_words_is_no_end(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    rows = [row(), moved(Until="长期")]
    for name in ("a.csv", "b.csv"):
        desk.run(csv_file(tmp_path, *rows, name=name))
    license_ = desk.world.chains["license", license_id("100")].license
    assert license_ is not None
    assert license_.valid_until is None
    again = desk.run(csv_file(tmp_path, *rows, name="c.csv"))
    assert again.rows_unchanged == 2


def test_mended_earlier_act_does_not_change_what_a_later_one_told(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """The register's last row says tea again, and so it is whatever comes in between."""
    given = mapping(FIXED)
    last = moved(Id="r5", Done="01.03.2023", Phone="13800138000")
    wrong = moved(Trade="wine", Done="yesterday")
    desk.run(csv_file(tmp_path, row(), wrong, last, name="a.csv"), given=given)
    mended = csv_file(tmp_path, moved(Trade="wine"), name="b.csv")
    assert desk.run(mended, given=given).rows_accepted == 1
    assert [act for act, _, _ in desk.acts()] == ["ISSUE", "CHANGE", "CHANGE"]
    assert desk.opened("100", "trade") == "tea"


def test_later_act_fills_only_what_it_is_about(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    rows = [row(), moved(Name="", Trade="", From="", Until="", Seats="7")]
    result = desk.run(csv_file(tmp_path, *rows), given=mapping(FIXED))
    assert (result.rows_accepted, result.rows_rejected) == (2, 0)
    assert fields_of(desk, "CHANGE") == {"seats"}


@pytest.mark.parametrize(
    ("until", "reasons"), [("", {"missing_value": 1}), ("长期", {}), ("31.1.2030", {})]
)
@pytest.mark.parametrize("kind", ["new", "longer"])
def test_license_of_a_type_with_years_comes_in_with_a_last_day_or_words(
    desk: MemoryDesk, tmp_path: Path, kind: str, until: str, reasons: dict[str, int]
) -> None:
    until = until.replace("31.1.", "31.01.")
    result = desk.run(csv_file(tmp_path, row(Kind=kind, Until=until)))
    assert result.reasons == reasons
    if reasons:
        assert rejects(result) == [("2", "Until", "missing_value")]


def test_ending_behind_an_ending_is_no_change_of_the_row(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """吊销, and 注销 behind it: the row tells the later one alone."""
    given = mapping(STOCK)
    banned = row(Status="banned", Status_on="05.06.2024")
    desk.run(csv_file(tmp_path, banned, name="a.csv"), given=given)
    closed = row(Status="closed", Status_on="05.07.2024")
    for name, accepted in (("b.csv", 1), ("c.csv", 0)):
        result = desk.run(csv_file(tmp_path, closed, name=name), given=given)
        assert (result.rows_accepted, result.rows_rejected) == (accepted, 0)
    assert terminal(desk) == "CANC"


def test_older_act_that_comes_late_says_all_that_it_may(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """What stands today says nothing of what stood before an act of 2021."""
    given = mapping(FIXED)
    first = [row(), moved(Id="r5", Done="01.03.2023", Trade="wine")]
    desk.run(csv_file(tmp_path, *first, name="a.csv"), given=given)
    late = moved(Done="01.03.2021", Trade="wine")
    assert desk.run(csv_file(tmp_path, late), given=given).rows_accepted == 1
    chain = desk.world.chains["license", license_id("100")]
    assert chain.acts[-1].fields["trade"] == "wine"


@pytest.mark.parametrize(
    "changes",
    [
        *({"Trade": "wine"}, {"Until": "05.06.2024"}, {"Seats": "many"}),
        *({"Built": "?"}, {"Done": "yesterday"}, {"Until": "2.10E+17"}),
    ],
)
def test_ending_comes_through_whatever_else_its_row_says(
    desk: MemoryDesk, tmp_path: Path, changes: dict[str, str]
) -> None:
    given = mapping(STOCK)
    desk.run(csv_file(tmp_path, row(), name="a.csv"), given=given)
    closed = row(Status="closed", Status_on="05.06.2024", **changes)
    for name in ("b.csv", "c.csv"):
        result = desk.run(csv_file(tmp_path, closed, name=name), given=given)
        assert (result.rows_accepted, result.rows_rejected) == (0, 1)
        assert terminal(desk) == "CANC"
    assert len(desk.acts()) == 2


def test_ending_of_a_license_that_is_not_in_waits_for_its_row(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    closed = row(Status="closed", Status_on="05.06.2024", Seats="many")
    result = desk.run(csv_file(tmp_path, closed), given=mapping(STOCK))
    assert rejects(result) == [("2", "Seats", "not_a_number")]
    assert list(desk.accepted()) == []


def test_ending_of_another_holder_is_refused(desk: MemoryDesk, tmp_path: Path) -> None:
    given = mapping(FIXED)
    desk.run(csv_file(tmp_path, row(), name="a.csv"), given=given)
    result = desk.run(csv_file(tmp_path, ended(Account="B")), given=given)
    assert rejects(result) == [("2", "Account", "other_holder")]
    assert terminal(desk) == ""


def test_state_that_no_row_can_say_keeps_its_row_out(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    """暂扣 brought in as if it were 正常 would show as valid."""
    seized = row(Status="seized", Status_on="05.06.2024")
    result = desk.run(csv_file(tmp_path, seized), given=mapping(STOCK))
    assert rejects(result) == [("2", "Status", "needs_an_act")]
    assert list(desk.accepted()) == []


@pytest.mark.parametrize(
    ("until", "kept"), [("31.01.2025", True), ("31.01.2030", False), ("", False)]
)
def test_expired_is_believed_where_the_term_says_so_too(
    desk: MemoryDesk, tmp_path: Path, until: str, *, kept: bool
) -> None:
    path = csv_file(tmp_path, row(Status="过期", Until=until))
    result = desk.run(path, given=mapping(STOCK))
    assert result.rows_accepted == kept
    if not kept:
        assert rejects(result) == [("2", "Until", "not_expired")]
