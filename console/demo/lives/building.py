"""Construction permits (建筑工程施工许可证), acted on under two seals (联合签章)."""

from __future__ import annotations

from collections.abc import Callable

from console.demo import faces
from console.demo.cast import Cast, organisation
from console.demo.life import Life
from console.demo.offices import (
    HOUSING_DALIAN,
    HOUSING_SHENYANG,
    PLANNING_DALIAN,
    PLANNING_SHENYANG,
)

HOUSING = ((HOUSING_SHENYANG, PLANNING_SHENYANG), (HOUSING_DALIAN, PLANNING_DALIAN))


def building(cast: Cast, ago: int) -> tuple[Life, str]:
    """A permit that housing and planning seal together (联合签章)."""
    housing, planning = cast.rng.choice(HOUSING)
    firm = cast.people.firm(housing.area)
    builder = cast.people.firm(housing.area).name
    watcher = cast.people.firm(housing.area).name
    life = cast.life(
        faces.CONSTRUCTION, housing, (organisation(firm),), cosigner=planning
    )
    face = faces.construction(firm, (builder, watcher), life.day(ago), cast.rng)
    face |= faces.term(cast.today, ago, None)
    return life, life.act("ISSUE", ago, face)


def plain_building(cast: Cast) -> None:
    """Issued, and building since."""
    building(cast, cast.ago(40, 700))


def larger_building(cast: Cast) -> None:
    """变更 of what is built."""
    life, _ = building(cast, cast.ago(400, 900))
    life.act("CHANGE", cast.ago(30, 300), {"scale": "52000"}, decided="application")


def halted_building(cast: Cast) -> None:
    """施工中止 and 恢复."""
    life, _ = building(cast, cast.ago(500, 900))
    life.act("PAUSE", 300, {"term_until": life.day(60)})
    life.act("RESUME", 150, names=[life.steps[-1].label])


def paused_building(cast: Cast) -> None:
    """施工中止, open to this day."""
    life, _ = building(cast, cast.ago(300, 900))
    life.act("PAUSE", cast.ago(20, 90))


def finished_building(cast: Cast) -> None:
    """竣工: cancelled, then filed."""
    life, _ = building(cast, cast.ago(700, 1_200))
    life.act("CANCEL", cast.ago(60, 200), {"ground": "6"}, why="工程竣工")
    life.act("ARCHIVE", cast.ago(10, 50))


def corrected_building(cast: Cast) -> None:
    """更正 of a project code."""
    life, issue = building(cast, 330)
    code = str(life.face["project_code"])
    life.act(
        "CORRECT",
        35,
        {"project_code": code[:-1] + str((int(code[-1]) + 1) % 10)},
        names=[issue],
        decided="recording_error",
    )


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (8, plain_building),
    (3, larger_building),
    (3, halted_building),
    (2, paused_building),
    (4, finished_building),
    (2, corrected_building),
)
"""How many lives of each kind there are."""
