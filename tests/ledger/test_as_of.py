"""What was known on one day about another."""

from __future__ import annotations

from tests.builders_lifecycle import Chain, date, issued


def test_nothing_is_known_before_it_is_recorded_nor_before_it_began() -> None:
    chain = Chain().given("ISSUE", 5, recorded=8)
    assert chain.state_at(6, 7) == "NONE"
    assert chain.state_at(4, 9) == "NONE"
    assert chain.state_at(5, 8) == "VALID"


def test_a_late_report_changes_the_past_only_for_those_who_know() -> None:
    chain = issued(address="甲").given("CHANGE", 5, address="乙", recorded=20)
    before, after = chain.at(10, 19), chain.at(10, 20)
    assert before is not None
    assert after is not None
    assert [one.face["address"].value for one in (before, after)] == ["甲", "乙"]
    assert [one.version for one in (before, after)] == [1, 2]


def test_an_act_of_the_future_is_not_in_force_yet() -> None:
    chain = issued().given("REVOKE", 20, recorded=2)
    assert [chain.state_at(day) for day in (19, 20)] == ["VALID", "REVD"]


def test_an_annulment_reaches_back_to_its_effect_and_no_further() -> None:
    chain = issued().given("ANNUL", 20, effect_from=date(10))
    assert [chain.state_at(day) for day in (9, 10, 20)] == ["VALID", "ANND", "ANND"]
    assert chain.state_at(15, 19) == "VALID"


def test_an_annulment_without_a_day_holds_from_its_own() -> None:
    chain = issued().given("ANNUL", 20)
    assert [chain.state_at(day) for day in (19, 20)] == ["VALID", "ANND"]


def test_a_correction_is_true_from_the_original_date() -> None:
    chain = issued(address="甲").given("CHANGE", 10, address="丙")
    chain.given("CORRECT", 20, names=0, address="乙")
    chain.given("CORRECT", 21, names=1, address="丁")
    for day, value in ((0, "乙"), (9, "乙"), (10, "丁"), (30, "丁")):
        then = chain.at(day)
        assert then is not None
        assert then.face["address"].value == value
    then = chain.at(5, 19)
    assert then is not None
    assert then.face["address"].value == "甲"


def test_an_undone_act_never_was_as_known_afterwards() -> None:
    chain = issued().given("REVOKE", 5).given("RESTORE", 20, names=1)
    assert [chain.state_at(10, known) for known in (19, 20)] == ["REVD", "VALID"]


def test_a_stay_holds_from_its_day() -> None:
    chain = issued().given("REVOKE", 5).given("MARK", 9, mark="stayed", names=1)
    assert [chain.state_at(day) for day in (8, 9)] == ["REVD", "VALID"]


def test_expiry_and_restrictions_are_asked_on_the_day() -> None:
    chain = issued(valid_until=date(30)).given("SUSPEND", 5, term_until=date(10))
    chain.given("RENEW", 25, valid_until=date(60))
    days = (4, 5, 10, 11, 31, 60, 61)
    assert [chain.state_at(day) for day in days] == [
        *("VALID", "SUSP", "SUSP", "VALID", "VALID", "VALID", "EXP"),
    ]


def test_voiding_an_old_version_does_not_end_the_license_before_the_new_one() -> None:
    chain = issued().given("CHANGE", 20, recorded=1)
    chain.given("VOID_VERSION", 5, version=1)
    assert chain.state_at(6) == "VALID"


def test_a_flag_of_late_report_is_that_of_the_whole_known_history() -> None:
    chain = issued().given("CHANGE", 10).given("SUSPEND", 5, recorded=12)
    then = chain.at(6)
    assert then is not None
    assert then.late == (chain.acts[2].position,)
