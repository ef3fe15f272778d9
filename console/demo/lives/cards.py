"""Resident ID cards (居民身份证)."""

from __future__ import annotations

from collections.abc import Callable

from console.demo import faces
from console.demo.cast import Cast, citizen
from console.demo.life import Life
from console.demo.offices import BUREAU, POLICE_HEPING, POLICE_WAFANGDIAN
from console.demo.people import Person

POLICE = (POLICE_HEPING, POLICE_WAFANGDIAN)


def issued_card(
    cast: Cast, ago: int, *, years: int | None, age: tuple[int, int] = (26, 44)
) -> tuple[Life, Person, str]:
    """A card, its holder, and the label of its ISSUE."""
    office = cast.rng.choice(POLICE)
    person = cast.people.person(office.area, age=age)
    life = cast.life(faces.ID_CARD, office, (citizen(person),))
    face = faces.id_card(person, cast.rng) | faces.term(cast.today, ago, years)
    return life, person, life.act("ISSUE", ago, face)


def plain_card(cast: Cast) -> None:
    """Issued, and nothing since."""
    issued_card(cast, cast.ago(100, 2_500), years=20)


def lost_card(cast: Cast) -> None:
    """挂失 and 补发: the flag comes and goes, the lost version is void."""
    issued = cast.ago(900, 2_400)
    life, _, _ = issued_card(cast, issued, years=20)
    lost = cast.ago(40, 600)
    life.act("MARK", lost, faces.mark("lost", on=True))
    life.act("REISSUE", lost - 12, faces.term(cast.today, lost - 12, 20))
    life.act("MARK", lost - 12, faces.mark("lost", on=False))


def corrected_card(cast: Cast) -> None:
    """A name written wrongly is put right from the first day (更正)."""
    ago = cast.ago(300, 2_000)
    life, _, issue = issued_card(cast, ago, years=20)
    life.act(
        "CORRECT",
        cast.ago(10, 200),
        {"name": cast.people.name()},
        names=[issue],
        decided="recording_error",
        why="户籍底册与证面姓名不符，以底册为准",
    )


def expired_card(cast: Cast) -> Life:
    """A card that ran out: no act says so, time does."""
    ago = 10 * faces.YEAR + cast.ago(90, 300)
    return issued_card(cast, ago, years=10)[0]


def replaced_card(cast: Cast) -> None:
    """One that ran out, and the new one of the same right (换发)."""
    ago = cast.ago(5, 80)
    expired_card(cast).act("REPLACE", ago, faces.term(cast.today, ago, 20))


def dead_holder(cast: Cast) -> Life:
    """Cancelled because the holder died, and filed."""
    life, _, _ = issued_card(cast, cast.ago(1_200, 2_800), years=None, age=(66, 88))
    ago = cast.ago(60, 400)
    life.act("CANCEL", ago, {"ground": "2"}, why="持证人死亡")
    life.act("ARCHIVE", ago - 30)
    return life


def reported_late(cast: Cast) -> None:
    """A death reported after somebody had the card issued again: late, and overtaking."""
    life, _, _ = issued_card(cast, 2_000, years=None, age=(66, 88))
    life.act("REISSUE", 60, faces.term(cast.today, 60, None))
    life.act("CANCEL", 95, {"ground": "2"}, why="持证人死亡，迟报")


def voided_card(cast: Cast) -> None:
    """A file made wrongly before the card was handed out: nothing is left (作废)."""
    life, _, _ = issued_card(cast, 400, years=20)
    life.act("VOID_VERSION", 399, {"version": 1}, decided="made_wrongly")


def remade_card(cast: Cast) -> None:
    """A file made with somebody else's picture, and made again: version 002."""
    life, _, _ = issued_card(cast, 380, years=20)
    life.act(
        "VOID_VERSION",
        379,
        {"version": 1, "photo": faces.picture(cast.rng)},
        decided="made_wrongly",
    )


def stock_card(cast: Cast) -> None:
    """Old stock (存量): what the source register shows, brought in by the custodian."""
    office = cast.rng.choice(POLICE)
    person = cast.people.person(office.area, age=(46, 80))
    life = cast.life(faces.ID_CARD, office, (citizen(person),))
    ago = cast.ago(2_500, 5_500)
    expired = cast.rng.random() < 0.3
    face = faces.id_card(person, cast.rng)
    face |= faces.term(cast.today, ago, 5 if expired else None)
    face["state"] = "EXP" if expired else "VALID"
    life.act("BASELINE", ago, face, office=BUREAU, backfill="ISSUE")


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (10, plain_card),
    (5, lost_card),
    (4, corrected_card),
    (3, expired_card),
    (4, replaced_card),
    (2, dead_holder),
    (1, reported_late),
    (1, voided_card),
    (1, remade_card),
    (18, stock_card),
)
"""How many lives of each kind there are."""
