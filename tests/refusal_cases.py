"""One record for every refusal code, sent to a province that otherwise works.

A case gets a world and a serial of its own, so that all of them can stand in one log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.events import Event, Value
from ledger.license_identifiers import certificate_identifier
from ledger.publish import Signed
from ledger.workdays import DAY_US
from tests.builders import Sent, World
from tests.sample_province import (
    CITIZEN,
    FIELDS,
    JOINT_CODE,
    OTHER_CITY,
    TODAY,
)

Case = Callable[[World, str], Sent]
CASES: dict[str, tuple[str, Case]] = {}


def refused_as(code: str) -> Callable[[Case], Case]:
    """Registers a case under its function's name."""

    def register(case: Case) -> Case:
        CASES[case.__name__.replace("_", " ")] = (code, case)
        return case

    return register


def _issue(world: World, serial: str, **changes: Any) -> Event:
    given = {"fields": FIELDS} | changes
    return world.draft("ISSUE", world.license_id(serial), **given)


def _set(event: Event, **changes: Any) -> Event:
    event.update(changes)  # type: ignore[typeddict-item]
    return event


def _set_field(event: Event, name: str, value: Value) -> Event:
    fields = {field["name"]: field["value"] for field in event["fields"]}
    fields[name] = value
    event["fields"] = [{"name": n, "value": v} for n, v in sorted(fields.items())]
    return event


def _sourced(world: World, serial: str) -> Event:
    matter = {"source_system": "oa", "source_ref": serial}
    return _issue(world, serial, matter=matter)


@refused_as("malformed")
def bytes_of_nothing(world: World, serial: str) -> Sent:
    return world.admit(b"not a record " + serial.encode(), "events-0")


@refused_as("malformed")
def record_with_bytes_after_its_end(world: World, serial: str) -> Sent:
    signed = world.sign(_issue(world, serial), "city")
    return world.admit(signed.data + b"\0", signed.source)


@refused_as("unknown_schema")
def record_of_an_unknown_schema(world: World, serial: str) -> Sent:
    signed = world.sign(_issue(world, serial), "city")
    return world.admit(b"\xc3\x01unknown!" + signed.data[10:], signed.source)


@refused_as("wrong_ledger")
def record_of_another_ledger(world: World, serial: str) -> Sent:
    event = _set(_issue(world, serial), origin=b"\x0f" * 16)
    return world.send(world.sign(event, "city"))


@refused_as("misrouted")
def record_on_another_partition(world: World, serial: str) -> Sent:
    signed = world.sign(_issue(world, serial), "city")
    number = (int(signed.source.removeprefix("events-")) + 1) % world.partitions
    return world.admit(signed.data, f"events-{number}")


@refused_as("misrouted")
def license_record_in_the_registry(world: World, serial: str) -> Sent:
    return world.admit(world.sign(_issue(world, serial), "city").data, "registry")


@refused_as("duplicate")
def the_same_record_again(world: World, serial: str) -> Sent:
    signed = world.sign(_issue(world, serial), "city")
    world.accept(signed)
    return world.send(signed)


@refused_as("source_repeated")
def act_of_a_source_system_built_again(world: World, serial: str) -> Sent:
    world.accept(world.sign(_sourced(world, serial), "city"))
    return world.send(world.sign(_sourced(world, serial), "city"))


@refused_as("stale")
def second_act_on_one_place(world: World, serial: str) -> Sent:
    rival = _issue(world, serial)
    world.issue(serial)
    return world.send(world.sign(rival, "city"))


@refused_as("gap")
def act_whose_predecessor_is_missing(world: World, serial: str) -> Sent:
    license_id = world.license_id(serial)
    world.issue(serial)
    event = world.draft("RENEW", license_id)
    event["sequence"] += 1
    return world.send(world.sign(event, "city"))


@refused_as("chain_full")
def renewal_of_a_chain_that_is_nearly_full(world: World, serial: str) -> Sent:
    world.issue(serial)
    world.act("ANNOTATE", world.license_id(serial))
    lengthen(world, serial, 3_840)
    return world.send(world.signed("RENEW", world.license_id(serial)))


@refused_as("expired")
def act_signed_eight_days_ago(world: World, serial: str) -> Sent:
    event = _issue(world, serial, signed_at=world.now - 8 * DAY_US)
    return world.send(world.sign(event, "city"))


@refused_as("unknown_act")
def act_that_no_rule_switched_on(world: World, serial: str) -> Sent:
    event = _set(_issue(world, serial), act="CONFISCATE")
    return world.send(world.sign(event, "city"))


@refused_as("unknown_type")
def act_under_another_version_of_the_type(world: World, serial: str) -> Sent:
    event = _set(_issue(world, serial), type_version=9)
    return world.send(world.sign(event, "city"))


@refused_as("unknown_key")
def act_signed_by_a_stranger(world: World, serial: str) -> Sent:
    return world.send(world.sign(_issue(world, serial), "stranger"))


@refused_as("key_inactive")
def act_signed_by_a_key_that_has_ended(world: World, serial: str) -> Sent:
    return world.send(world.sign(_issue(world, serial), "former"))


