"""What stands on an invented license of any type: its fields by their keys.

The same key means the same in every type, so one maker per key serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from types import MappingProxyType
from typing import Final

from console.demo.faces import Face, picture
from console.demo.people import Firm, People, Person
from console.demo.plan import City, vocabulary
from ledger.catalogue import FaceField, LicenseType
from ledger.events import Cell, Value
from ledger.identifiers import mod_11_10_check
from ledger.workdays import day_to_date

VIN_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
AHEAD: Final = frozenset(
    ("endorsed_until", "inspection_until", "next_inspection", "review", "review_until")
)
"""Days that lie ahead of the act which sets them."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a face is about, where, and on which day (a day number) it is written."""

    who: Person | Firm
    city: City
    day: int
    people: People
    rng: Random

    @cached_property
    def person(self) -> Person:
        """The person; of a firm, somebody who works there."""
        if isinstance(self.who, Person):
            return self.who
        return self.people.person(self.city.code)

    @cached_property
    def firm(self) -> Firm:
        """The firm; of a person, the one they work for."""
        if isinstance(self.who, Firm):
            return self.who
        return self.people.firm(self.city.code)

    def digits(self, count: int) -> str:
        """So many random digits."""
        return f"{self.rng.randrange(10**count):0{count}d}"

    def date(self, ahead: int = 0) -> str:
        """The day of the act, or so many days later."""
        return day_to_date(self.day + ahead).isoformat()


def face_of(kind: LicenseType, subject: Subject) -> Face:
    """The whole face of a license; an optional field is left out now and then."""
    return {
        name: value_of(field, subject)
        for name, field in kind.fields.items()
        if field.mandatory or subject.rng.random() < 0.8
    }


def value_of(field: FaceField, subject: Subject) -> Value:
    """One field's value, in its form."""
    maker = _BY_FORMAT.get(field.format) or _BY_KEY.get(field.name)
    if maker is None:
        maker = _BY_VALUE.get(field.value, _word(field))
        if field.value == "d" and field.name in AHEAD:
            return subject.date(365)
    made = maker(subject)
    if field.value == "l" and isinstance(made, str):
        return {"strings": [made]}
    return made


def fresh(field: FaceField, subject: Subject) -> Value:
    """Another value than the one that stands there: a move, a new name, another scope."""
    if field.name in _NAMES:
        return subject.people.name()
    if field.name in _ADDRESSES:
        address = subject.people.address(subject.who.place)
        return {"strings": [address]} if field.value == "l" else address
    return value_of(field, subject)


def can_be_fresh(field: FaceField) -> bool:
    """Whether ``fresh`` has something else to say for a field."""
    return not field.format and (
        field.name in _NAMES | _ADDRESSES or field.name in vocabulary()
    )


def _word(field: FaceField) -> Callable[[Subject], Value]:
    words = vocabulary().get(field.name)
    if words is None:
        return lambda subject: f"{field.zh.partition('（')[0]}{subject.digits(4)}"
    return lambda subject: subject.rng.choice(list(words))


def _family(subject: Subject) -> Value:
    """The members of a household, the head first (户口簿)."""
    head, child = subject.person, subject.people.name()
    rows = [(head.name, "户主", head.ethnicity), (child, "子女", head.ethnicity)]
    names = ("name", "relation", "ethnicity")
    cells: list[list[Cell]] = [
        [{"name": n, "value": v} for n, v in zip(names, row, strict=True)]
        for row in rows
    ]
    return {"rows": [{"cells": row} for row in cells]}


def _food_number(subject: Subject) -> str:
    body = f"1{subject.who.place[0]}{subject.digits(6)}"
    return f"JY{body}{mod_11_10_check(body)}"


def _name(subject: Subject) -> str:
    return subject.who.name


def _somebody(subject: Subject) -> str:
    return subject.people.name()


_NAMES: Final = frozenset(
    (
        *("legal_rep", "responsible_person", "quality_manager", "guardian", "obligor"),
        *("technical_director", "qualified_person"),
    )
)
_ADDRESSES: Final = frozenset(
    (
        *("address", "residence", "registered_address", "production_address"),
        *("facility_address", "warehouse_address", "place_of_use"),
        "abstraction_place",
    )
)
_BY_FORMAT: Final[Mapping[str, Callable[[Subject], Value]]] = MappingProxyType(
    {
        "uscc": lambda s: s.firm.uscc,
        "citizen_id": lambda s: s.person.id_no,
        "division": lambda s: s.city.code,
        "marriage_number": lambda s: f"L{s.who.place[0]}-{s.date()[:4]}-{s.digits(6)}",
        "food_business_number": _food_number,
        "discharge_permit_number": lambda s: f"{s.firm.uscc}001P",
        "disability_card_number": lambda s: (
            s.person.id_no + s.rng.choice("1234567") + s.rng.choice("1234")
        ),
        "project_code": lambda s: (
            f"{s.date()[:4]}-{s.who.place[0]}-48-01-{s.digits(6)}"
        ),
        "work_safety_number": lambda s: f"(辽)JZ安许证字[{s.date()[:4]}]{s.digits(6)}",
        "real_estate_unit": lambda s: (
            f"{s.who.place[0]}001001GB{s.digits(5)}F{s.digits(8)}"
        ),
        "graduation_number": lambda s: f"10{s.digits(16)}",
        "degree_number": lambda s: f"10{s.digits(14)}",
        "phone": lambda s: f"138{s.digits(8)}",
        "plate": lambda s: f"辽{s.city.plate}{s.digits(5)}",
        "vin": lambda s: "LSV" + "".join(s.rng.choices(VIN_LETTERS, k=14)),
    }
)
_BY_KEY: Final[Mapping[str, Callable[[Subject], Value]]] = MappingProxyType(
    {
        **dict.fromkeys(("name", "head", "owner", "owners", "right_holder"), _name),
        **dict.fromkeys(("builder", "newborn_name", "other"), _name),
        **dict.fromkeys(("mother_name", "father_name", "signatories"), _somebody),
        **dict.fromkeys(sorted(_NAMES), _somebody),
        **dict.fromkeys(
            sorted(_ADDRESSES | {"location"}), lambda s: s.people.address(s.who.place)
        ),
        "sex": lambda s: s.person.sex,
        "ethnicity": lambda s: s.person.ethnicity,
        "birth_date": lambda s: s.person.born.isoformat(),
        "birth_time": lambda s: f"{s.date()}T08:30:00+08:00",
        "id_no": lambda s: s.person.id_no,
        "ss_no": lambda s: s.person.id_no,
        "mother_id": lambda s: s.people.person(s.city.code, sex="女").id_no,
        "father_id": lambda s: s.people.person(s.city.code, sex="男").id_no,
        "members": _family,
        "uscc": lambda s: s.firm.uscc,
        "employer": lambda s: s.firm.name,
        "founded_on": lambda s: s.firm.founded.isoformat(),
        "capital": lambda s: s.firm.capital,
        "card_no": lambda s: f"622848{s.digits(13)}",
        "account": lambda s: f"621700{s.digits(13)}",
        "gest_weeks": lambda s: s.rng.randint(37, 41),
        "weight_g": lambda s: s.rng.randint(2_600, 4_100),
        "length_cm": lambda s: str(s.rng.randint(47, 54)),
    }
)
_BY_VALUE: Final[Mapping[str, Callable[[Subject], Value]]] = MappingProxyType(
    {
        "d": lambda s: s.date(),
        "n": lambda s: f"{s.rng.randint(40, 900)}.5",
        "i": lambda s: s.rng.randint(1, 9),
        "p": lambda s: picture(s.rng),
    }
)
