"""Effective order: late acts, what they overtake, what stands where."""

from __future__ import annotations

import pytest

from tests.builders_lifecycle import DAY0, OTHER_HOLDER, STRICT, Chain, date, issued


def _position(chain: Chain, index: int) -> int:
    return chain.acts[index].position


def test_a_late_change_stands_at_its_own_day() -> None:
    chain = issued(address="甲").given("CHANGE", 10, address="丙")
    chain.when("CHANGE", 5, address="乙")
    assert chain.face()["address"] == "丙"
    assert (chain.now.version, chain.now.identifier[-5:-2]) == (3, "003")
    assert chain.last.flags == ("late",)
    assert (chain.now.late, chain.now.flags) == ((_position(chain, 2),), ("late",))


def test_an_act_older_than_one_not_yet_in_force_is_not_late() -> None:
    chain = issued().given("CHANGE", 20, recorded=5)
    chain.when("SUSPEND", 6, recorded=6)
    assert "late" not in chain.last.flags
    chain.when("ANNOTATE", 7, recorded=30)
    assert "late" in chain.last.flags


def test_acts_of_one_day_stand_as_recorded() -> None:
    chain = issued().given("CHANGE", 5, address="乙").when("CHANGE", 5, address="丙")
    assert (chain.face()["address"], chain.now.late) == ("丙", ())


def test_a_late_revocation_overtakes_but_drops_nothing() -> None:
    chain = issued().given("CHANGE", 10, address="乙").given("SUSPEND", 11)
    chain.when("REVOKE", 5)
    assert chain.shown(12) == "REVD"
    assert chain.now.overtaken == (_position(chain, 1), _position(chain, 2))
    assert chain.last.flags == ("late", "overtakes")
    assert chain.face()["address"] == "乙"
    assert chain.now.version == 2
    assert len(chain.now.restrictions) == 1


def test_a_late_end_stays_before_a_later_end() -> None:
    chain = issued().given("REVOKE", 10).when("WITHDRAW", 5)
    assert chain.shown(10) == "WDRN"
    assert chain.now.overtaken == (_position(chain, 1),)


def test_a_late_suspension_lets_later_acts_stand_that_the_type_allows() -> None:
    chain = issued().given("CHANGE", 10).given("REISSUE", 11).when("SUSPEND", 5)
    assert chain.now.overtaken == (_position(chain, 2),)
    assert chain.shown(11) == "SUSP"


def test_an_overtaken_withdrawal_still_ends_a_license_that_nothing_ended() -> None:
    chain = issued().given("WITHDRAW", 10)
    chain.when("DOWNGRADE", 5, valid_until=date(8))
    assert chain.now.overtaken == (_position(chain, 1),)
    assert chain.shown(10) == "WDRN"


def test_any_other_late_act_that_would_overtake_is_refused() -> None:
    chain = issued().given("REISSUE", 10).given("REPLACE", 11)
    detail = chain.refuses("conflicts_with", "PAUSE", 5)
    assert detail == f"the act at position {_position(chain, 1)}"
    chain = issued().given("CHANGE", 10)
    chain.refuses("conflicts_with", "TRANSFER_OUT", 5)


def test_a_late_resumption_that_takes_the_ground_of_another_is_refused() -> None:
    chain = issued().given("SUSPEND", 1).given("RESUME", 9, names=1)
    detail = chain.refuses("conflicts_with", "RESUME", 5, names=1)
    assert detail == f"the act at position {_position(chain, 2)}"


def test_an_act_that_its_own_place_does_not_allow_is_refused_though_late() -> None:
    chain = issued().given("REVOKE", 5).given("RESTORE", 8, names=1)
    chain.given("REVOKE", 9)
    chain.refuses("illegal_transition", "CHANGE", 10)
    chain.when("CHANGE", 7)
    assert chain.shown(9) == "REVD"


@pytest.mark.parametrize("act", ["SUSPEND", "DOWNGRADE", "WITHDRAW", "CANCEL", "ANNUL"])
def test_penalties_and_ends_are_refused_where_their_own_place_forbids_them(
    act: str,
) -> None:
    issued().given("CANCEL", 5).refuses("illegal_transition", act, 9)


def test_restoring_a_suspension_leaves_its_resumption_without_ground() -> None:
    chain = issued().given("SUSPEND", 1).given("RESUME", 5, names=1)
    chain.when("RESTORE", 6, names=1)
    assert chain.now.overtaken == (_position(chain, 2),)
    assert (chain.shown(6), chain.last.version) == ("VALID", None)


