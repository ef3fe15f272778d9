"""A record that breaks two checks gets the code of the lower-numbered one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from ledger.events import Event, Value
from ledger.license_identifiers import certificate_identifier
from ledger.refusals import REFUSALS
from ledger.workdays import DAY_US
from tests.builders import World, province
from tests.refusal_cases import spoilt
from tests.sample_province import CITIZEN, CITY, DECISION, TYPE_CODE

LICENSE = f"1.2.156.3005.2.{TYPE_CODE}.{CITY}.1"


@dataclass
class Attempt:
    """A second CHANGE of a license, to be broken in one or two ways."""

    event: Event
    signers: dict[str, int] = field(default_factory=lambda: {"city": 1})
    spoil: bool = False
    elsewhere: bool = False


Breaker = Callable[[Attempt], None]


def _set(**changes: Any) -> Breaker:
    return lambda attempt: attempt.event.update(changes)  # type: ignore[typeddict-item]


def _add(name: str, value: Value) -> Breaker:
    def add(attempt: Attempt) -> None:
        fields = {f["name"]: f["value"] for f in attempt.event["fields"]}
        fields[name] = value
        attempt.event["fields"] = [
            {"name": n, "value": v} for n, v in sorted(fields.items())
        ]

    return add


def _signed_by(name: str, role: int = 2) -> Breaker:
    return lambda attempt: attempt.signers.update({name: role})


def _other_city(attempt: Attempt) -> None:
    del attempt.signers["city"]
    attempt.signers["other city"] = 1


def _negative(attempt: Attempt) -> None:
    attempt.event["sequence"] *= -1


def _old(attempt: Attempt) -> None:
    attempt.event["signed_at"] -= 8 * DAY_US


def _gap(attempt: Attempt) -> None:
    attempt.event["sequence"] += 1


def _repeat(attempt: Attempt) -> None:
    attempt.event["matter"]["source_system"] = "oa"
    attempt.event["matter"]["source_ref"] = "7"


def _elsewhere(attempt: Attempt) -> None:
    attempt.elsewhere = True


def _spoil(attempt: Attempt) -> None:
    attempt.spoil = True


# In the order of the checks; each breaks one of them and leaves the others alone.
BREAKERS: dict[str, Breaker] = {
    "malformed": _negative,
    "wrong_ledger": _set(origin=b"\x0f" * 16),
    "misrouted": _elsewhere,
    "source_repeated": _repeat,
    "stale": _set(previous=b"\x0f" * 32),
    "expired": _old,
    "unknown_type": _set(type_version=9),
    "unknown_key": _signed_by("stranger"),
    "key_inactive": _signed_by("former"),
    "not_authorised": _other_city,
    "signatures_missing": _signed_by("province"),
    "bad_signature": _spoil,
    "invalid_fields": _add("colour", "red"),
    "clear_personal_data": _add("scope", CITIZEN),
    "wrong_version": _add("certificate_identifier", certificate_identifier(LICENSE, 5)),
    "decision_missing": _set(decision=None),
}


@pytest.fixture(scope="module")
def licensed() -> World:
    """A world with one license that was changed once; refusals leave it as it is."""
    world = province()
    world.issue("1")
    matter = {"source_system": "oa", "source_ref": "7"}
    world.act("CHANGE", LICENSE, fields={"scope": "一"}, matter=matter)
    return world


def verdict_of(world: World, *breakers: Breaker) -> str:
    event = world.draft("CHANGE", LICENSE, fields={"scope": "二"}, decision=DECISION)
    attempt = Attempt(event=event)
    for breaker in breakers:
        breaker(attempt)
    signed = world.sign(attempt.event, *attempt.signers.items())
    data = spoilt(signed) if attempt.spoil else signed.data
    source = "events-99" if attempt.elsewhere else signed.source
    return world.admit(data, source).code


@pytest.mark.parametrize("code", BREAKERS)
def test_breaker_breaks_the_check_it_is_for(code: str, licensed: World) -> None:
    assert verdict_of(licensed, BREAKERS[code]) == code


def test_breakers_stand_in_the_order_of_the_refusals() -> None:
    assert list(BREAKERS) == [code for code in REFUSALS if code in BREAKERS]


@pytest.mark.parametrize(("lower", "higher"), list(combinations(BREAKERS, 2)))
def test_lower_check_gives_the_code(lower: str, higher: str, licensed: World) -> None:
    assert verdict_of(licensed, BREAKERS[higher], BREAKERS[lower]) == lower
