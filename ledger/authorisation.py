"""Check 9: whose keys sign an event, and whether they may do what it says.

The codes are tried in the order unknown_key, key_inactive, not_authorised,
signatures_missing, each over all signers before the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.authorities import Authority, may_act
from ledger.catalogue import LicenseType
from ledger.divisions import area_covers
from ledger.errors import Malformed
from ledger.events import Event
from ledger.keyring import Key
from ledger.license_identifiers import LicenseId, parse_license_id
from ledger.refusals import Refusal
from ledger.registry_state import RegistryState
from ledger.registry_values import values_of
from ledger.workdays import legal_day

MAIN, JOINT, SUPERIOR = 1, 2, 3
DEFAULT_ROLES = (MAIN,)
DESTROY_ROLES = (MAIN, SUPERIOR)


def signing_keys(state: RegistryState, event: Event) -> list[Key]:
    """The keys of the signers, all registered and active here (first half of 9)."""
    keys = []
    for signer in event["signers"]:
        key = state.key(signer["key_id"])
        if key is None:
            raise Refusal("unknown_key", f"key {signer['key_id'].hex()}")
        keys.append(key)
    for key in keys:
        if not key.active:
            raise Refusal("key_inactive", f"key {key.key_id.hex()}")
    return keys


def authorise_license(
    state: RegistryState,
    event: Event,
    *,
    license_id: LicenseId,
    kind: LicenseType,
    opening: bool,
    sealed_at: int,
) -> None:
    """Check 9 of a license event; raises Refusal."""
    keys = signing_keys(state, event)
    who = main_authority(state, event, keys)
    issuer = state.authority(license_id.issuer)
    if issuer is None:
        raise Refusal("not_authorised", "the issuer is not registered")
    if not may_act(
        state.authorities,
        who,
        issuer,
        type_code=kind.code,
        act=event["act"],
        backfilled=event["flags"] is not None,
        opening=opening,
        day=legal_day(sealed_at),
    ):
        raise Refusal("not_authorised", "not for this issuer, type, act or area")
    if len(keys) > 1:
        _check_cosigners(state, event, keys, issuer.area)
    demand_roles(event, keys, kind.signatures.get(event["act"], DEFAULT_ROLES))


def authorise_destroy(state: RegistryState, event: Event) -> None:
    """Check 9 of a holder event: a custodian destroys, a supervisor agrees."""
    keys = signing_keys(state, event)
    who = main_authority(state, event, keys)
    areas = _destroyed_areas(state, event)
    if "custodian" not in who.roles or not all(
        area_covers(who.area, area) for area in areas
    ):
        raise Refusal("not_authorised", "not the custodian of this area")
    for area in areas or [who.area]:
        _check_cosigners(state, event, keys, area, superior_roles={"supervisor"})
    demand_roles(event, keys, DESTROY_ROLES)


def main_authority(
    state: RegistryState, event: Event, keys: Sequence[Key]
) -> Authority:
    """The active authority named in the event, whose act keys the main signers are."""
    who = state.authority(event["authority"])
    if who is None or not who.active:
        raise Refusal("not_authorised", "the authority is not registered or has ended")
    for signer, key in zip(event["signers"], keys, strict=True):
        if key.purpose != "act":
            raise Refusal("not_authorised", f"a {key.purpose} key signs no such event")
        if signer["role"] == MAIN and key.authority != who.uscc:
            raise Refusal("not_authorised", "a main signer is not the authority's")
    return who


def demand_roles(event: Event, keys: Sequence[Key], roles: Sequence[int]) -> None:
    """Exactly this set of roles, each by another authority."""
    found = sorted([signer["role"] for signer in event["signers"]])
    if found != list(roles):
        raise Refusal("signatures_missing", f"expected roles {roles}, found {found}")
    if len({key.authority for key in keys}) != len(keys):
        raise Refusal("signatures_missing", "one authority signs twice")


def _check_cosigners(
    state: RegistryState,
    event: Event,
    keys: Sequence[Key],
    area: str,
    *,
    superior_roles: frozenset[str] | set[str] = frozenset({"publisher", "supervisor"}),
) -> None:
    """Joint signers publish themselves, superiors may only supervise; both in area."""
    for signer, key in zip(event["signers"], keys, strict=True):
        if signer["role"] == MAIN:
            continue
        organ = state.authority(key.authority)
        fitting = superior_roles if signer["role"] == SUPERIOR else {"publisher"}
        if (
            organ is None
            or not organ.active
            or organ.roles.isdisjoint(fitting)
            or not area_covers(organ.area, area)
        ):
            raise Refusal("not_authorised", "a co-signer may not sign for this area")


def _destroyed_areas(state: RegistryState, event: Event) -> list[str]:
    """Areas of the issuers of the named licenses; a missing license has none.

    Names out of form are left to check 11.
    """
    named = values_of(event).get("license_ids")
    areas = set()
    texts = named.get("strings") if isinstance(named, dict) else None
    for text in texts if isinstance(texts, list) else ():
        try:
            license_id = parse_license_id(str(text))
        except Malformed:
            continue
        issuer = state.authority(license_id.issuer)
        if issuer is None:
            raise Refusal("not_authorised", "the issuer is not registered")
        areas.add(issuer.area)
    return sorted(areas)
