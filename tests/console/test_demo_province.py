"""The large province of the demonstration: as large as it says, and true to its data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from console.demo.cast import Cast
from console.demo.courses import COURSES
from console.demo.faces_of_all import Subject, face_of
from console.demo.offices import city_offices, office_in, offices
from console.demo.people import People
from console.demo.plan import plan, type_of, vocabulary
from console.demo.population import term_of
from console.demo.run import Outcome, Ran, run
from console.demo.story import Story, tell
from console.demo.summary import summary, words
from console.demo.watch import Watch
from ledger.drafting import Draft
from ledger.field_checks import value_problem
from ledger.lifecycle import ACTS
from ledger.refusals import ACCEPTED
from tests.console.demo_desk import MemoryDemoDesk

CITIES = {f"21{number:02}00" for number in range(1, 15)}


@dataclass(frozen=True, slots=True)
class Played:
    """The large province, run whole on the pure core, and what was said meanwhile."""

    desk: MemoryDemoDesk
    story: Story
    ran: Ran
    said: list[str]


@pytest.fixture(scope="module")
def played() -> Played:
    desk = MemoryDemoDesk()
    story = tell(2026, today=desk.today)
    said: list[str] = []
    watch = Watch(desk, story, told=said.append, clock=iter(range(10_000)).__next__)
    return Played(desk, story, run(desk, story, watch), said)


@pytest.fixture(scope="module")
def told(played: Played) -> dict[str, Any]:
    return summary(played.desk, played.story, played.ran, seconds=1.0, kept=None)


def accepted(played: Played) -> list[Draft]:
    return [
        one.step.what
        for one in played.ran.outcomes
        if one.told.code == ACCEPTED and isinstance(one.step.what, Draft)
    ]


@pytest.mark.slow
def test_it_is_a_province_of_the_promised_size(told: dict[str, Any]) -> None:
    size = told["size"]
    assert size["cities"] == 14
    assert size["departments"] >= 8
    assert size["types"] >= 30
    assert size["holders"] >= 2_000
    assert size["events"] >= 8_000
    assert size["acts"] >= 18
    assert size["years"] >= 5
    assert sum(told["by_act"].values()) == size["events"]
    assert len(told["by_act"]) == size["acts"]


@pytest.mark.slow
def test_every_act_of_the_lifecycle_happens_in_its_years(played: Played) -> None:
    """And in every city something does."""
    done = Counter(step.what.act for step in years(played.story))
    assert set(done) == set(ACTS)
    areas = {office.uscc: office.area for office in offices(large=True)}
    issuers = {draft.license_id.split(".")[6] for draft in accepted(played)}
    assert {f"{areas[uscc][:4]}00" for uscc in issuers} == CITIES


def years(story: Story) -> list[Any]:
    return [step for step in story.years if isinstance(step.what, Draft)]


@pytest.mark.slow
def test_the_years_pass_in_order_but_for_what_is_reported_late(played: Played) -> None:
    days = [step.what.effective_at for step in years(played.story)]
    reached = 0
    late = sum(day < (reached := max(reached, day)) for day in days)
    assert 0 < late < len(days) / 20
    flags = Counter(f for one in played.desk.world.records for f in one.verdict.flags)
    assert flags["late"] >= 20
    assert flags["overtakes"] >= 2


@pytest.mark.slow
def test_it_streams_rates_seals_and_verdicts(played: Played) -> None:
    lines = [line for line in played.said if "seals" in line]
    assert len(lines) > 20
    done = [int(line.split()[2].replace(",", "")) for line in lines]
    assert done == sorted(done)
    assert done[-1] == len(played.ran.outcomes)
    assert all("/s" in line and "accepted" in line for line in lines)
    refused = [line for line in played.said if line.startswith("  ✗")]
    assert len(refused) == sum(o.told.code != ACCEPTED for o in played.ran.outcomes)


@pytest.mark.slow
def test_no_citizen_number_of_the_province_stands_in_clear(played: Played) -> None:
    numbers = {
        value[:18].encode()
        for draft in accepted(played)
        for name, value in draft.fields.items()
        if name in ("id_no", "ss_no", "disability_no", "mother_id", "father_id")
        and isinstance(value, str)
    }
    assert len(numbers) > 1_000
    log = b"\n".join(one.data for one in played.desk.world.records)
    assert numbers.isdisjoint(re.findall(rb"(?=(\d{17}[\dX]))", log))


@pytest.mark.slow
def test_questions_are_answered_from_the_ledger(
    played: Played, told: dict[str, Any]
) -> None:
    answers = told["answers"]
    held = answers["held"]["licenses"]
    assert len(held) >= 5
    assert len({one["type"] for one in held}) == len(held)
    assert (answers["known"]["then"], answers["known"]["now"]) == ("VALID", "SUSP")
    assert answers["known"]["known_then"] < answers["known"]["reported"]
    [(field, (old, new))] = answers["corrected"]["fields"].items()
    assert field == "legal_rep"
    assert old != new
    assert answers["corrected"]["by"].endswith("市场监督管理局")
    assert answers["late"]["late"]["act"] == "SUSPEND"
    [overtaken] = answers["late"]["overtaken"]
    assert overtaken["act"] == "REPLACE"
    assert overtaken["recorded"] < answers["late"]["late"]["recorded"]
    text = words(told)
    assert f"{told['size']['events']:,} acts of 23 kinds" in text
    assert "What did we know then?" in text


@pytest.mark.slow
def test_the_same_seed_tells_the_same_years(played: Played) -> None:
    again = tell(2026, today=played.desk.today)
    assert again.years == played.story.years


def test_its_data_names_the_fourteen_cities_and_types_of_the_catalogue() -> None:
    data = plan()
    assert {city.code for city in data.cities} == CITIES
    assert sum(city.parts for city in data.cities) == 1_000
    assert len({city.plate for city in data.cities}) == 14
    numbers = {number for held in data.shares.values() for number in held}
    dealt_with = {number for one in data.departments for number in one.types}
    assert numbers <= dealt_with
    assert len(numbers) >= 40
    assert set(data.courses) == {*COURSES, "moved_away", "stock"}


def test_every_city_has_its_departments_under_codes_of_their_own() -> None:
    found = city_offices()
    assert {city for _, city in found} == CITIES
    codes = [office.uscc for office in offices(large=True)]
    assert len(set(codes)) == len(codes) > 100
    market = office_in("211400", 32)
    assert market is not None
    assert (market.name, market.area) == ("葫芦岛市市场监督管理局", "211400")
    assert office_in("211400", 16) is None


@pytest.mark.parametrize(
    "number", sorted({n for held in plan().shares.values() for n in held})
)
def test_a_face_of_each_of_its_types_has_the_form_of_its_fields(number: int) -> None:
    rng, kind = Random(number), type_of(number)
    people = People(rng, today=20_000)
    city = plan().cities[number % 14]
    for _ in range(3):
        person = kind.holder_category != "organisation"
        who = people.person(city.code) if person else people.firm(city.code)
        subject = Subject(who=who, city=city, day=19_000, people=people, rng=rng)
        face = face_of(kind, subject)
        assert {n for n, f in kind.fields.items() if f.mandatory} <= set(face)
        wrong = [n for n, v in face.items() if value_problem(kind.fields[n], v)]
        assert wrong == []


@pytest.mark.parametrize(
    ("number", "terms"), [(3, {5, 10, 20, None}), (4, {1}), (14, {None}), (25, {6})]
)
def test_terms_are_those_of_the_catalogue(number: int, terms: set[int | None]) -> None:
    cast = Cast(rng=Random(1), people=People(Random(1), today=20_000), today=20_000)
    assert {term_of(type_of(number), cast) for _ in range(60)} == terms


def test_words_stand_under_keys_that_some_type_has() -> None:
    keys = {name for number in range(1, 57) for name in type_of(number).fields}
    assert set(vocabulary()) <= keys


def test_a_watch_is_silent_within_a_second_but_for_refusals() -> None:
    desk = MemoryDemoDesk()
    story = tell(5, today=desk.today, large=False)
    said: list[str] = []
    times = iter([0.0, 0.2, 0.9, 1.1])
    watch = Watch(desk, story, told=said.append, clock=times.__next__)
    nothing: Sequence[Outcome] = ()
    for _ in range(3):
        watch("years 历年", nothing)
    assert said[0] == "years 历年"
    assert len(said) == 2
    assert said[1].startswith("    1.1 s       0 of ")
