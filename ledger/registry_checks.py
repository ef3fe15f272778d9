"""Checks 8, 9, 11 and 12 of registry records: by whom the registry is changed, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from ledger.authorisation import (
    DEFAULT_ROLES,
    MAIN,
    demand_roles,
    main_authority,
    signing_keys,
)
from ledger.authorities import Authority, grants_of
from ledger.catalogue import type_of_rows
from ledger.divisions import area_covers, division_ok
from ledger.errors import Malformed
from ledger.events import Event, Rows, Strings, Value
from ledger.keyring import ROOT_KEYS_MAX, Key, possession_message
from ledger.log.contract import REGISTRY
from ledger.refusals import Refusal
from ledger.registry_rules import SUBJECTS, clear_texts, problems
from ledger.registry_state import (
    RegistryState,
    calendar_of,
    first_schemas,
    founding_keys,
    values_of,
)
from ledger.registry_subjects import RegistrySubject, parse_subject
from ledger.signing import key_id as key_id_of
from ledger.subject_codes import clear_citizen_number, uscc_ok
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


def check_signers(state: RegistryState, event: Event) -> None:
    """Check 9: k root keys and nobody else, or one authority that may do it alone."""
    if not state.founded:
        _check_founders(event)
        return
    keys = signing_keys(state, event)
    if any(key.purpose == "root" for key in keys):
        _check_roots(state, event, keys)
        return
    who = main_authority(state, event, keys)
    if not _may_record(state, who, event):
        raise Refusal("not_authorised", "needs root keys, or another authority")
    demand_roles(event, keys, DEFAULT_ROLES)


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


def _check_founders(event: Event) -> None:
    """Every key that the founding record names signs it: its proof of possession."""
    named = founding_keys(event)
    signers = {signer["key_id"] for signer in event["signers"]}
    if not signers <= named.keys():
        raise Refusal("unknown_key", "a signer that the founding record does not name")
    if event["authority"]:
        raise Refusal("not_authorised", "a founding record has no authority")
    if signers != named.keys() or any(s["role"] != MAIN for s in event["signers"]):
        raise Refusal("signatures_missing", "every named key signs, role main")


def _check_roots(state: RegistryState, event: Event, keys: Sequence[Key]) -> None:
    if event["authority"] or any(key.purpose != "root" for key in keys):
        raise Refusal("not_authorised", "root keys sign alone and for no authority")
    mains = all(signer["role"] == MAIN for signer in event["signers"])
    if not mains or not state.root_quorum(event["signers"]):
        raise Refusal(
            "signatures_missing", f"needs {state.quorum} root keys, role main"
        )


def _may_record(state: RegistryState, who: Authority, event: Event) -> bool:
    """Whether an authority may sign this record without root keys.

    Fields are not checked yet: what is out of form covers no area.
    """
    (kind, name), act, values = (
        parse_subject(event["subject"]),
        event["act"],
        values_of(event),
    )
    if SUBJECTS[kind].needs == "definer":
        return "definer" in who.roles and name[:18] == who.uscc
    if kind == "key" and act == "END" and _owns(state, who, name):
        return True
    return (
        SUBJECTS[kind].needs == "registrar"
        and "registrar" in who.roles
        and _in_area(state, who, RegistrySubject(kind, name), act, values)
    )


def _in_area(
    state: RegistryState,
    who: Authority,
    subject: RegistrySubject,
    act: str,
    values: Mapping[str, Value],
) -> bool:
    """Whether everything that the record touches lies in the registrar's area."""
    areas: list[object]
    match subject.kind:
        case "authority":
            organ = state.authority(subject.name)
            areas = [organ.area] if organ is not None else []
            # A move counts at both ends, or a registrar could pull organs into its area.
            if act != "END" and (organ is None or "area" in values):
                areas.append(values.get("area"))
        case "key":
            areas = [_key_area(state, who, subject.name, act, values)]
        case "calendar":
            areas = [subject.name[:6]]
        case _:
            # A source carries records of every area.
            if subject.name.split(".", 1)[0] == REGISTRY:
                return False
            areas = [organ.area for organ in state.authorities.values()]
    return all(isinstance(a, str) and area_covers(who.area, a) for a in areas)


def _key_area(
    state: RegistryState,
    who: Authority,
    name: str,
    act: str,
    values: Mapping[str, Value],
) -> str | None:
    """The area of a key's authority; None for a key that a registrar may not touch."""
    if act == "ADD":
        # Not even a registrar adds a key of its own alone.
        uscc = values.get("authority")
        if values.get("purpose") != "act" or uscc == who.uscc:
            return None
    else:
        key = state.key(bytes.fromhex(name))
        uscc = key.authority if key is not None and key.purpose == "act" else None
    organ = state.authority(uscc) if isinstance(uscc, str) else None
    return organ.area if organ is not None else None


def _owns(state: RegistryState, who: Authority, name: str) -> bool:
    key = state.key(bytes.fromhex(name))
    return key is not None and key.purpose == "act" and key.authority == who.uscc


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
            if not dash or not division_ok(region) or len(year) != 4:
                return ["the subject is not calendar:<division>-<year>"]
            calendar_of(subject.name, values["days"])
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
