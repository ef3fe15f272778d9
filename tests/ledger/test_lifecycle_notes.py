"""Footnotes and guards of the lifecycle table, one sentence each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders_lifecycle import (
    DAY0,
    LICENSE_ID,
    OTHER_HOLDER,
    PERMISSIVE,
    STRICT,
    Chain,
    date,
    issued,
)

NO = "illegal_transition"


def test_a_change_under_suspension_leaves_the_restriction_open() -> None:
    chain = issued().given("SUSPEND", 1).when("CHANGE", 2, address="乙")
    assert (chain.shown(2), chain.now.version) == ("SUSP", 2)
    assert chain.face()["address"] == "乙"


def test_late_renewal_makes_an_expired_license_valid_again() -> None:
    chain = issued(valid_until=date(10))
    chain.when("RENEW", 20, valid_until=date(100))
    assert (chain.shown(20), chain.shown(101)) == ("VALID", "EXP")
    assert chain.now.flags == ()


def test_a_renewal_to_a_term_that_is_over_leaves_the_license_expired() -> None:
    chain = issued(valid_until=date(10)).when("RENEW", 20, valid_until=date(15))
    assert chain.shown(20) == "EXP"


def test_backfilled_late_renewal_is_taken_whatever_the_gap_and_flagged() -> None:
    chain = issued(STRICT, valid_until=date(10))
    assert chain.outcome("RENEW", 900, valid_until=date(1000)) == NO
    chain.when("RENEW", 900, valid_until=date(1000), _backfill=True)
    assert chain.last.flags == ("late_renewal",)
    assert chain.now.flags == ("late_renewal",)


def test_the_last_day_of_validity_counts() -> None:
    chain = issued(valid_until=date(10))
    assert [chain.shown(day) for day in (10, 11)] == ["VALID", "EXP"]


def test_a_license_without_valid_until_never_expires() -> None:
    assert issued(valid_until=None).shown(100_000) == "VALID"


def test_null_sets_a_term_to_long_term() -> None:
    chain = issued(valid_until=date(10)).when("RENEW", 5, valid_until=None)
    assert chain.shown(11) == "VALID"


@pytest.mark.parametrize(
    ("marked", "applied", "state"),
    [(10, None, "VALID"), (11, None, "EXP"), (11, 9, "VALID"), (9, 11, "EXP")],
)
def test_pending_renewal_keeps_a_license_valid_if_applied_for_in_time(
    marked: int, applied: int | None, state: str
) -> None:
    given = {} if applied is None else {"mark_date": date(applied)}
    chain = issued(valid_until=date(10))
    chain.when("MARK", marked, mark="renewal_pending", mark_on=True, **given)
    assert chain.shown(40) == state
    assert chain.now.flags == ("renewal_pending",)


def test_a_refused_renewal_ends_the_pending_one() -> None:
    chain = issued(valid_until=date(10)).given("MARK", 5, mark="renewal_pending")
    chain.when("MARK", 20, mark="renewal_pending", mark_on=False)
    assert (chain.shown(20), chain.now.flags) == ("EXP", ())


def test_a_renewal_clears_the_pending_mark() -> None:
    chain = issued(valid_until=date(10)).given("MARK", 5, mark="renewal_pending")
    chain.when("RENEW", 20, valid_until=date(30))
    assert (chain.shown(31), chain.now.flags) == ("EXP", ())


def test_replacement_is_open_until_the_last_day_of_grace() -> None:
    kind = replace(STRICT, grace_days=5)
    expired = {"valid_until": date(10)}
    assert (
        issued(kind, **expired).outcome("REPLACE", 15, valid_until=date(99))
        == "accepted"
    )
    assert issued(kind, **expired).outcome("REPLACE", 16) == "out_of_grace"


def test_a_type_without_grace_limit_always_replaces() -> None:
    chain = issued(PERMISSIVE, valid_until=date(10))
    assert chain.when("REPLACE", 9_000, valid_until=None).shown(9_000) == "VALID"


def test_suspension_of_an_expired_license_is_recorded_and_shows_after_renewal() -> None:
    chain = issued(valid_until=date(10)).given("SUSPEND", 20, term_until=date(60))
    assert chain.last.flags == ("penalty_recorded",)
    assert chain.shown(20) == "EXP"
    chain.when("RENEW", 30, valid_until=date(100))
    assert [chain.shown(day) for day in (30, 60, 61)] == ["SUSP", "SUSP", "VALID"]


def test_revocation_of_a_cancelled_license_is_recorded_only() -> None:
    chain = issued().given("CANCEL", 5).when("REVOKE", 9)
    assert (chain.shown(9), chain.now.flags) == ("CANC", ("penalty_recorded",))


def test_a_revoked_license_may_still_be_annulled() -> None:
    chain = issued().given("REVOKE", 5).when("ANNUL", 9, effect_from=date(0))
    assert (chain.shown(9), chain.now.terminal_day) == ("ANND", DAY0)


def test_annulment_after_cancellation_is_refused() -> None:
    assert issued().given("CANCEL", 5).outcome("ANNUL", 6) == NO


def test_undoing_the_cancellation_opens_the_way_to_annulment() -> None:
    chain = issued().given("CANCEL", 5).given("RESTORE", 6, names=1)
    assert chain.when("ANNUL", 7).shown(7) == "ANND"


def test_an_annulment_cannot_take_effect_after_its_own_day() -> None:
    assert issued().outcome("ANNUL", 5, effect_from=date(6)) == "invalid_fields"


def test_voiding_the_only_version_ends_the_license() -> None:
    chain = issued().when("VOID_VERSION", 3, version=1)
    assert (chain.shown(3), chain.now.version) == ("VOID", 1)


def test_voiding_the_current_version_brings_its_replacement() -> None:
    chain = issued().when("VOID_VERSION", 3, version=1, address="乙")
    assert (chain.shown(3), chain.now.version) == ("VALID", 2)
    assert chain.face()["address"] == "乙"


def test_a_later_current_version_is_voided_only_with_a_replacement() -> None:
    chain = issued().given("CHANGE", 1, address="乙")
    assert chain.outcome("VOID_VERSION", 3, version=2) == "invalid_fields"
    chain.when("VOID_VERSION", 3, version=1)
    assert (chain.shown(3), chain.now.version) == ("VALID", 2)


def test_an_older_version_is_voided_without_a_replacement() -> None:
    chain = issued().given("CHANGE", 1)
    assert chain.outcome("VOID_VERSION", 3, version=1, makes=3) == "wrong_version"


def test_a_version_that_never_was_cannot_be_voided() -> None:
    assert issued().outcome("VOID_VERSION", 3, version=2) == "unknown_target"


def test_a_voided_license_takes_only_a_restoration() -> None:
    chain = issued().given("VOID_VERSION", 3, version=1)
    assert chain.outcome("ANNOTATE", 4) == NO
    assert chain.when("RESTORE", 5, names=1).shown(5) == "VALID"


def test_resuming_what_time_has_ended_is_accepted_without_effect() -> None:
    chain = issued().given("SUSPEND", 1, term_until=date(5))
    assert chain.shown(6) == "VALID"
    assert chain.when("RESUME", 9, names=1).shown(9) == "VALID"
    assert chain.now.restrictions == ()


def test_resuming_twice_is_refused() -> None:
    chain = issued().given("SUSPEND", 1).given("RESUME", 2, names=1)
    assert chain.outcome("RESUME", 3, names=1) == NO


def test_resuming_what_never_was_a_restriction_is_an_unknown_target() -> None:
    chain = issued().given("SUSPEND", 1)
    assert chain.outcome("RESUME", 3, names=0) == "unknown_target"
    assert chain.outcome("RESUME", 3) == "unknown_target"


def test_each_restriction_is_lifted_by_its_own_resumption() -> None:
    chain = issued().given("PAUSE", 1).given("SUSPEND", 2).given("SUSPEND", 3)
    chain.given("RESUME", 4, names=2)
    assert chain.shown(4) == "SUSP"
    chain.given("RESUME", 5, names=3)
    assert chain.shown(5) == "PAUS"
    assert chain.when("RESUME", 6, names=1).shown(6) == "VALID"


def test_a_term_does_not_end_what_is_resumed_on_application_only() -> None:
    kind = replace(PERMISSIVE, resume_on_application=True)
    chain = issued(kind).when("SUSPEND", 1, term_until=date(5))
    assert chain.shown(99) == "SUSP"


def test_a_lifted_restriction_of_an_expired_license_leaves_it_expired() -> None:
    chain = issued(valid_until=date(10)).given("SUSPEND", 5)
    assert chain.when("RESUME", 20, names=1).shown(20) == "EXP"


@pytest.mark.parametrize("told", ["SUSP", "PAUS"])
def test_stock_in_suspension_opens_a_restriction_named_by_the_baseline(
    told: str,
) -> None:
    chain = Chain().given("BASELINE", 0, state=told, term_until=date(9))
    assert [chain.shown(day) for day in (9, 10)] == [told, "VALID"]
    assert chain.when("RESUME", 5, names=0).shown(5) == "VALID"


@pytest.mark.parametrize("told", ["REVD", "ANND", "WDRN", "CANC"])
def test_stock_may_begin_in_a_terminal_state(told: str) -> None:
    chain = Chain().when("BASELINE", 0, state=told, after="VALID", ground="2")
    assert chain.shown(0) == told
    assert (chain.now.after, chain.now.ground) == ("VALID", "2")


@pytest.mark.parametrize("told", ["MRGD", "VOID", "NONE", "GONE"])
def test_stock_cannot_begin_merged_or_void(told: str) -> None:
    assert Chain().outcome("BASELINE", 0, state=told) == "invalid_fields"


def test_expired_stock_needs_its_last_day() -> None:
    assert Chain().outcome("BASELINE", 0, state="EXP") == "invalid_fields"
    chain = Chain().when("BASELINE", 5, state="EXP", valid_until=date(4))
    assert chain.shown(5) == "EXP"


def test_stock_starts_at_the_version_of_its_identifier() -> None:
    chain = Chain().given("BASELINE", 0, makes=7, version=7)
    assert chain.when("CHANGE", 1).now.version == 8


def test_a_starting_version_differing_from_its_field_is_refused() -> None:
    assert Chain().outcome("BASELINE", 0, makes=7, version=8) == "wrong_version"
    assert Chain().outcome("BASELINE", 0, makes=100) == "wrong_version"
    assert Chain().outcome("ISSUE", 0, makes=2) == "wrong_version"


def test_cancellation_keeps_the_state_before_it_and_the_ground() -> None:
    chain = issued().given("REVOKE", 3).when("CANCEL", 9, ground="4")
    assert (chain.now.after, chain.now.ground) == ("REVD", "4")


def test_a_cancellation_cannot_tell_another_state_before_it() -> None:
    detail = issued().refuses("invalid_fields", "CANCEL", 9, after="REVD")
    assert detail == "after is VALID"


def test_transfer_out_cancels_and_says_so() -> None:
    chain = issued().when("TRANSFER_OUT", 4)
    assert (chain.shown(4), chain.now.after) == ("CANC", "转出")


def test_after_a_link_only_its_restoration_is_taken() -> None:
    chain = issued().given("CHANGE", 1).given("LINK", 2, continues_as="B")
    assert (chain.shown(2), chain.now.merged_into) == ("MRGD", "B")
    for act in ("REVOKE", "ANNOTATE", "CORRECT"):
        assert chain.refuses("merged", act, 3, names=0) == "goes on as B"
    assert chain.outcome("RESTORE", 3, names=1) == "merged"
    chain.when("RESTORE", 3, names=2)
    assert (chain.shown(3), chain.now.merged_into) == ("VALID", "")


def test_a_chain_cannot_go_on_as_itself() -> None:
    assert issued().outcome("LINK", 1, continues_as=LICENSE_ID) == "unknown_target"


def test_marks_are_flags_and_leave_the_state_alone() -> None:
    chain = issued()
    for mark in ("seized", "lost", "dormant"):
        chain.given("MARK", 1, mark=mark, mark_on=True)
    assert chain.given("ARCHIVE", 2).now.flags == (
        *("archived", "dormant", "lost", "seized"),
    )
    chain.when("MARK", 3, mark="lost", mark_on=False)
    assert chain.now.flags == ("archived", "dormant", "seized")
    assert (chain.shown(3), chain.now.version) == ("VALID", 1)


def test_an_unknown_mark_is_refused() -> None:
    assert issued().outcome("MARK", 1, mark="stolen") == "invalid_fields"


def test_a_stayed_penalty_is_left_out_and_comes_back() -> None:
    chain = issued().given("REVOKE", 5)
    chain.given("MARK", 6, mark="stayed", mark_on=True, names=1)
    assert (chain.shown(6), chain.now.flags) == ("VALID", ("stayed",))
    chain.given("CHANGE", 7, address="乙")
    chain.when("MARK", 8, mark="stayed", mark_on=False, names=1)
    assert (chain.shown(8), chain.now.flags) == ("REVD", ())
    assert chain.now.overtaken == (chain.acts[3].position,)
    assert chain.last.flags == ("overtakes",)
    assert chain.face()["address"] == "乙"


def test_a_stay_names_an_act_but_not_the_opening() -> None:
    chain = issued()
    assert chain.outcome("MARK", 1, mark="stayed") == "unknown_target"
    assert chain.outcome("MARK", 1, mark="stayed", names=0) == "unknown_target"


def test_a_nonstandard_identifier_is_flagged_while_it_is_the_current_one() -> None:
    chain = Chain().given("BASELINE", 0, _backfill=True, _nonstandard=True)
    assert chain.now.flags == ("nonstandard_identifier",)
    assert chain.when("CHANGE", 1).now.flags == ()


def test_a_change_may_bring_new_holders_and_later_acts_carry_them() -> None:
    chain = issued()
    assert chain.outcome("REISSUE", 1, holders=(OTHER_HOLDER,)) == "invalid_fields"
    chain.given("CHANGE", 1, holders=(OTHER_HOLDER,))
    assert chain.now.holders == (OTHER_HOLDER,)
    chain.when("REISSUE", 2)