@refused_as("not_authorised")
def act_of_another_city(world: World, serial: str) -> Sent:
    event = _issue(world, serial, authority=OTHER_CITY)
    return world.send(world.sign(event, "other city"))


@refused_as("signatures_missing")
def joint_act_signed_by_one(world: World, serial: str) -> Sent:
    license_id = world.license_id(serial, code=JOINT_CODE)
    event = world.draft("ISSUE", license_id, fields=FIELDS)
    return world.send(world.sign(event, "city"))


@refused_as("bad_signature")
def act_with_another_signature(world: World, serial: str) -> Sent:
    signed = world.sign(_issue(world, serial), "city")
    return world.admit(spoilt(signed), signed.source)


@refused_as("invalid_fields")
def field_that_the_type_does_not_know(world: World, serial: str) -> Sent:
    event = _set_field(_issue(world, serial), "colour", "red")
    return world.send(world.sign(event, "city"))


@refused_as("invalid_fields")
def face_that_is_not_whole(world: World, serial: str) -> Sent:
    event = _issue(world, serial, fields={"scope": "一般项目"})
    return world.send(world.sign(event, "city"))


@refused_as("clear_personal_data")
def citizen_number_in_clear(world: World, serial: str) -> Sent:
    event = _issue(world, serial, fields={**FIELDS, "scope": f"由{CITIZEN}办理"})
    return world.send(world.sign(event, "city"))


@refused_as("act_not_allowed")
def act_that_the_type_lacks(world: World, serial: str) -> Sent:
    world.issue(serial)
    return world.send(world.signed("DOWNGRADE", world.license_id(serial)))


@refused_as("merged")
def act_on_a_chain_that_goes_on_as_another(world: World, serial: str) -> Sent:
    license_id = world.license_id(serial)
    world.issue(serial)
    world.act("LINK", license_id, fields={"continues_as": license_id + "B"})
    return world.send(world.signed("REVOKE", license_id))


@refused_as("unknown_target")
def correction_of_nothing(world: World, serial: str) -> Sent:
    world.issue(serial)
    fields: dict[str, Value] = {"scope": "改"}
    signed = world.signed(
        "CORRECT", world.license_id(serial), fields=fields, causes=(bytes(32),)
    )
    return world.send(signed)


@refused_as("wrong_version")
def version_that_is_not_the_next(world: World, serial: str) -> Sent:
    license_id = world.license_id(serial)
    world.issue(serial)
    fields: dict[str, Value] = {
        "scope": "新",
        "certificate_identifier": certificate_identifier(license_id, 5),
    }
    return world.send(world.signed("CHANGE", license_id, fields=fields))


@refused_as("decision_missing")
def penalty_without_a_decision(world: World, serial: str) -> Sent:
    world.issue(serial)
    return world.send(world.signed("REVOKE", world.license_id(serial), decision=None))


@refused_as("too_far_ahead")
def act_that_takes_effect_next_year(world: World, serial: str) -> Sent:
    world.issue(serial)
    signed = world.signed(
        "REVOKE", world.license_id(serial), effective_at=TODAY + 365 * DAY_US
    )
    return world.send(signed)


@refused_as("out_of_grace")
def replacement_long_after_the_end(world: World, serial: str) -> Sent:
    world.issue(serial, fields={**FIELDS, "valid_until": "2026-01-15"})
    return world.send(world.signed("REPLACE", world.license_id(serial)))


@refused_as("illegal_transition")
def renewal_of_a_revoked_license(world: World, serial: str) -> Sent:
    license_id = world.license_id(serial)
    world.issue(serial)
    world.act("REVOKE", license_id)
    fields: dict[str, Value] = {"valid_until": "2036-03-01"}
    return world.send(world.signed("RENEW", license_id, fields=fields))


@refused_as("conflicts_with")
def late_pause_before_a_replacement(world: World, serial: str) -> Sent:
    license_id = world.license_id(serial)
    world.issue(serial, effective_at=TODAY - 30 * DAY_US)
    world.act("REPLACE", license_id)
    return world.send(
        world.signed("PAUSE", license_id, effective_at=TODAY - 10 * DAY_US)
    )


def spoilt(signed: Signed) -> bytes:
    """The record with another byte at the end of its last signature.

    Two bytes follow it: no batch, and the end of the list.
    """
    data = bytearray(signed.data)
    data[-3] ^= 1
    return bytes(data)


def lengthen(world: World, serial: str, length: int) -> None:
    """Makes a chain hold ``length`` acts: its remark again and again.

    Written past admission, for the real thing would take minutes.
    """
    chain = world.chains["license", world.license_id(serial)]
    remark = next(act for act in chain.acts if act.act == "ANNOTATE")
    while len(chain.acts) < length:
        number = len(chain.acts)
        chain.append(
            msgspec.structs.replace(
                remark,
                sequence=number + 1,
                position=10_000 + number,
                digest=number.to_bytes(32, "big"),
            ),
            chain.license,
        )
