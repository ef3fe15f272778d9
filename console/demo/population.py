"""The people and firms of the large province, and the lives of what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.demo import faces
from console.demo.cast import Cast
from console.demo.courses import COURSES, DAYS_OF_TALE
from console.demo.holding import Holding, holder_of
from console.demo.offices import BUREAU, office_in
from console.demo.people import Firm, Person
from console.demo.plan import City, Plan, plan, type_of
from ledger.catalogue import LicenseType
from ledger.check_digits import DIGITS
from ledger.license_identifiers import certificate_identifier

PERSONS, FIRMS = 1_070, 880
OLDEST, YOUNGEST = 2_000, 40
"""Days before today between which licenses are issued."""
RENEWED, EXCHANGED, COURSES_MAX = 0.93, 0.85, 2
Folk = Callable[[], Person | Firm]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dweller:
    """Somebody of the province and all that they hold."""

    who: Person | Firm
    city: City
    held: tuple[Holding, ...]


def populate(cast: Cast) -> list[Dweller]:
    """Everybody, with the lives of their licenses in ``cast``."""
    found: list[Dweller] = []
    for city in plan().cities:
        for _ in range(PERSONS * city.parts // 1_000):
            person = cast.people.person(city.code)
            found.append(_dweller(cast, city, person, "person", always=3))
        for _ in range(FIRMS * city.parts // 1_000):
            firm = cast.people.firm(city.code, sole=cast.rng.random() < 0.3)
            found.append(_dweller(cast, city, firm, "firm", always=32))
    return found


def _dweller(
    cast: Cast, city: City, who: Person | Firm, by: str, *, always: int
) -> Dweller:
    """Draws what somebody holds; who got nothing has at least ``always``."""
    shares = plan().shares[by]
    numbers = [
        number
        for number, share in shares.items()
        if office_in(city.code, number) and cast.rng.randrange(100) < share
    ]
    held = [live(cast, city, who, number) for number in numbers or [always]]
    return Dweller(who=who, city=city, held=tuple(held))


def live(cast: Cast, city: City, who: Person | Firm, number: int) -> Holding:
    """One license from its first act to today."""
    kind, issuer = type_of(number), office_in(city.code, number)
    if issuer is None:
        raise AssertionError(f"nobody in {city.name} deals with {kind.name}")
    holders = (holder_of(who, kind, cast.number()),)
    life = cast.life(kind.code, issuer, holders, together=True)
    held = Holding(cast=cast, kind=kind, life=life, who=who, city=city)
    years = term_of(kind, cast)
    ago = cast.ago(YOUNGEST, OLDEST)
    if cast.rng.randrange(100) < plan().courses["stock"]:
        held.open_stock(ago, years, office=BUREAU)
    else:
        held.open(ago, years)
    if years is not None:
        _prolong(held, years)
    _happen(held, plan())
    return held


def term_of(kind: LicenseType, cast: Cast) -> int | None:
    """One of the terms that the catalogue names, in years; None: no end."""
    words = cast.rng.choice(kind.validity)
    figures = words.partition("年")[0].lstrip("签注")
    found = figures if figures and set(figures) <= set(DIGITS) else ""
    return int(found) if found and "年" in words else None


def _prolong(held: Holding, years: int) -> None:
    """延续 or 换发 as often as the term ended before today; most are in time."""
    rng = held.cast.rng
    while held.end is not None and held.end > 0:
        act, odds = ("RENEW", RENEWED)
        if not held.allows("RENEW"):
            act, odds = ("REPLACE", EXCHANGED)
        if not held.allows(act) or rng.random() > odds:
            return
        if act == "RENEW" and rng.random() < 0.25:
            applied = held.end + 40
            day = held.life.day(applied)
            mark = faces.mark("renewal_pending", on=True, day=day)
            held.life.act("MARK", applied, mark)
        held.prolong(act, held.end + rng.randint(2, 25), years)


def _happen(held: Holding, of: Plan) -> None:
    """A tale or two, of those that its type and its term have room for."""
    told = 0
    for name, (needs, course) in COURSES.items():
        if told == COURSES_MAX or not held.room(DAYS_OF_TALE):
            break
        chance = held.cast.rng.randrange(100)
        if held.allows(*needs) and chance < of.courses[name]:
            course(held)
            told += 1
    moves = held.cast.rng.randrange(100) < of.courses["moved_away"]
    if moves and held.allows("TRANSFER_OUT") and held.room(DAYS_OF_TALE):
        _move_away(held)


def _move_away(held: Holding) -> None:
    """转出 here, 转入 under the issuer of another city: a new chain names the old one."""
    number = held.kind.source_rows
    others = [
        city
        for city in plan().cities
        if city != held.city and office_in(city.code, number) is not None
    ]
    city = held.cast.rng.choice(others)
    issuer = office_in(city.code, number)
    if issuer is None:
        return
    version = held.version
    ago = held.later(60, 20)
    held.life.act("TRANSFER_OUT", ago)
    held.over = True
    moved = held.elsewhere(city, issuer)
    former = certificate_identifier(held.life.license_id, version)
    moved.open_moved(ago - 7, held.face, previous_identifier=former)
