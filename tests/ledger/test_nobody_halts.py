"""Whatever rightful keys sign, every record gets a verdict and nothing else happens."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ledger.catalogue import type_rows
from ledger.events import Event, Value
from ledger.license_identifiers import certificate_identifier
from ledger.lifecycle import ACTS
from ledger.publish import Signed
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.registry_rules import REGISTRY_ACTS, SUBJECTS
from ledger.workdays import DAY_US
from tests import strategies
from tests.builders import World, province
from tests.fixed import signer
from tests.sample_province import (
    CITY,
    DECISION,
    FIELDS,
    HOLDER_ENTRY,
    PERMIT,
    TODAY,
    TYPE_CODE,
    permit,
)

CODES = {ACCEPTED, *REFUSALS}
LICENSE = f"1.2.156.3005.2.{TYPE_CODE}.{CITY}.1"
RESERVED = sorted({name for rule in ACTS.values() for name in rule.reserved})
NAMES = st.sampled_from([*PERMIT["fields"], *RESERVED, "colour", ""])
DAYS = st.integers(min_value=0, max_value=4_000).map(
    lambda n: f"20{20 + n // 366:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d}"
)
OFTEN = st.sampled_from([True, True, True, True, False])
STATES = st.sampled_from(["VALID", "SUSP", "PAUS", "EXP", "REVD", "CANC", "VOID"])
FITTING: dict[str, st.SearchStrategy[Value]] = {
    "valid_from": DAYS,
    "valid_until": DAYS | st.none(),
    "term_until": DAYS | st.none(),
    "served_on": DAYS,
    "effect_from": DAYS,
    "mark_date": DAYS,
    "mark_on": st.booleans(),
    "mark": st.sampled_from(["lost", "seized", "dormant", "renewal_pending", "stayed"]),
    "state": STATES,
    "after": STATES,
    "ground": st.just("1"),
    "version": st.integers(1, 3),
    "continues_as": st.just(LICENSE + "X"),
}
SENSELESS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "values": st.dictionaries(NAMES, strategies.VALUES, max_size=4),
        "effective_at": strategies.TIMES,
        "decision": st.none(),
        "version": st.integers(1, 9_999),
        "cause": st.just(10),
        "flags": strategies.FLAGS,
        "holders": st.lists(strategies.HOLDERS, max_size=3)
        | st.just([HOLDER_ENTRY, HOLDER_ENTRY]),
        "signer": st.sampled_from(["province", "other city", "former"]),
    },
)


@st.composite
def license_changes(draw: st.DrawFn) -> dict[str, Any]:
    """Parts of a license event, most of them sensible."""
    rule = ACTS[draw(st.sampled_from(sorted(ACTS)))]
    values = {
        name: draw(FITTING[name])
        for name in sorted(rule.reserved & FITTING.keys())
        if name in rule.required or draw(st.booleans())
    }
    if rule.face == "some" and draw(st.booleans()):
        values["scope"] = draw(st.sampled_from(["一", "二"]))
    changes: dict[str, Any] = {
        "act": rule.name,
        "values": values,
        "effective_at": TODAY + draw(st.integers(-100, 20)) * DAY_US,
        "decision": DECISION,
        "version": None,
        "cause": draw(st.integers(0, 5)),
        "flags": None,
        "holders": [HOLDER_ENTRY],
        "serial": draw(st.sampled_from(["1", "1", "1", "2"])),
        "signer": "city",
    }
    return changes if draw(OFTEN) else changes | draw(SENSELESS)


def license_event(world: World, given_: dict[str, Any]) -> Event:
    license_id = world.license_id(given_["serial"])
    opens = ACTS[given_["act"]].opens
    causes = [act.digest for act in world.chain(license_id).acts][-given_["cause"] :]
    event = world.draft(
        given_["act"],
        license_id,
        fields=FIELDS if opens else {},
        effective_at=given_["effective_at"],
        decision=given_["decision"],
        causes=tuple(causes[:1]),
    )
    fields = {f["name"]: f["value"] for f in event["fields"]} | given_["values"]
    if given_["version"] is not None:
        fields["certificate_identifier"] = certificate_identifier(
            license_id, given_["version"]
        )
    event["fields"] = [{"name": n, "value": v} for n, v in sorted(fields.items())]
    event["flags"], event["holders"] = given_["flags"], given_["holders"]
    return event


@given(history=st.lists(license_changes(), min_size=1, max_size=12))
def test_any_history_of_a_license_gets_verdicts(history: list[dict[str, Any]]) -> None:
    world = province()
    world.issue("1")
    for given_ in history:
        event = license_event(world, given_)
        judge(world, world.sign(event, given_["signer"]))


def judge(world: World, signed: Signed) -> str:
    """The verdict; the state is another one exactly when the record was accepted."""
    before = world.state()
    code = world.send(signed).code
    assert code in CODES
    assert (world.state() != before) == (code == ACCEPTED)
    return code


REGISTRY_NAMES = sorted({name for one in SUBJECTS.values() for name in one.fields})


def _days(*days: str) -> Value:
    return {
        "rows": [
            {
                "cells": [
                    {"name": "day", "value": day},
                    {"name": "kind", "value": "holiday"},
                    {"name": "name", "value": "假"},
                ]
            }
            for day in days
        ]
    }


HEX = st.binary(min_size=65, max_size=65).map(bytes.hex)
REGISTRY_VALUES: st.SearchStrategy[Value] = st.one_of(
    st.sampled_from(["act", "root", "210000", "2026-01-01", CITY, TYPE_CODE, ""]),
    st.integers(-1, 2),
    HEX,
    st.fixed_dictionaries(
        {"strings": st.lists(HEX | st.just("publisher"), max_size=3)}
    ),
    strategies.VALUES,
)
FITTING_REGISTRY: dict[str, st.SearchStrategy[Value]] = {
    "area": st.sampled_from(["210000", "210100", "110000"]),
    "level": st.sampled_from(["city", "other"]),
    "name": st.just("机构"),
    "roles": st.just({"strings": ["publisher"]}),
    "types": st.none() | st.just({"strings": [TYPE_CODE]}),
    "basis": st.just("依据"),
    "nonstandard_code": st.just(True),
    "since": st.just("2026-01-01T00:00:00Z") | st.just("0001-01-01T00:00:00Z"),
    "definition": st.just(cast("Value", type_rows(permit(name="二版")))),
    "succeeds": st.sampled_from(["events-0", "events-0.1", "registry"]),
    "days": st.just(_days("2026-01-01", "2026-02-30")) | st.just(_days("2026-01-01")),
}
SENSELESS_REGISTRY: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "act": st.sampled_from(sorted(REGISTRY_ACTS)),
        "values": st.dictionaries(
            st.sampled_from(REGISTRY_NAMES), REGISTRY_VALUES, max_size=6
        ),
        "signer": st.sampled_from(["city", "sealer"]),
        "type_version": st.just(1),
    },
)
SUBJECT_NAMES = {
    "ledger": [""],
    "authority": [CITY, "11210300999990044T", "0" * 18],
    "key": ["ab" * 32, *(signer(name).key_id.hex() for name in ("city", "root"))],
    "type": [TYPE_CODE, "0" * 21],
    "calendar": ["210000-2026", "liaoning-2026", "x", "210000-0000"],
    "schema": ["event/1", "event/2", "x/9"],
    "rule": ["1", "2", "9"],
    "source": ["events-0.1", "registry.1", "events-99.1", "x", "events-0.2"],
}


@st.composite
def registry_changes(draw: st.DrawFn) -> dict[str, Any]:
    """Parts of a registry event: a known act on a subject, whatever its fields hold."""
    kind = draw(st.sampled_from(sorted(SUBJECTS)))
    form = SUBJECTS[kind]
    act = draw(st.sampled_from(sorted(form.acts)))
    required, optional = form.acts[act]
    names = [*sorted(required), *(n for n in sorted(optional) if draw(st.booleans()))]
    values = {name: draw(FITTING_REGISTRY.get(name, REGISTRY_VALUES)) for name in names}
    changes: dict[str, Any] = {
        "subject": f"{kind}:{draw(st.sampled_from(SUBJECT_NAMES[kind]))}",
        "act": act,
        "values": values,
        "signer": "root",
        "type_version": 0,
    }
    return changes if draw(OFTEN) else changes | draw(SENSELESS_REGISTRY)


@given(history=st.lists(registry_changes(), min_size=1, max_size=12))
def test_any_history_of_the_registry_gets_verdicts(
    history: list[dict[str, Any]],
) -> None:
    world = province()
    for given_ in history:
        authority = CITY if given_["signer"] == "city" else ""
        event = world.registry_event(
            given_["subject"], given_["act"], given_["values"], authority
        )
        event["type_version"] = given_["type_version"]
        judge(world, world.sign(event, given_["signer"]))


@given(events=st.lists(strategies.events(), min_size=1, max_size=5))
def test_any_event_at_all_gets_a_verdict(events: list[Event]) -> None:
    world = province()
    for event in events:
        event["origin"] = world.registry.origin
        event["signed_at"] = event["effective_at"] = world.now
        event["sequence"], event["previous"] = 1, bytes(32)
        assert judge(world, world.sign(event, "city")) != ACCEPTED
