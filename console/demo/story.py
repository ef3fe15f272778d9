"""The whole story of the small province: who sends what, in order, and what comes of it.

The same seed and the same day tell the same story; only keys, nonces and identifiers of
events differ, which are drawn from the system's randomness when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from console.demo import faces
from console.demo.cast import Cast, citizen
from console.demo.life import Life
from console.demo.lives import (
    against_rules,
    attempts,
    building,
    cards,
    market,
    safety,
    weddings,
)
from console.demo.offices import BUREAU, SUPERVISOR, enrolment
from console.demo.people import People, Person
from console.demo.population import Dweller, populate
from console.demo.steps import MAIN, SUPERIOR, Plain, Step
from ledger.drafting import Draft, HolderDraft

PLANS = (
    cards.PLAN,
    weddings.PLAN,
    market.PLAN,
    safety.PLAN,
    building.PLAN,
    attempts.PLAN,
    against_rules.PLAN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the questions at the end are about: a holder, and three licenses.

    ``corrected``: one with a CORRECT. ``late``: one whose suspension was reported late;
    ``overtaken``: one where such a report took another act's ground.
    """

    holder: HolderDraft
    corrected: str
    late: str
    overtaken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """``enrolment``, then ``years``, then ``steps``, then ``erasure``.

    ``years``: the acts of the large province by their days, none in the small one.
    ``shown``: the license whose history the summary tells. ``proved``: one under two
    seals, for the receipt. ``erased``: the license whose holder's key is destroyed.
    ``asked``: whom and what the questions at the end are about.
    """

    seed: int
    today: int
    large: bool
    enrolment: tuple[Step, ...]
    years: tuple[Step, ...]
    steps: tuple[Step, ...]
    erasure: Step
    shown: str
    proved: str
    erased: str
    holder: HolderDraft
    asked: Asked


def tell(seed: int, *, today: int, large: bool = True) -> Story:
    """The story of a seed; ``today`` is a day number (UTC+8), so that it never ages.

    ``large``: with all cities, and years of acts before the attempts and proofs.
    """
    rng = Random(seed)  # noqa: S311 - invented people, no secrets
    cast = Cast(rng=rng, people=People(rng, today=today), today=today)
    years: list[Life] = []
    dwellers: list[Dweller] = []
    if large:
        dwellers = populate(cast)
        years, cast.lives = cast.lives, []
    shown = _eventful(cast)
    corrected = market.mistyped(cast)
    overtaken = safety.late_suspension(cast)
    proved, _ = building.building(cast, 420)
    erased = cards.dead_holder(cast)
    for count, make in (entry for plan in PLANS for entry in plan):
        for _ in range(count):
            make(cast)
    return Story(
        seed=seed,
        today=today,
        large=large,
        enrolment=tuple(enrolment(today, large=large)),
        years=tuple(by_day(years)),
        steps=tuple(_in_turn(cast.lives, rng)),
        erasure=Step(
            label="destroy",
            what=Plain(
                chain="holder",
                act="DESTROY",
                holder=erased.holders[0],
                fields={"license_ids": {"strings": [erased.license_id]}},
            ),
            by=((BUREAU.handle, MAIN), (SUPERVISOR.handle, SUPERIOR)),
        ),
        shown=shown.license_id,
        proved=proved.license_id,
        erased=erased.license_id,
        holder=erased.holders[0],
        asked=Asked(
            holder=_richest(dwellers) or corrected.holders[0],
            corrected=corrected.license_id,
            late=shown.license_id,
            overtaken=overtaken.license_id,
        ),
    )


def by_day(lives: Sequence[Life]) -> list[Step]:
    """The steps of many lives by their days; what a life reports late stays late."""
    days: list[tuple[int, int, Step]] = []
    for number, life in enumerate(lives):
        reached = 0
        for step in life.steps:
            reached = max(reached, _effective(step))
            days.append((reached, number, step))
    return [step for _, _, step in sorted(days, key=lambda entry: entry[:2])]


def _effective(step: Step) -> int:
    return step.what.effective_at if isinstance(step.what, Draft) else 0


def _richest(dwellers: Sequence[Dweller]) -> HolderDraft | None:
    """The person who holds most, the first of several; None where nobody lives."""
    people = [one for one in dwellers if isinstance(one.who, Person)]
    if not people:
        return None
    most = max(people, key=lambda one: len(one.held)).who
    return citizen(most) if isinstance(most, Person) else None


def _eventful(cast: Cast) -> Life:
    """A permit with a bit of everything: renewed, corrected, and penalised late."""
    life, issue = safety.permitted(cast, 3 * faces.YEAR + 200)
    mark = faces.mark("renewal_pending", on=True, day=life.day(290))
    life.act("MARK", 290, mark)
    life.act("RENEW", 195, faces.term(cast.today, 200, safety.YEARS))
    life.act(
        "CHANGE",
        60,
        {"responsible_person": cast.people.name()},
        decided="application",
        why="主要负责人变更",
    )
    life.act(
        "SUSPEND",
        150,
        {"term_until": life.day(120), "served_on": life.day(149)},
        why="迟报的暂扣决定",
    )
    life.act("RESUME", 125, names=[life.steps[-1].label])
    life.act(
        "CORRECT",
        8,
        {"economic_type": "股份有限公司"},
        names=[issue],
        decided="recording_error",
        why="经济类型录入错误",
    )
    return life


def _in_turn(lives: Sequence[Life], rng: Random) -> list[Step]:
    """One step of each life after the other: the province works at all of them."""
    order = list(lives)
    rng.shuffle(order)
    longest = max(len(life.steps) for life in order)
    return [
        life.steps[turn]
        for turn in range(longest)
        for life in order
        if turn < len(life.steps)
    ]
