"""What the large province consists of, as its data files say: cities, departments, shares."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from console.catalogue_page import packaged_types
from ledger.catalogue import LicenseType


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A city; ``parts`` of a thousand people live there, ``plate`` begins its plates."""

    code: str
    name: str
    parts: int
    plate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A kind of department: name ending, USCC number, types by catalogue number.

    ``cities``: where there is one.
    """

    handle: str
    ending: str
    number: int
    types: tuple[int, ...]
    cities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``shares``: person or firm -> type number -> how many of a hundred hold it.

    ``courses``: what happens, to how many of a hundred licenses that allow it.
    """

    cities: tuple[City, ...]
    departments: tuple[Department, ...]
    shares: Mapping[str, Mapping[int, int]]
    courses: Mapping[str, int]

    def department(self, number: int) -> Department:
        """Who deals with a type of the catalogue: the first that lists it."""
        return next(one for one in self.departments if number in one.types)


@cache
def plan() -> Plan:
    """The large province."""
    data = _toml("province.toml")
    cities = tuple(City(**row) for row in data["city"])
    everywhere = [city.code for city in cities]
    shares: dict[str, dict[int, int]] = {}
    for row in data["held"]:
        held = shares.setdefault(row["by"], {})
        held |= {int(number): share for number, share in row["types"].items()}
    return Plan(
        cities=cities,
        departments=tuple(_department(row, everywhere) for row in data["kind"]),
        shares=shares,
        courses=data["courses"],
    )


@cache
def vocabulary() -> Mapping[str, Sequence[str]]:
    """Words by the key of the field that they stand in."""
    return _toml("vocabulary.toml")


@cache
def type_of(number: int) -> LicenseType:
    """A packaged type by its number in the catalogue."""
    return next(kind for kind in packaged_types() if kind.source_rows == number)


def codes_of(numbers: Sequence[int]) -> tuple[str, ...]:
    """Type codes of catalogue numbers."""
    return tuple(type_of(number).code for number in numbers)


def _department(row: Mapping[str, Any], everywhere: Sequence[str]) -> Department:
    return Department(
        handle=row["handle"],
        ending=row["ending"],
        number=row["number"],
        types=tuple(row["types"]),
        cities=tuple(row.get("cities", everywhere)),
    )


def _toml(name: str) -> dict[str, Any]:
    text = (files("console.demo") / name).read_text(encoding="utf-8")
    return tomllib.loads(text)
