"""Licenses whose holders and fields move in every way that the archives must show."""

from __future__ import annotations

from ledger.catalogue import TYPE_ACTS
from ledger.events import Holder, Value
from tests import fixed
from tests.builders import World
from tests.sample_province import FIELDS, OTHER_CITY, TODAY, permit

DAY_US = 86_400_000_000
MOVING_CODE = "11100000MB0143028R003"
"""A type whose licenses may go to another issuer."""


def person(name: str) -> Holder:
    """A natural person as events name one: by an opaque reference alone."""
    return {"kind": "111", "ref": fixed.Chance(name)(32), "code": ""}


FIRST, SECOND, THIRD = person("first"), person("second"), person("third")


def add_archived(world: World) -> None:
    """Holders that change, late ones, corrected and restored ones; links and moves."""
    _moved_on(world)
    _late(world)
    _corrected(world)
    _linked(world)
    _transferred(world)


def _moved_on(world: World) -> None:
    """H1: FIRST, since day 3 FIRST and SECOND, since day 5 SECOND alone, undone again."""
    one = world.license_id("H1")
    world.issue("H1", holders=[FIRST], effective_at=day(-30))
    world.act("CHANGE", one, holders=[FIRST, SECOND], effective_at=day(-27))
    change = world.act(
        "CHANGE",
        one,
        holders=[SECOND],
        effective_at=day(-25),
        fields={"scope": "另一项目", "grade": "A"},
    )
    world.act("RENEW", one, holders=[SECOND], effective_at=day(-20), fields=term(2036))
    world.act("RESTORE", one, holders=[SECOND], causes=(change.verdict.digest,))


def _late(world: World) -> None:
    """H2: FIRST, THIRD since day -10; told later, SECOND from day -20 to day -10."""
    one = world.license_id("H2")
    world.issue("H2", holders=[FIRST], effective_at=day(-30))
    world.act(
        "CHANGE",
        one,
        holders=[THIRD],
        effective_at=day(-10),
        fields={"scope": "新项目", **term(2035)},
    )
    world.act(
        "CHANGE",
        one,
        holders=[SECOND],
        effective_at=day(-20),
        fields={"scope": "旧项目", "grade": "B", **term(2033)},
    )


def _corrected(world: World) -> None:
    """H3: recorded for FIRST and corrected: it was SECOND's from the beginning."""
    one = world.license_id("H3")
    issued = world.issue("H3", holders=[FIRST], effective_at=day(-30))
    corrected = world.act(
        "CORRECT",
        one,
        holders=[SECOND],
        causes=(issued.verdict.digest,),
        fields={"scope": "更正项目", "valid_from": "2026-02-01"},
    )
    world.act(
        "CHANGE", one, holders=[SECOND], fields={"grade": "C"}, effective_at=day(-5)
    )
    world.act("CHANGE", one, holders=[SECOND], fields={"grade": None})
    world.act(
        "CORRECT",
        one,
        holders=[SECOND],
        causes=(corrected.verdict.digest,),
        fields={"scope": "再更正项目"},
    )


def _linked(world: World) -> None:
    """M1 goes on as M2, which another holder has; M3 would have, but it was undone."""
    for serial, holder in (("M1", FIRST), ("M2", SECOND), ("M3", FIRST)):
        world.issue(serial, holders=[holder], effective_at=day(-30))
    other: dict[str, Value] = {"continues_as": world.license_id("M2")}
    world.act("LINK", world.license_id("M1"), holders=[FIRST], fields=other)
    link = world.act("LINK", world.license_id("M3"), holders=[FIRST], fields=other)
    world.act(
        "RESTORE",
        world.license_id("M3"),
        holders=[FIRST],
        causes=(link.verdict.digest,),
    )


def _transferred(world: World) -> None:
    """T1 of the city goes on as T1 of the other city."""
    moving = permit(code=MOVING_CODE, acts=sorted(TYPE_ACTS - {"DOWNGRADE"}))
    world.add_type(moving)
    old = world.license_id("T1", code=MOVING_CODE)
    new = world.license_id("T1", OTHER_CITY, MOVING_CODE)
    issue = world.draft(
        "ISSUE", old, holders=[THIRD], fields=FIELDS, effective_at=day(-30)
    )
    issued = world.accept(world.sign(issue, "city"))
    assert issued.verdict.after is not None
    leave = world.draft("TRANSFER_OUT", old, holders=[THIRD], effective_at=day(-3))
    world.accept(world.sign(leave, "city"))
    enter = world.draft(
        "TRANSFER_IN",
        new,
        holders=[THIRD],
        effective_at=day(-2),
        fields={**FIELDS, "previous_identifier": issued.verdict.after.identifier},
    )
    world.accept(world.sign(enter, "other city"))


def term(year: int) -> dict[str, Value]:
    """Another end of validity."""
    return {"valid_until": f"{year}-03-01"}


def day(number: int) -> int:
    """So many days from today, 00:00 UTC+8."""
    return TODAY + number * DAY_US


__all__ = [
    "FIRST",
    "MOVING_CODE",
    "SECOND",
    "THIRD",
    "add_archived",
    "day",
    "person",
]
