"""Checks 8, 11 and 12 of registry records: what may be said of a subject, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ledger.authorities import grants_of
from ledger.catalogue import type_of_rows
from ledger.divisions import division_ok
from ledger.errors import Malformed
from ledger.events import Event, Rows, Strings, Value
from ledger.keyring import ROOT_KEYS_MAX, possession_message
from ledger.refusals import Refusal
from ledger.registry_rules import SUBJECTS, clear_texts, problems
from ledger.registry_state import RegistryState
from ledger.registry_subjects import RegistrySubject, parse_subject
from ledger.registry_values import calendar_of, first_schemas, values_of
from ledger.signing import key_id as key_id_of
from ledger.subject_codes import clear_citizen_number, uscc_ok
from ledger.value_formats import year_ok
from ledger.workdays import day_to_date, legal_day

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public_key, message, signature) -> whether it holds."""


def check_act(state: RegistryState, event: Event) -> None:
    """Check 8: the subject knows the act, and names no license type."""
    kind, act = parse_subject(event["subject"]).kind, event["act"]
    if act not in SUBJECTS[kind].acts or not state.act_on("registry", act):
        raise Refusal("unknown_act", f"no such act of {kind}")
    if event["type_version"] != 0:
        raise Refusal("unknown_type", "expected type_version 0")


def check_fields(
    state: RegistryState, event: Event, verify: Verify, *, sealed_at: int
) -> None:
    """Check 11: the subject's fields in form, what they say holds, nothing personal."""
    subject, values = parse_subject(event["subject"]), values_of(event)
    wrong = _outside_fields(event) + problems(subject.kind, event["act"], values)
    if not wrong:
        try:
            wrong = _content(state, subject, event["act"], values, verify)
        except Malformed as error:
            wrong = [str(error)]
    if wrong:
        raise Refusal("invalid_fields", "; ".join(wrong))
    latest = day_to_date(legal_day(sealed_at))
    texts = [event["channel"], event["paper_serial"], *_decision_texts(event)]
    texts += clear_texts(subject.kind, values)
    if clear_citizen_number("\n".join(texts), latest=latest):
        raise Refusal("clear_personal_data", "a citizen number stands in clear")


def check_transition(state: RegistryState, event: Event) -> None:
    """Check 12: ADD of what is not there, CHANGE and END of what is."""
    subject, act = parse_subject(event["subject"]), event["act"]
    name = subject.name
    match subject.kind:
        case "ledger":
            allowed = not state.founded
        case "authority":
            organ = state.authority(name)
            allowed = (organ is not None and organ.active) != (act == "ADD")
        case "key":
            allowed = _key_moves(state, bytes.fromhex(name), act, values_of(event))
        case "type":
            allowed = (state.license_type(name) is not None) != (act == "ADD")
        case "calendar":
            allowed = (name in state.calendars) != (act == "ADD")
        case "schema":
            allowed = not state.chain(event["subject"]) and not name.endswith("/1")
        case "rule":
            allowed = int(name) == state.rule + 1
        case _:
            allowed = _succeeds(state, name, values_of(event))
    if not allowed:
        raise Refusal("illegal_transition", f"{act} of {subject.kind} not now")


def _outside_fields(event: Event) -> list[str]:
    """Parts of an event that say nothing about the registry must be empty."""
    decision = event["decision"]
    parts = {
        "holders": bool(event["holders"]),
        "flags": event["flags"] is not None,
        "file": event["file"] is not None,
        "decision.reason": decision is not None and decision["reason"] != b"",
    }
    return [
        f"{name}: not in a registry record" for name, found in parts.items() if found
    ]


def _decision_texts(event: Event) -> list[str]:
    decision = event["decision"]
    if decision is None:
        return []
    return [decision["number"], decision["reason_code"], decision["date"]]


def _content(
    state: RegistryState,
    subject: RegistrySubject,
    act: str,
    values: Mapping[str, Any],
    verify: Verify,
) -> list[str]:
    """What is wrong with well-formed fields; may raise Malformed instead."""
    match subject.kind:
        case "ledger":
            return _founding_content(values)
        case "authority":
            return _authority_content(state, subject.name, act, values)
        case "key" if act == "ADD":
            return _key_content(state, subject.name, values, verify)
        case "type" if act != "END":
            version = state.next_type_version(subject.name)
            rows = cast("Rows", values["definition"])
            type_of_rows(rows, code=subject.name, version=version)
        case "calendar":
            region, dash, year = subject.name.rpartition("-")
            if not dash or not division_ok(region) or not year_ok(year):
                return ["the subject is not calendar:<division>-<year>"]
            calendar_of(subject.name, values["days"])
        case _:
            pass
    return []


def _founding_content(values: Mapping[str, Any]) -> list[str]:
    roots = cast("Strings", values["root_keys"])["strings"]
    rules = {
        "quorum: more than there are root keys": values["quorum"] <= len(roots),
        "sealer_key: a key has one purpose": values["sealer_key"] not in roots,
        "schemas: not those of version 1": values["schemas"] == first_schemas(),
    }
    return [name for name, right in rules.items() if not right]


def _authority_content(
    state: RegistryState, uscc: str, act: str, values: Mapping[str, Any]
) -> list[str]:
    wrong = []
    if act == "ADD" and not uscc_ok(uscc) and not values.get("nonstandard_code"):
        wrong.append(
            "the code's check digits are wrong and nonstandard_code is not set"
        )
    for name in ("delegations", "successions"):
        for grant in grants_of(values[name]) if name in values else ():
            known = grant.acts is None or all(
                state.act_on("license", act) for act in grant.acts
            )
            term = grant.until_day is None or grant.from_day <= grant.until_day
            if grant.to == uscc or not known or not term:
                wrong.append(f"{name}: to itself, of an unknown act, or of no term")
    return wrong


def _key_content(
    state: RegistryState, name: str, values: Mapping[str, Any], verify: Verify
) -> list[str]:
    public_key, uscc = bytes.fromhex(values["public_key"]), values["authority"]
    organ = state.authority(uscc)
    wrong = []
    if key_id_of(public_key).hex() != name:
        wrong.append("public_key: not the key of the subject")
    if values["purpose"] == "act":
        if organ is None or not organ.active:
            wrong.append("authority: not registered, or ended")
    elif uscc:
        wrong.append("authority: empty for root, seal and witness keys")
    message = possession_message(state.origin, uscc, values["purpose"])
    if not verify(public_key, message, bytes.fromhex(values["possession"])):
        wrong.append("possession: the key did not sign for this ledger and purpose")
    return wrong


def _key_moves(
    state: RegistryState, key_id: bytes, act: str, values: Mapping[str, Value]
) -> bool:
    """Registered once for ever; enough root keys and one sealer key must remain."""
    key = state.key(key_id)
    if act == "ADD":
        roots = len(state.keys.active("root"))
        full = values.get("purpose") == "root" and roots >= ROOT_KEYS_MAX
        return key is None and not full
    if key is None:
        return False
    if act == "COMPROMISE":
        return True
    rest = len(state.keys.active(key.purpose)) - 1
    fewest = {"root": state.quorum, "seal": 1}.get(key.purpose, 0)
    return key.active and rest >= fewest


def _succeeds(state: RegistryState, name: str, values: Mapping[str, Value]) -> bool:
    """``events-3`` goes on as ``events-3.1``, that as ``events-3.2``."""
    predecessor = values.get("succeeds")
    if not isinstance(predecessor, str) or predecessor not in state.sources():
        return False
    base, _, number = predecessor.partition(".")
    return name == f"{base}.{int(number or 0) + 1}"