def test_restoring_a_change_makes_a_version_and_brings_the_old_face_back() -> None:
    chain = issued(address="甲")
    chain.given("CHANGE", 5, address="乙", holders=(OTHER_HOLDER,))
    chain.when("RESTORE", 6, names=1)
    assert (chain.now.version, chain.last.version) == (3, 3)
    assert chain.face()["address"] == "甲"
    assert chain.now.holders != (OTHER_HOLDER,)


def test_a_restoration_may_be_restored_and_the_act_is_back() -> None:
    chain = issued().given("REVOKE", 5).given("RESTORE", 6, names=1)
    assert chain.shown(6) == "VALID"
    chain.given("RESTORE", 7, names=2)
    assert chain.shown(7) == "REVD"
    assert chain.when("RESTORE", 8, names=1).shown(8) == "VALID"


def test_an_opening_cannot_be_restored_nor_an_act_twice() -> None:
    chain = issued().given("REVOKE", 5).given("RESTORE", 6, names=1)
    chain.refuses("unknown_target", "RESTORE", 7, names=0)
    chain.refuses("unknown_target", "RESTORE", 7, names=1)
    chain.refuses("unknown_target", "RESTORE", 7)


def test_a_late_annulment_stands_directly_before_the_cancellation() -> None:
    chain = issued().given("CHANGE", 8).given("CANCEL", 10)
    chain.when("ANNUL", 10, effect_from=date(0))
    assert (chain.shown(10), chain.now.after) == ("CANC", "ANND")
    assert chain.now.overtaken == ()


def test_a_cancellation_older_than_the_latest_act_still_follows_the_annulment() -> None:
    chain = issued().given("CHANGE", 20).given("ANNUL", 5)
    chain.when("CANCEL", 8)
    assert (chain.shown(20), chain.now.after) == ("CANC", "ANND")
    assert chain.now.overtaken == (_position(chain, 1),)


def test_a_late_annulment_stands_behind_all_accepted_acts() -> None:
    chain = issued().given("CHANGE", 10).when("ANNUL", 5, effect_from=date(0))
    assert (chain.shown(10), chain.now.overtaken) == ("ANND", ())
    assert chain.now.terminal_day == DAY0


def test_an_act_before_the_issue_is_refused() -> None:
    issued().refuses("illegal_transition", "CHANGE", -1)
    issued().refuses("illegal_transition", "REVOKE", -1)


@pytest.mark.parametrize("opening", ["BASELINE", "TRANSFER_IN"])
def test_older_acts_of_stock_stand_directly_behind_the_opening(opening: str) -> None:
    chain = Chain().given(opening, 100, address="甲").given("CHANGE", 110, address="丁")
    chain.given("CHANGE", 50, address="丙").given("CHANGE", 40, address="乙")
    assert chain.face()["address"] == "丁"
    chain.when("RESTORE", 120, names=1)
    assert chain.face()["address"] == "丙"
    assert chain.now.version == 5


def test_expiry_of_an_older_act_is_asked_on_its_own_day() -> None:
    chain = Chain(STRICT).given("BASELINE", 100, valid_until=date(60))
    chain.when("REISSUE", 50)
    chain.refuses("illegal_transition", "REISSUE", 70)


def test_a_chain_is_opened_once() -> None:
    for opening in ("ISSUE", "BASELINE", "TRANSFER_IN"):
        issued().refuses("illegal_transition", opening, -5)
        Chain().given("BASELINE", 0).refuses("illegal_transition", opening, 5)


def test_a_chain_begins_with_an_opening() -> None:
    Chain().refuses("illegal_transition", "CHANGE", 0)
    Chain().refuses("unknown_target", "RESUME", 0)


def test_a_stay_taken_back_for_good_is_a_restoration() -> None:
    chain = issued().given("REVOKE", 5).given("MARK", 6, mark="stayed", names=1)
    chain.given("RESTORE", 7, names=1)
    chain.when("MARK", 8, mark="stayed", mark_on=False, names=1)
    assert (chain.shown(8), chain.now.flags) == ("VALID", ())


def test_a_late_face_is_judged_against_the_holders_of_its_day_or_of_today() -> None:
    chain = issued()
    first = chain.now.holders
    chain.given("CHANGE", 10, holders=(OTHER_HOLDER,))
    chain.given("ANNOTATE", 5, holders=first).given("ANNOTATE", 5)
    chain.refuses("invalid_fields", "ANNOTATE", 11, holders=first)
