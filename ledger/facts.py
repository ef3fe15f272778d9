"""The facts that admission and projections keep of each accepted act of a chain.

An ``Act`` is everything a later verdict or a fold may ask about an accepted event; it is
written beside the chain head and read back, so the log is not read again for it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from ledger.events import Event, Flags, Value

_SM3 = hashlib.new("sm3")


class Act(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One accepted event of a chain; times in UTC µs, digests 32 bytes.

    ``source_key`` is empty unless authority, source system, source reference and act all
    are given (check 5). ``cause`` is causes[0] or empty. ``fields`` holds values as
    carried. ``source_act`` and ``nonstandard`` come from the backfill flags;
    ``source_ref`` is the source system's own name of the row or case.
    ``decision_excused``: backfilled stock whose flags say why the decision is missing.
    """

    position: int
    sequence: int
    digest: bytes
    event_id: bytes
    act: str
    type_version: int
    effective_at: int
    precision: str
    signed_at: int
    recorded_at: int
    authority: str
    deciding_authority: str
    reason_code: str
    decision_number: str
    holders: tuple[tuple[str, bytes, str], ...]
    fields: dict[str, Any]
    causes: tuple[bytes, ...]
    backfill: bool
    source_act: str
    nonstandard: bool
    source_key: bytes
    source_system: str = ""
    source_ref: str = ""
    decision_excused: bool = False
    decision_date: str = ""


def source_key(event: Event) -> bytes:
    """16 bytes that name one act of one source system, or empty (check 5).

    SM3 over authority, source_system, source_ref, act and effective_at, each with a
    u32 length before it.
    """
    matter = event["matter"]
    parts = (event["authority"], matter["source_system"], matter["source_ref"])
    if not all(parts) or not event["act"]:
        return b""
    digest = _SM3.copy()
    for part in (*parts, event["act"], str(event["effective_at"])):
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.digest()[:16]


def act_of(event: Event, *, position: int, digest: bytes, recorded_at: int) -> Act:
    """The facts of one event at its position; ``recorded_at`` is the seal's time."""
    decision, flags = event["decision"], event["flags"]
    fields: dict[str, Value] = {f["name"]: f["value"] for f in event["fields"]}
    return Act(
        position=position,
        sequence=event["sequence"],
        digest=digest,
        event_id=event["event_id"],
        act=event["act"],
        type_version=event["type_version"],
        effective_at=event["effective_at"],
        precision=event["effective_precision"],
        signed_at=event["signed_at"],
        recorded_at=recorded_at,
        authority=event["authority"],
        deciding_authority=event["deciding_authority"] or event["authority"],
        reason_code=decision["reason_code"] if decision else "",
        decision_number=decision["number"] if decision else "",
        holders=tuple([(h["kind"], h["ref"], h["code"]) for h in event["holders"]]),
        fields=fields,
        causes=tuple(event["causes"]),
        backfill=flags is not None,
        source_act=flags["source_act"] if flags else "",
        nonstandard=bool(flags and flags["nonstandard"]),
        source_key=source_key(event),
        source_system=event["matter"]["source_system"],
        source_ref=event["matter"]["source_ref"],
        decision_excused=flags is not None and _decision_excused(flags),
        decision_date=decision["date"] if decision else "",
    )


def _decision_excused(flags: Flags) -> bool:
    prefix = "decision="
    return any(
        entry.startswith(prefix) and len(entry) > len(prefix)
        for entry in flags["missing"]["strings"]
    )
