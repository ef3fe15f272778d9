"""The whole story of the small province: who sends what, in order, and what comes of it.

The same seed and the same day tell the same story; only keys, nonces and identifiers of
events differ, which are drawn from the system's randomness when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from console.demo import faces
from console.demo.cast import Cast
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
from console.demo.people import People
from console.demo.steps import MAIN, SUPERIOR, Plain, Step
from ledger.drafting import HolderDraft

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
class Story:
    """``enrolment``, then ``steps``, then ``erasure``.

    ``shown``: the license whose history the summary tells. ``proved``: one under two
    seals, for the receipt. ``erased``: the license whose holder's key is destroyed.
    """

    seed: int
    today: int
    enrolment: tuple[Step, ...]
    steps: tuple[Step, ...]
    erasure: Step
    shown: str
    proved: str
    erased: str
    holder: HolderDraft


def tell(seed: int, *, today: int) -> Story:
    """The story of a seed; ``today`` is a day number (UTC+8), so that it never ages."""
    rng = Random(seed)  # noqa: S311 - invented people, no secrets
    cast = Cast(rng=rng, people=People(rng, today=today), today=today)
    shown = _eventful(cast)
    proved, _ = building.building(cast, 420)
    erased = cards.dead_holder(cast)
    for count, make in (entry for plan in PLANS for entry in plan):
        for _ in range(count):
            make(cast)
    return Story(
        seed=seed,
        today=today,
        enrolment=tuple(enrolment(today)),
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
    )


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
