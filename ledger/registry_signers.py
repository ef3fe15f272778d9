"""Check 9 of registry records: by whom the registry is changed.

Root, seal and witness keys, schemas and rules need k root keys; all the rest needs them,
or a registrar in its area, or for types their definer. An authority may end a key of its
own, and never adds one alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.authorisation import (
    DEFAULT_ROLES,
    MAIN,
    demand_roles,
    main_authority,
    signing_keys,
)
from ledger.authorities import Authority
from ledger.divisions import area_covers
from ledger.events import Event, Value
from ledger.keyring import Key
from ledger.refusals import Refusal
from ledger.registry_rules import SUBJECTS
from ledger.registry_state import RegistryState
from ledger.registry_subjects import RegistrySubject, parse_subject
from ledger.registry_values import founding_keys, values_of
from ledger.sources import REGISTRY


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
