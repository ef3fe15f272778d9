"""The demonstration: its story comes true on the pure core, and once on a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from console.cli.program import main
from console.demo import faces
from console.demo.people import People
from console.demo.run import Outcome, Ran, groups, run
from console.demo.steps import Again, Spoil, Step
from console.demo.story import Story, tell
from console.demo.summary import summary, words
from ledger.drafting import Draft
from ledger.errors import Untrusted
from ledger.identifiers import citizen_id_ok, parse_license_id, uscc_ok
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.workdays import day_to_date
from tests.console.demo_desk import MemoryDemoDesk

TYPES = {
    faces.ID_CARD,
    faces.MARRIAGE,
    faces.BUSINESS,
    faces.SAFETY,
    faces.CONSTRUCTION,
}


@dataclass(frozen=True, slots=True)
class Played:
    """A story that was run, and all that came of it."""

    desk: MemoryDemoDesk
    story: Story
    ran: Ran
    heard: list[str] = field(default_factory=list)


def play(seed: int, *, large: bool = False) -> Played:
    desk = MemoryDemoDesk()
    story = tell(seed, today=desk.today, large=large)
    heard: list[str] = []

    def watch(title: str, outcomes: Sequence[Outcome]) -> None:
        heard.extend([title] * len(outcomes))

    return Played(desk, story, run(desk, story, watch), heard)


@pytest.fixture(scope="module")
def played() -> Played:
    return play(2026)


@pytest.fixture(scope="module")
def told(played: Played) -> dict[str, Any]:
    return summary(played.desk, played.story, played.ran, seconds=1.0, kept=None)


def small(seed: int, today: int) -> Story:
    return tell(seed, today=today, large=False)


def drafts(story: Story) -> list[Draft]:
    return [step.what for step in story.steps if isinstance(step.what, Draft)]


def test_every_step_gets_the_verdict_that_the_story_tells(played: Played) -> None:
    told = (*played.story.enrolment, *played.story.steps, played.story.erasure)
    found = {one.step.label: one.told.code for one in played.ran.outcomes}
    assert found == {step.label: step.expect for step in told}
    assert len(played.heard) == len(told) == len(played.ran.outcomes)


@pytest.mark.parametrize("seed", [1, 77])
def test_another_seed_tells_another_story_that_comes_true(seed: int) -> None:
    another = play(seed)
    assert len(another.ran.outcomes) > 400
    assert (
        another.story.steps != tell(2026, today=another.desk.today, large=False).steps
    )


def test_the_same_seed_tells_the_same_story() -> None:
    assert small(5, 20_000) == small(5, 20_000)


def test_dates_move_with_today() -> None:
    early, late = small(5, 20_000), small(5, 20_001)
    moved = {
        one.effective_at - other.effective_at
        for one, other in zip(drafts(late), drafts(early), strict=True)
    }
    assert moved == {86_400_000_000}


def test_a_province_of_more_than_300_events_and_five_types(played: Played) -> None:
    accepted = [
        one.step.what
        for one in played.ran.outcomes
        if one.told.code == ACCEPTED and isinstance(one.step.what, Draft)
    ]
    assert len(accepted) >= 300
    assert {parse_license_id(one.license_id).type_code for one in accepted} == TYPES
    assert {"CORRECT", "RESTORE", "ANNUL", "LINK", "VOID_VERSION", "BASELINE"} <= {
        one.act for one in accepted
    }


def test_nearly_every_refusal_code_is_met(played: Played) -> None:
    met = {one.told.code for one in played.ran.outcomes} - {ACCEPTED}
    # A chain is full after 4,096 events, which would take a while to watch; and a number
    # in clear could never be taken back, not even out of a demonstration.
    assert met == set(REFUSALS) - {"chain_full", "clear_personal_data"}


def test_every_attempt_says_what_it_is(played: Played) -> None:
    silent = [
        s.label for s in played.story.steps if s.expect != ACCEPTED and not s.told
    ]
    assert silent == []


def test_late_reports_overtake_something_and_nothing(played: Played) -> None:
    flags = [
        one.verdict.flags for one in played.desk.world.records if one.verdict.flags
    ]
    assert ("late",) in flags
    assert ("late", "overtakes") in flags


def test_construction_permits_carry_two_signatures(played: Played) -> None:
    signers = {
        len(one.verdict.event["signers"])
        for one in played.desk.accepted()
        if one.verdict.event and faces.CONSTRUCTION in one.verdict.event["subject"]
    }
    assert signers == {1, 2}  # filing (归档) takes one


def test_stock_is_signed_together(played: Played) -> None:
    stock = [step for step in played.story.steps if step.together]
    assert len(stock) > 30
    assert {step.by for step in stock} == {(("bureau", 1),)}


def test_no_personal_value_stands_in_clear_in_any_record(played: Played) -> None:
    secret = {
        value.encode()
        for draft in drafts(played.story)
        if parse_license_id(draft.license_id).type_code == faces.ID_CARD
        for name, value in draft.fields.items()
        if name in ("id_no", "address", "birth_date") and isinstance(value, str)
    }
    assert len(secret) > 100
    log = b"".join(one.data for one in played.desk.world.records)
    assert [value for value in secret if value in log] == []


def test_invented_numbers_have_right_check_digits() -> None:
    people = People(Random(3), today=20_000)
    citizens = [people.person("210000") for _ in range(300)]
    firms = [people.firm("210000", sole=bool(n % 2)) for n in range(300)]
    latest: date = day_to_date(20_000)
    assert all(citizen_id_ok(one.id_no, latest=latest) for one in citizens)
    assert all(uscc_ok(one.uscc) for one in firms)
    assert len({one.id_no for one in citizens}) == 300
    assert len({one.uscc for one in firms}) == 300
    assert {int(one.id_no[16]) % 2 == 1 for one in citizens if one.sex == "男"} == {
        True
    }


def test_a_verdict_that_differs_from_the_story_stops_the_demonstration() -> None:
    desk = MemoryDemoDesk()
    story = small(5, desk.today)
    first = story.enrolment[0]
    wrong = Step(label="wrong", what=first.what, by=first.by, expect="stale")
    with pytest.raises(Untrusted, match="expected stale; found accepted"):
        run(desk, replace(story, enrolment=(wrong,)), lambda *_: None)


def test_no_group_holds_one_subject_twice(played: Played) -> None:
    steps = played.story.steps
    for most in (1, 7, 256):
        found = list(groups(steps, most=most))
        for group in found:
            subjects = [step.subject for step in group]
            assert len(set(subjects)) == len(subjects) <= most
        assert by_subject(s for g in found for s in g) == by_subject(steps)


def by_subject(steps: Iterable[Step]) -> dict[str, list[str]]:
    """What is said of each subject, in its order."""
    found: dict[str, list[str]] = {}
    for step in steps:
        found.setdefault(step.subject, []).append(step.label)
    return found


def test_bytes_sent_again_wait_for_their_first_time(played: Played) -> None:
    """They are another subject to the groups, and yet never in an earlier one."""
    found = list(groups(played.story.steps))
    place = {step.label: at for at, group in enumerate(found) for step in group}
    repeats = [
        (step.label, step.what.label)
        for step in played.story.steps
        if isinstance(step.what, Again)
    ]
    assert repeats
    assert all(place[label] > place[first] for label, first in repeats)


def test_a_destroyed_key_leaves_the_proof_and_nothing_to_read(
    played: Played, told: dict[str, Any]
) -> None:
    erased = told["erased"]
    assert "*" in erased["before"]
    assert erased["after"] == "(erased 已销毁)"
    assert erased["write_refused"] == "key_destroyed"
    assert "accepted" in erased["receipt_still_holds"][-1]
    assert played.desk.chain("license", played.story.erased).acts


def test_the_summary_adds_up(told: dict[str, Any]) -> None:
    assert told["accepted"] + told["refused"] == told["records"]
    assert sum(told["by_state"].values()) == told["licenses"]
    assert sum(told["by_refusal"].values()) == told["refused"] == len(told["attempts"])
    assert told["receipt"]["accepted"]
    assert told["receipt"]["signers"] == 2
    assert [one["refused"] for one in told["forgeries"]] == [
        "untrusted",
        "bad_signature",
    ]
    assert {"late"} <= {f for e in told["history"]["events"] for f in e["flags"]}
    assert json.loads(json.dumps(told)) == told


def test_the_words_tell_what_the_document_holds(told: dict[str, Any]) -> None:
    text = words(told)
    for part in (
        told["history"]["license_id"],
        "SUSPEND 暂扣",
        "bad_signature",
        "(erased 已销毁)",
        "license-ledger audit",
        "Who held what on a day?",
        "Which act came late, and what did it overtake?",
    ):
        assert part in text


def test_every_kind_of_spoiling_is_tried(played: Played) -> None:
    assert {step.spoil for step in played.story.steps} == set(Spoil)


@pytest.mark.slow
@pytest.mark.postgres
def test_the_command_runs_it_on_a_real_ledger(
    dsn: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "province"
    assert main(["demo", "--small", "--json", "--dir", str(place), "--dsn", dsn]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["accepted"] >= 300
    assert document["dir"] == str(place)
    assert document["erased"]["after"] == "(erased 已销毁)"
    [held] = document["answers"]["held"]["licenses"]
    assert (held["type"], held["state"]) == ("营业执照", "VALID")
    assert document["answers"]["known"]["now"] == "SUSP"
    assert [one["act"] for one in document["answers"]["late"]["overtaken"]] == [
        "REPLACE"
    ]
    assert main(["status", "--json", "--dir", str(place), "--dsn", dsn]) == 0
    assert json.loads(capfd.readouterr().out)["accepted"] == document["accepted"]


def test_another_database_needs_a_directory(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json", "--dsn", "postgresql://nowhere"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["where"] == "--dsn"
