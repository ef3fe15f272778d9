"""One record alone: digests, origin, routing, and checks 1 to 3 of admission.

Nothing here looks at another record; what the registry switches on comes in as a
question (``Switches``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol, cast

from ledger.codec import (
    EVENT_1,
    HEADER_SIZE,
    MAGIC,
    Schema,
    decode_canonical,
    encode,
)
from ledger.errors import Malformed
from ledger.events import (
    ZERO_DIGEST,
    Batch,
    Chain,
    Event,
    Record,
    Signature,
)
from ledger.license_identifiers import parse_license_id
from ledger.refusals import Refusal
from ledger.registry_subjects import parse_subject
from ledger.signing import batch_shape_ok
from ledger.value_domain import check_domain

RECORD_SIZE_MAX = 60_000
HOLDERS_MAX = 255
SIGNERS_MAX = 8
INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
ROLES = (1, 2, 3)  # main 主办, joint 联合签章, superior 跨层级签章
ALGORITHM_SM2 = 1

_EVENT_CONTEXT = hashlib.new("sm3", b"license-ledger/event/v1\0")
_LEAF = hashlib.new("sm3", b"\0")
_PLAIN = hashlib.new("sm3")
_HEX = frozenset("0123456789abcdef")


class Switches(Protocol):
    """The question checks 2 and 3 ask of the registry."""

    def schema_on(self, fingerprint: bytes) -> Schema | None:
        """The schema of this 8-byte fingerprint if it is switched on here."""
        ...


@dataclass(slots=True, kw_only=True)
class Opened:
    """A record that passed checks 1 to 3; digests are 32 bytes."""

    record: Record
    event: Event
    digest: bytes
    leaf: bytes


def event_digest(body: bytes) -> bytes:
    """SM3 over the event context and the body as carried; chains link by it."""
    digest = _EVENT_CONTEXT.copy()
    digest.update(body)
    return digest.digest()


def record_leaf(data: bytes) -> bytes:
    """Merkle leaf hash of a record as carried, SM3(0x00 ‖ bytes) (RFC 6962 §2.1)."""
    digest = _LEAF.copy()
    digest.update(data)
    return digest.digest()


def origin_of(founding_body: bytes) -> bytes:
    """The 16 bytes that name a ledger: SM3(founding body)[0:16]."""
    return hashlib.new("sm3", founding_body).digest()[:16]


def route_of(chain: Chain, subject: str) -> str:
    """The part of a subject that routes it: license_id or holder_ref."""
    return subject.split("/", 1)[0] if chain == "dispute" else subject


def partition_of(route: str, partitions: int) -> int:
    """Event partition of a route: u32(SM3(route)[0:4]) mod partitions."""
    digest = _PLAIN.copy()
    digest.update(route.encode())
    return int.from_bytes(digest.digest()[:4], "big") % partitions


def encode_event(event: Event) -> bytes:
    """Body bytes of an event."""
    return encode(EVENT_1, event)


def open_record(data: bytes, switches: Switches) -> Opened:
    """Checks 1 to 3: gives what the bytes hold, or raises Refusal."""
    # 1. length, and the mark of a single object
    if not HEADER_SIZE < len(data) <= RECORD_SIZE_MAX or data[:2] != MAGIC:
        raise Refusal("malformed", "not a single object of at most 60,000 bytes")
    # 2. the outer schema is switched on here
    outer = _switched_on(data, "record", switches)
    # 3. both layers decode canonically, and the record holds together by itself
    try:
        record = cast(Record, decode_canonical(outer, data))
        body = record["body"]
        inner = _switched_on(_single_object(body), "event", switches)
        event = cast(Event, decode_canonical(inner, body))
        check_domain(event)
        _check_signatures(record["signatures"], event)
        _check_event(event)
    except Malformed as error:
        raise Refusal("malformed", str(error)) from error
    return Opened(
        record=record, event=event, digest=event_digest(body), leaf=record_leaf(data)
    )


def _single_object(body: bytes) -> bytes:
    if len(body) <= HEADER_SIZE or body[:2] != MAGIC:
        raise Malformed("the body is not a single object")
    return body


def _switched_on(data: bytes, record: str, switches: Switches) -> Schema:
    schema = switches.schema_on(data[2:HEADER_SIZE])
    if schema is None or schema.record != record:
        raise Refusal("unknown_schema", f"{record} fingerprint {data[2:10].hex()}")
    return schema


def _check_signatures(signatures: list[Signature], event: Event) -> None:
    """Signers 1 to 8, strictly ascending, one signature each, batches in shape."""
    signers = event["signers"]
    if not 1 <= len(signers) <= SIGNERS_MAX or len(signatures) != len(signers):
        raise Malformed(
            "signers and signatures do not match",
            expected="1 to 8 signers and one signature for each",
            found=f"{len(signers)} signers, {len(signatures)} signatures",
        )
    last = b""
    for signer in signers:
        if signer["key_id"] <= last:
            raise Malformed("signers are not strictly ascending by key_id")
        last = signer["key_id"]
        if signer["role"] not in ROLES or signer["algorithm"] != ALGORITHM_SM2:
            raise Malformed("a signer has an unknown role or algorithm")
    for signature in signatures:
        if signature["batch"] is not None:
            _check_batch(signature["batch"])


def _check_batch(batch: Batch) -> None:
    count, index, path = batch["count"], batch["index"], batch["path"]
    if not batch_shape_ok(count=count, index=index, path=path):
        raise Malformed(
            "a batch has an impossible shape",
            expected="count 1 to 4,096, index below it, the path that both imply",
            found=f"count {count}, index {index}, path of {len(path)}",
        )


def _check_event(event: Event) -> None:
    """The rules of the layout about one event alone."""
    if not 1 <= event["sequence"] <= LONG_MAX:
        raise Malformed("sequence starts at 1")
    if (event["sequence"] == 1) != (event["previous"] == ZERO_DIGEST):
        raise Malformed(
            "previous is zeros in the first event of a chain and only there"
        )
    if not 0 <= event["type_version"] <= INT_MAX:
        raise Malformed("type_version is not a 32-bit count")
    if len(event["holders"]) > HOLDERS_MAX:
        raise Malformed("more than 255 holders")
    if (
        event["effective_precision"] == "unknown"
        and event["effective_at"] != event["signed_at"]
    ):
        raise Malformed("an unknown effective time equals signed_at")
    decision = event["decision"]
    if event["chain"] == "registry" and decision is not None and decision["reason"]:
        # No holder stands there whose key could encrypt it.
        raise Malformed("a registry event gives no reason")
    names = [field["name"] for field in event["fields"]]
    if names != sorted(set(names)):
        raise Malformed("fields are not sorted by name and unique")
    _check_subject(event["chain"], event["subject"])


def _check_subject(chain: Chain, subject: str) -> None:
    match chain:
        case "license":
            parse_license_id(subject)
        case "holder":
            _check_ref(subject)
        case "dispute":
            route, slash, number = subject.partition("/")
            if not slash or not number or "/" in number:
                raise Malformed("a dispute's subject is license_id/number")
            if len(route) == 64 and _HEX.issuperset(route):
                return
            parse_license_id(route)
        case "registry":
            parse_subject(subject)


def _check_ref(text: str) -> None:
    if len(text) != 64 or not _HEX.issuperset(text):
        raise Malformed("a holder's subject is 64 lower-case hex digits")
