"""One fixed log: every kind of record, every act, every refusal, signed the same always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ledger.catalogue import TYPE_ACTS
from ledger.drafting import DecisionDraft
from ledger.events import Value
from ledger.license_identifiers import certificate_identifier
from ledger.publish import sign_together
from ledger.workdays import DAY_US
from tests import fixed
from tests.builders import Sent, World, province
from tests.refusal_cases import CASES
from tests.sample_province import (
    CITY,
    DECISION,
    FIELDS,
    HOLDER_ENTRY,
    JOINT_CODE,
    MINISTRY,
    PROVINCE,
    TODAY,
    permit,
)

ALL_ACTS = f"{MINISTRY}003"
DISTRICT = "91350100M000100Y43"
SUPERVISOR = "11100000MB03271699"
HOUR_US = DAY_US // 24


def build() -> tuple[World, list[str]]:
    """The world after the whole log, and for each record which step sent it."""
    world = province(name="golden", signers=fixed.repeating_signer)
    labels = ["province"] * len(world.records)
    for label, step in _steps():
        step(world)
        labels += [label] * (len(world.records) - len(labels))
        world.now += HOUR_US
    return world, labels


def _steps() -> Iterator[tuple[str, Callable[[World], object]]]:
    yield "registry", _registry
    yield "life of a license", _life
    yield "penalties and corrections", _penalties
    yield "stock and transfers", _stock
    yield "joint signature", _joint
    yield "batch of five", _batch
    yield "destruction", _destruction
    yield "late acts", _late
    for number, (name, (code, case)) in enumerate(CASES.items()):
        # A chain that is full would alone be larger than all the rest.
        if code != "chain_full":
            yield name, _case(case, f"C{number}")


def _case(case: Callable[[World, str], Sent], serial: str) -> Callable[[World], Sent]:
    return lambda world: case(world, serial)


def _registry(world: World) -> None:
    def add(subject: str, act: str, fields: dict[str, Value]) -> None:
        world.accept(world.sign(world.registry_event(subject, act, fields), "root"))

    world.add_authority(SUPERVISOR, area="210000", roles=["supervisor", "registrar"])
    world.add_authority(DISTRICT, area="210102", roles=["publisher"])
    add(f"authority:{DISTRICT}", "CHANGE", {"roles": {"strings": ["auditor"]}})
    add(f"authority:{DISTRICT}", "END", {"basis": "机构改革"})
    world.add_key("supervisor", SUPERVISOR)
    world.add_key("witness", "", "witness")
    world.add_key("sealer two", "", "seal")
    world.add_key("lost", CITY)
    lost = f"key:{world.signer('lost').key_id.hex()}"
    add(lost, "COMPROMISE", {"since": "2026-02-01T00:00:00Z"})
    add(lost, "END", {})
    world.add_type(permit(code=ALL_ACTS, acts=sorted(TYPE_ACTS)))
    world.add_type(permit(code=ALL_ACTS, acts=sorted(TYPE_ACTS), name="第二版"))
    world.add_type(permit(code=f"{MINISTRY}004"))
    add(f"type:{MINISTRY}004", "END", {})
    add("calendar:210000-2026", "ADD", {"days": _days("2026-10-01")})
    add("calendar:210000-2026", "CHANGE", {"days": _days("2026-10-01", "2026-10-02")})
    add("source:events-3.1", "ADD", {"succeeds": "events-3"})
    event = world.key_event("registered", CITY)
    event["authority"] = SUPERVISOR
    world.accept(world.sign(event, "supervisor"))


def _days(*days: str) -> Value:
    return {
        "rows": [
            {
                "cells": [
                    {"name": "day", "value": day},
                    {"name": "kind", "value": "holiday"},
                    {"name": "name", "value": "国庆节"},
                ]
            }
            for day in days
        ]
    }


class _Chain:
    """A license of the type that knows all acts."""

    def __init__(self, world: World, serial: str) -> None:
        self.world = world
        self.id = world.license_id(serial, code=ALL_ACTS)

    def act(self, act: str, *names: str, **changes: Any) -> bytes:
        """Does an act, accepted; the digest of its event."""
        event = self.world.draft(act, self.id, **({"decision": DECISION} | changes))
        signed = self.world.sign(event, *(names or ("city",)))
        return self.world.accept(signed).verdict.digest

    def issue(self, **changes: Any) -> bytes:
        return self.act("ISSUE", **({"fields": FIELDS} | changes))


def _life(world: World) -> None:
    chain = _Chain(world, "L1")
    chain.issue()
    chain.act("CHANGE", fields={"scope": "二", "name": "新名"})
    chain.act("RENEW", fields={"valid_until": "2036-03-01"})
    chain.act("REPLACE")
    chain.act("REISSUE", fields={"certificate_number": "No. 5"})
    chain.act("MARK", fields={"mark": "lost", "mark_on": True})
    chain.act("MARK", fields={"mark": "lost", "mark_on": False})
    chain.act("PAUSE", fields={"term_until": "2026-12-31"})
    pause = world.chain(chain.id).acts[-1].digest
    chain.act("RESUME", causes=(pause,))
    chain.act("ANNOTATE")
    chain.act("ARCHIVE")
    chain.act("VOID_VERSION", fields={"version": 1})
    chain.act("CANCEL", fields={"ground": "6"})


def _penalties(world: World) -> None:
    chain = _Chain(world, "P1")
    issued = chain.issue()
    chain.act("CORRECT", causes=(issued,), fields={"scope": "更正后"})
    suspended = chain.act("SUSPEND", fields={"term_until": "2026-06-30"})
    chain.act("RESUME", causes=(suspended,))
    chain.act("DOWNGRADE", fields={"grade": "B"})
    revoked = chain.act("REVOKE", fields={"served_on": "2026-03-02"})
    chain.act("RESTORE", causes=(revoked,))
    chain.act("ANNUL", fields={"effect_from": "2026-03-02"})
    other = _Chain(world, "P2")
    other.issue()
    other.act("WITHDRAW")
    linked = _Chain(world, "P3")
    linked.issue()
    linked.act("LINK", fields={"continues_as": linked.id + "X"})


def _stock(world: World) -> None:
    fields: dict[str, Value] = {**FIELDS, "state": "SUSP", "term_until": "2026-05-01"}
    chain = _Chain(world, "S1")
    fields["certificate_identifier"] = certificate_identifier(chain.id, 7)
    stock: dict[str, Any] = {
        "authority": PROVINCE,
        "source_act": "register",
        "decision": None,
    }
    matter = {"source_system": "stock", "source_ref": "1"}
    chain.act("BASELINE", "province", fields=fields, matter=matter, **stock)
    excused = ("decision=原件遗失",)
    reason = DecisionDraft(number="", date="", reason_code="stock_import")
    stock["decision"] = reason
    chain.act("CANCEL", "province", **stock, missing=excused, fields={"ground": "1"})
    old = certificate_identifier("1.2.156.3005.2." + f"{ALL_ACTS}.{MINISTRY}.9", 1)
    moved = _Chain(world, "S2")
    moved.act("TRANSFER_IN", fields={**FIELDS, "previous_identifier": old})
    moved.act("TRANSFER_OUT")


def _joint(world: World) -> None:
    license_id = world.license_id("J1", code=JOINT_CODE)
    event = world.draft("ISSUE", license_id, fields=FIELDS)
    world.accept(world.sign(event, "city", ("province", 2)))


def _batch(world: World) -> None:
    send_batch(world, 5)


def send_batch(world: World, count: int) -> None:
    """Issues licenses under one signature; accepted."""
    roles = world.roles("city")
    events = []
    for number in range(count):
        event = world.draft("ISSUE", world.license_id(f"B{number}"), fields=FIELDS)
        event["signers"] = [one.entry for one in roles]
        events.append(event)
    for signed in sign_together(
        events, roles, batch_ids=[world.chance(16)], partitions=world.partitions
    ):
        world.accept(signed)


def _destruction(world: World) -> None:
    ref = HOLDER_ENTRY["ref"].hex()
    event = world.destroy_event(ref, [world.license_id("B0")], PROVINCE)
    world.accept(world.sign(event, "province", ("supervisor", 3)))


def _late(world: World) -> None:
    chain = _Chain(world, "T1")
    chain.issue(effective_at=TODAY - 60 * DAY_US)
    chain.act("CHANGE", fields={"scope": "三"})
    chain.act("SUSPEND", effective_at=TODAY - 20 * DAY_US)
    chain.act("REVOKE", effective_at=TODAY - 30 * DAY_US)
