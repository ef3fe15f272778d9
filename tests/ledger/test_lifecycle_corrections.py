"""CORRECT: a recording error mended from the original date, later values untouched."""

from __future__ import annotations

import pytest

from tests.builders_lifecycle import DAY0, OTHER_HOLDER, Chain, date, issued


def test_a_corrected_value_holds_since_the_act_it_corrects() -> None:
    chain = issued(address="甲").when("CORRECT", 30, names=0, address="乙")
    one = chain.now.face["address"]
    assert (one.value, one.since_day) == ("乙", DAY0)
    assert one.position == chain.acts[1].position
    assert one.event_id == chain.acts[1].event_id
    assert chain.last.version == 2


def test_a_correction_gives_way_to_what_a_later_act_set() -> None:
    chain = issued(address="甲").given("CHANGE", 5, address="丙")
    chain.when("CORRECT", 9, names=0, address="乙")
    assert (chain.face()["address"], chain.now.version) == ("丙", 3)
    chain.when("RESTORE", 10, names=1)
    assert chain.face()["address"] == "乙"


def test_a_correction_gives_way_to_a_late_act_behind_the_corrected_one() -> None:
    chain = issued(address="甲").given("CORRECT", 9, names=0, address="乙")
    chain.when("CHANGE", 5, address="丙")
    assert chain.face()["address"] == "丙"


def test_a_value_that_the_corrected_act_forgot_is_filled_in() -> None:
    chain = issued(address="甲").given("CHANGE", 5)
    chain.when("CORRECT", 9, names=1, address="乙")
    assert chain.face()["address"] == "乙"
    assert chain.now.face["address"].since_day == DAY0 + 5


def test_correcting_an_earlier_act_leaves_a_later_corrected_value() -> None:
    chain = issued(address="甲").given("CHANGE", 5)
    chain.given("CORRECT", 9, names=1, address="乙")
    chain.when("CORRECT", 10, names=0, address="丙")
    assert chain.face()["address"] == "乙"


def test_a_correction_is_corrected_like_its_original() -> None:
    chain = issued(address="甲").given("CORRECT", 2, names=0, address="乙")
    chain.given("CHANGE", 5, address="丁")
    chain.given("CORRECT", 6, names=1, address="丙")
    assert chain.face()["address"] == "丁"
    chain.when("RESTORE", 7, names=2)
    assert chain.face()["address"] == "丙"


def test_a_correction_of_an_undone_correction_holds() -> None:
    chain = issued(address="甲").given("CORRECT", 2, names=0, address="乙")
    chain.given("CORRECT", 3, names=1, address="丙").when("RESTORE", 4, names=1)
    assert chain.face()["address"] == "丙"


def test_a_correction_of_an_undone_act_waits_for_it() -> None:
    chain = issued(address="甲").given("CHANGE", 2, address="乙")
    chain.given("RESTORE", 3, names=1).given("CORRECT", 4, names=1, address="丙")
    assert chain.face()["address"] == "甲"
    chain.when("RESTORE", 5, names=2)
    assert chain.face()["address"] == "丙"


def test_null_empties_a_value_that_should_not_stand() -> None:
    chain = issued(address="甲").when("CORRECT", 2, names=0, address=None)
    assert chain.face() == {"name": "甲"}


def test_a_corrected_term_decides_expiry() -> None:
    chain = issued(valid_until=date(10))
    chain.when("CORRECT", 20, names=0, valid_until=date(100), valid_from=date(1))
    assert (chain.shown(20), chain.now.valid_from) == ("VALID", DAY0 + 1)


def test_a_suspension_s_term_is_corrected() -> None:
    chain = issued().given("SUSPEND", 1, term_until=date(5))
    chain.when("CORRECT", 2, names=1, term_until=date(50))
    assert [chain.shown(day) for day in (50, 51)] == ["SUSP", "VALID"]


def test_the_day_of_an_annulment_is_corrected() -> None:
    chain = issued().given("ANNUL", 9, effect_from=date(5))
    chain.when("CORRECT", 10, names=1, effect_from=date(0))
    assert (chain.shown(10), chain.now.terminal_day) == ("ANND", DAY0)
    assert [chain.state_at(3, known) for known in (9, 10)] == ["VALID", "ANND"]


def test_the_ground_of_a_cancellation_is_corrected() -> None:
    chain = issued().given("CANCEL", 9, ground="6")
    assert chain.when("CORRECT", 10, names=1, ground="2").now.ground == "2"


def test_holders_recorded_wrongly_are_corrected() -> None:
    chain = issued().when("CORRECT", 2, names=0, holders=(OTHER_HOLDER,))
    assert chain.now.holders == (OTHER_HOLDER,)


def test_a_correction_of_the_first_holders_leaves_later_ones() -> None:
    chain = issued()
    first = chain.now.holders
    chain.given("CHANGE", 5, holders=(OTHER_HOLDER,))
    chain.when("CORRECT", 6, names=0, holders=first, address="乙")
    assert chain.now.holders == (OTHER_HOLDER,)
    assert chain.face()["address"] == "乙"


@pytest.mark.parametrize(
    ("named", "fields"),
    [
        (None, {"address": "乙"}),
        (1, {"address": "乙"}),
        (1, {}),
        (0, {"term_until": date(9), "effect_from": date(1)}),
        (2, {"term_until": date(9)}),
    ],
)
def test_a_correction_names_an_act_that_can_hold_the_field(
    named: int | None, fields: dict[str, str]
) -> None:
    chain = issued().given("SUSPEND", 1).given("CHANGE", 2)
    assert chain.outcome("CORRECT", 3, names=named, **fields) == "unknown_target"


def test_a_correction_of_an_act_of_another_chain_is_refused() -> None:
    stranger = issued().given("CHANGE", 1).given("CHANGE", 2)
    assert issued().outcome("CORRECT", 3, names=stranger.acts[2]) == "unknown_target"


def test_only_what_the_type_lists_is_corrected_or_changed() -> None:
    chain = issued(born="2000-01-01", scope="甲")
    chain.refuses("invalid_fields", "CORRECT", 1, names=0, scope="乙")
    chain.refuses("invalid_fields", "CHANGE", 1, born="2000-01-02")
    chain.given("CORRECT", 1, names=0, born="2000-01-02")
    chain.when("CHANGE", 2, scope="乙")
    assert chain.face()["born"] == "2000-01-02"


def test_a_mandatory_field_may_not_be_emptied() -> None:
    chain = Chain()
    assert chain.refuses("invalid_fields", "ISSUE", 0, name=None) == "name is missing"
    issued().refuses("invalid_fields", "CHANGE", 1, name=None)
    issued().refuses("invalid_fields", "CORRECT", 1, names=0, name=None)
