"""A small registry to test against: its keys, its authorities, and events made for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import schemas
from ledger.catalogue import LicenseType, parse_type
from ledger.drafting import Position, bare_event
from ledger.envelope import encode_event, event_digest
from ledger.events import ZERO_DIGEST, Chain, Event, Field, Signer, Value
from ledger.keyring import possession_message
from ledger.license_identifiers import parse_license_id
from ledger.refusals import Refusal
from ledger.registry import Registry
from ledger.registry_fields import (
    found_fields,
    registry_fields_authority,
    registry_fields_key,
    registry_fields_type,
)
from ledger.signing import SoftwareSigner, public_from_private, verify
from ledger.workdays import date_to_day, day_start

PROVINCE = "11210000999990010U"
SHENYANG = "11210100999990029X"
DALIAN = "11210200999990037X"
HEPING = "11210102999990045G"
BUSINESS = "11100000MB0143028R001"
SAFETY = "11210000999990010U042"
CONSTRUCTION = "11210000999990010U045"
SEALED_AT = day_start(date_to_day("2026-11-23"))
TODAY = "2026-11-23"
MAIN, JOINT, SUPERIOR = 1, 2, 3


@cache
def key(number: int) -> SoftwareSigner:
    """The test key of this number."""
    private = number.to_bytes(32, "big")
    return SoftwareSigner(private, public_from_private(private))


ROOTS = (key(101), key(102), key(103))
SEALER = key(110)


def license_type(code: str) -> LicenseType:
    """A type of the catalogue, version 1."""
    return parse_type(schemas.toml(f"types/{code}.toml"))


def signer(of: SoftwareSigner, role: int = MAIN) -> Signer:
    """How an event names a signer."""
    return {"key_id": of.key_id, "role": role, "algorithm": 1}


def key_subject(of: SoftwareSigner) -> str:
    """The registry subject of a key."""
    return f"key:{of.key_id.hex()}"


def event(
    subject: str,
    act: str,
    fields: Sequence[Field] | Mapping[str, Value] = (),
    *,
    by: Sequence[SoftwareSigner] | Sequence[Signer],
    authority: str = "",
    chain: Chain = "registry",
    origin: bytes = bytes(16),
    sequence: int = 1,
    previous: bytes = ZERO_DIGEST,
    **changes: Any,
) -> Event:
    """An event signed by ``by`` (role main unless given as signers)."""
    values = (
        dict(fields)
        if isinstance(fields, Mapping)
        else {f["name"]: f["value"] for f in fields}
    )
    made = bare_event(
        chain=chain,
        subject=subject,
        act=act,
        origin=origin,
        event_id=bytes(16),
        position=Position(sequence=sequence, previous=previous),
        authority=authority,
        effective_at=SEALED_AT,
        signed_at=SEALED_AT,
        fields=values,
        signers=[signer(s) if isinstance(s, SoftwareSigner) else s for s in by],
    )
    made.update(changes)  # type: ignore[typeddict-item]
    return made


@dataclass
class Desk:
    """A registry that grows by accepted records; ``bodies`` replay it."""

    registry: Registry = field(default_factory=Registry)
    bodies: list[tuple[int, int, bytes]] = field(default_factory=list)

    def judge(self, record: Event) -> str:
        """The refusal code of a record, or 'accepted' when it was applied."""
        try:
            self.take(record)
        except Refusal as refusal:
            return refusal.code
        return "accepted"

    def take(self, record: Event) -> None:
        """Checks and applies a record; raises Refusal."""
        registry = self.registry
        registry.check_act(record)
        registry.check_signers(record)
        registry.check_fields(record, verify, sealed_at=SEALED_AT)
        registry.check_transition(record)
        body, position = encode_event(record), len(self.bodies)
        registry.apply(
            record,
            digest=event_digest(body),
            position=position,
            recorded_at=SEALED_AT,
            body=body,
        )
        self.bodies.append((position, SEALED_AT, body))

    def record(
        self,
        subject: str,
        act: str,
        fields: Sequence[Field] | Mapping[str, Value] = (),
        *,
        by: Sequence[SoftwareSigner] | Sequence[Signer] = ROOTS[:2],
        authority: str = "",
        **changes: Any,
    ) -> Event:
        """The next record of a subject, signed by two root keys unless said."""
        acts = self.registry.chain(subject)
        return event(
            subject,
            act,
            fields,
            by=by,
            authority=authority,
            origin=self.registry.origin,
            sequence=len(acts) + 1,
            previous=acts[-1].digest if acts else ZERO_DIGEST,
            **changes,
        )

    def put(self, subject: str, act: str, *args: Any, **named: Any) -> str:
        """Makes the next record of a subject and judges it."""
        return self.judge(self.record(subject, act, *args, **named))

    def key_fields(
        self,
        of: SoftwareSigner,
        authority: str = "",
        purpose: str = "act",
        *,
        possession: bytes | None = None,
    ) -> list[Field]:
        """Fields that register a key, with its proof unless another one is given."""
        message = possession_message(self.registry.origin, authority, purpose)
        return registry_fields_key(
            public_key=of.public_key,
            purpose=purpose,
            authority=authority,
            possession=of.sign(message) if possession is None else possession,
        )

    def add_key(
        self,
        of: SoftwareSigner,
        authority: str = "",
        purpose: str = "act",
        *,
        signing: str = "",
        **named: Any,
    ) -> str:
        """Registers a key; ``signing`` is the authority that signs the record."""
        fields = self.key_fields(of, authority, purpose)
        return self.put(key_subject(of), "ADD", fields, authority=signing, **named)

    def add_authority(
        self,
        uscc: str,
        area: str,
        *roles: str,
        keys: Sequence[SoftwareSigner] = (),
        **given: Any,
    ) -> None:
        """Registers an authority and its keys, or fails the test."""
        fields = registry_fields_authority(
            name="某机关", area=area, level="city", roles=roles, **given
        )
        assert self.put(f"authority:{uscc}", "ADD", fields) == "accepted"
        for one in keys:
            assert self.add_key(one, uscc) == "accepted"

    def change(self, uscc: str, **given: Any) -> str:
        """CHANGE of an authority."""
        fields = registry_fields_authority(**given)
        return self.put(f"authority:{uscc}", "CHANGE", fields)

    def may(self, act: str, license_id: str, **named: Any) -> str:
        """The refusal code of check 9 for a license event, or 'accepted'.

        ``by``, ``authority`` as for ``event``; ``opening`` and ``flags`` as they are.
        """
        opening, kind = named.pop("opening", False), named.pop("kind", None)
        parsed = parse_license_id(license_id)
        made = event(license_id, act, chain="license", **named)
        try:
            self.registry.authorise(
                made,
                license_id=parsed,
                license_type=kind or license_type(parsed.type_code),
                opening=opening,
                sealed_at=SEALED_AT,
            )
        except Refusal as refusal:
            return refusal.code
        return "accepted"


def founding(
    *,
    name: str = "test.example/ledger",
    roots: Sequence[SoftwareSigner] = ROOTS,
    quorum: int = 2,
    sealer: SoftwareSigner = SEALER,
    **changes: Any,
) -> Event:
    """A founding record signed by every key it names."""
    fields = found_fields(
        name=name,
        partitions=4,
        root_keys=[root.public_key for root in roots],
        quorum=quorum,
        sealer_key=sealer.public_key,
    )
    by = changes.pop("by", [*roots, sealer])
    return event("ledger:", "FOUND", fields, by=by, **changes)


def founded() -> Desk:
    """A registry with nothing but its founding record: 3 roots, quorum 2."""
    desk = Desk()
    desk.take(founding())
    return desk


def with_types(desk: Desk, *codes: str) -> Desk:
    """The desk with types of the catalogue added."""
    for code in codes:
        fields = registry_fields_type(license_type(code))
        assert desk.put(f"type:{code}", "ADD", fields) == "accepted"
    return desk
