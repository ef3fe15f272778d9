"""Marriage certificates (结婚证): two holders each."""

from __future__ import annotations

from collections.abc import Callable

from console.demo import faces
from console.demo.cast import Cast, citizen
from console.demo.life import Life
from console.demo.offices import BUREAU, CIVIL_HUNNAN, CIVIL_XINGCHENG
from console.demo.steps import Office

CIVIL = (CIVIL_HUNNAN, CIVIL_XINGCHENG)
COURT = "辽宁省沈阳市浑南区人民法院"


def plain_wedding(cast: Cast) -> None:
    """A certificate, and nothing since."""
    wedding(cast, cast.ago(50, 3_000))


def wedding(cast: Cast, ago: int) -> tuple[Life, str]:
    """A certificate with two holders, and the label of its ISSUE."""
    office = cast.rng.choice(CIVIL)
    life, face = _certificate(cast, office, ago)
    return life, life.act("ISSUE", ago, face)


def _certificate(cast: Cast, office: Office, ago: int) -> tuple[Life, faces.Face]:
    wife = cast.people.person(office.area, age=(23, 40), sex="女")
    husband = cast.people.person(office.area, age=(23, 40), sex="男")
    life = cast.life(faces.MARRIAGE, office, (citizen(wife), citizen(husband)))
    face = faces.marriage(
        (wife, husband), life.day(ago), cast.number(), cast.rng
    ) | faces.term(cast.today, ago, None)
    return life, face


def lost_certificate(cast: Cast) -> None:
    """补发 of a lost certificate."""
    life, _ = wedding(cast, cast.ago(800, 2_500))
    ago = cast.ago(30, 400)
    life.act("MARK", ago, faces.mark("lost", on=True))
    life.act("REISSUE", ago - 5, serial=f"BJ{cast.number():08d}")


def corrected_certificate(cast: Cast) -> None:
    """The day of registration was typed wrongly."""
    ago = cast.ago(300, 900)
    life, issue = wedding(cast, ago)
    life.act(
        "CORRECT",
        cast.ago(5, 100),
        {"registered_on": life.day(ago + 1)},
        names=[issue],
        decided="recording_error",
        why="登记日期录入错误",
    )


def divorced(cast: Cast) -> None:
    """注销 after divorce."""
    life, _ = wedding(cast, cast.ago(1_000, 3_000))
    life.act("CANCEL", cast.ago(20, 300), {"ground": "6"}, why="离婚登记")


def annulled_by_court(cast: Cast) -> None:
    """Only a court annuls a marriage (民法典 1052): void from the beginning."""
    life, _ = wedding(cast, 700)
    life.act(
        "ANNUL",
        25,
        {"effect_from": life.day(700)},
        decided="court_judgment",
        why="受胁迫结婚",
        court=COURT,
    )


def stock_certificate(cast: Cast) -> None:
    """Old stock of the civil affairs offices."""
    ago = cast.ago(3_000, 6_000)
    life, face = _certificate(cast, cast.rng.choice(CIVIL), ago)
    life.act(
        "BASELINE", ago, face | {"state": "VALID"}, office=BUREAU, backfill="ISSUE"
    )


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (8, plain_wedding),
    (2, lost_certificate),
    (2, corrected_certificate),
    (2, divorced),
    (1, annulled_by_court),
    (6, stock_certificate),
)
"""How many lives of each kind there are."""
