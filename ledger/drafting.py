"""From what a department means to say to the event that says it: values go in clear,
come out encrypted, sorted and complete.

Everything that differs from call to call (identifiers, keys, time, chance) is an
argument; the same arguments give the same event but for the nonces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ledger import field_checks, lifecycle
from ledger.catalogue import LicenseType
from ledger.codec import encode_value
from ledger.encryption import encrypt_field
from ledger.errors import Malformed
from ledger.events import (
    ZERO_DIGEST,
    Chain,
    Decision,
    Event,
    File,
    Flags,
    Holder,
    Matter,
    Medium,
    Precision,
    Signer,
    Value,
)
from ledger.holders import is_person_kind, normalise_holder_code
from ledger.license_identifiers import certificate_identifier

REASON = "decision.reason"
MATTER_FIELDS = (
    "item_code",
    "case_number",
    "source_system",
    "source_ref",
    "operator",
    "reviewer",
    "approver",
    "assurance",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderDraft:
    """One holder in clear: three-digit kind and code."""

    kind: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDraft:
    """The decision behind an act; ``reason`` is free text in clear."""

    number: str
    date: str
    reason_code: str
    document: str = ""
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One act on a license, values in clear; times in UTC µs.

    ``holders`` None means: as the chain has them. ``source_act`` marks backfilled stock
    (存量补录) and makes the event carry flags.
    """

    act: str
    license_id: str
    effective_at: int
    authority: str
    fields: Mapping[str, Value] = field(default_factory=dict, repr=False)
    holders: tuple[HolderDraft, ...] | None = None
    precision: Precision = "day"
    deciding_authority: str = ""
    decision: DecisionDraft | None = None
    causes: tuple[bytes, ...] = ()
    matter: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    medium: Medium = "electronic"
    paper_serial: str = ""
    file: File | None = None
    source_act: str | None = None
    missing: tuple[str, ...] = ()
    nonstandard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftKeys:
    """What the key store gave for one event: its id, and an event key per holder."""

    event_id: bytes
    holders: tuple[Holder, ...]
    event_keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the event will stand in its chain; ``version`` 0 when it makes none."""

    sequence: int = 1
    previous: bytes = ZERO_DIGEST
    version: int = 0


def draft_event(
    draft: Draft,
    *,
    origin: bytes,
    kind: LicenseType,
    position: Position,
    keys: DraftKeys,
    signed_at: int,
    signers: Sequence[Signer],
    random_bytes: Callable[[int], bytes],
) -> Event:
    """The event of a draft; raises Malformed on a value that has no Avro form."""

    def encrypted(name: str, value: Value) -> bytes:
        if not keys.holders:
            raise Malformed(
                "a value to encrypt, and no holder to encrypt it for",
                code="bad_personal_values",
            )
        return encrypt_field(
            event_key=keys.event_keys[0],
            origin=origin,
            event_id=keys.event_id,
            holder_ref=keys.holders[0]["ref"],
            holder_index=0,
            name=name,
            avro_value=encode_value(value),
            random_bytes=random_bytes,
        )

    fields = dict(draft.fields)
    if position.version:
        fields.setdefault(
            "certificate_identifier",
            certificate_identifier(draft.license_id, position.version),
        )
    for name, value in fields.items():
        if value is not None and _closed(name, draft.act, kind, keys.holders):
            fields[name] = encrypted(name, value)
    event = bare_event(
        chain="license",
        subject=draft.license_id,
        act=draft.act,
        origin=origin,
        event_id=keys.event_id,
        position=position,
        authority=draft.authority,
        effective_at=draft.effective_at,
        signed_at=signed_at,
        fields=fields,
        signers=signers,
    )
    event["type_version"] = kind.version
    event["holders"] = list(keys.holders)
    event["decision"] = _decision(draft, encrypted)
    _dress(event, draft)
    return event


def _dress(event: Event, draft: Draft) -> None:
    """Takes over what a draft says in clear beside fields and decision."""
    event["effective_precision"] = draft.precision
    event["deciding_authority"] = draft.deciding_authority
    event["matter"] = _matter(draft.matter)
    event["channel"] = draft.channel
    event["medium"] = draft.medium
    event["paper_serial"] = draft.paper_serial
    event["causes"] = list(draft.causes)
    event["file"] = draft.file
    event["flags"] = _flags(draft)


def bare_event(
    *,
    chain: Chain,
    subject: str,
    act: str,
    origin: bytes,
    event_id: bytes,
    position: Position,
    authority: str,
    effective_at: int,
    signed_at: int,
    fields: Mapping[str, Value],
    signers: Sequence[Signer],
) -> Event:
    """An event of any chain with nothing but clear fields (registry, holder chains)."""
    return {
        "event_id": event_id,
        "origin": origin,
        "chain": chain,
        "subject": subject,
        "sequence": position.sequence,
        "previous": position.previous,
        "act": act,
        "type_version": 0,
        "effective_at": effective_at,
        "effective_precision": "instant",
        "signed_at": signed_at,
        "authority": authority,
        "deciding_authority": "",
        "decision": None,
        "matter": _matter({}),
        "channel": "",
        "medium": "none",
        "paper_serial": "",
        "holders": [],
        "signers": sorted(signers, key=lambda signer: signer["key_id"]),
        "fields": [{"name": n, "value": v} for n, v in sorted(fields.items())],
        "causes": [],
        "file": None,
        "flags": None,
    }


def public_code(kind: str, code: str) -> str:
    """What an event says of a holder's code: an organisation's, and nobody else's."""
    return "" if is_person_kind(kind) else normalise_holder_code(kind, code)


def _closed(name: str, act: str, kind: LicenseType, holders: Sequence[Holder]) -> bool:
    """Whether a value goes in encrypted; so does one that the type does not know.

    Such an event is refused, but its bytes stay in the log for ever.
    """
    face = kind.fields.get(name)
    if face is None:
        return name not in lifecycle.ACTS[act].reserved
    return field_checks.must_encrypt(face, holders)


def _decision(
    draft: Draft, encrypted: Callable[[str, Value], bytes]
) -> Decision | None:
    given = draft.decision
    if given is None:
        return None
    return {
        "number": given.number,
        "date": given.date,
        "reason_code": given.reason_code,
        "document": given.document,
        "reason": encrypted(REASON, given.reason) if given.reason else b"",
    }


def _matter(given: Mapping[str, str]) -> Matter:
    unknown = sorted(set(given) - set(MATTER_FIELDS))
    if unknown:
        raise Malformed(
            "unknown part of the matter",
            expected=", ".join(MATTER_FIELDS),
            found=", ".join(unknown),
        )
    return {
        "item_code": given.get("item_code", ""),
        "case_number": given.get("case_number", ""),
        "source_system": given.get("source_system", ""),
        "source_ref": given.get("source_ref", ""),
        "operator": given.get("operator", ""),
        "reviewer": given.get("reviewer", ""),
        "approver": given.get("approver", ""),
        "assurance": given.get("assurance", ""),
    }


def _flags(draft: Draft) -> Flags | None:
    if draft.source_act is None:
        return None
    return {
        "source_act": draft.source_act,
        "missing": {"strings": list(draft.missing)},
        "nonstandard": draft.nonstandard,
    }
