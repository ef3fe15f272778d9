"""Receipts (回执): the proof for one event, checked with public keys alone.

A receipt says up to two things, each with its own proof: the record is in the log, and
the verdict on it was "accepted". Numbered steps in the manner of a client that trusts
nothing but the ledger's verifier key.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.admission import Admission, Place
from ledger.checkpoint import Checkpoint, open_checkpoint, origin_line
from ledger.codec import EVENT_1, RECORD_1, decode_canonical
from ledger.envelope import event_digest, origin_of, record_leaf
from ledger.errors import Malformed, Untrusted
from ledger.events import Event, Record, Seal
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.note import parse_note
from ledger.refusals import ACCEPTED
from ledger.registry import Registry
from ledger.seal import decode_seal, seal_digest, verdict_leaf
from ledger.signing import BatchSignature, BatchVerifier, key_id, tbs, verify

FORMAT = "license-ledger/receipt@v1"
MEMBERS = frozenset(
    ("format", "record", "position", "path", "checkpoint", "verdict", "keys", "sealers")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictProof:
    """The second half: inclusion of the verdict, and the seal that carries its root.

    ``first`` is the position of the verdict range's first record in that seal.
    """

    first: int
    path: tuple[bytes, ...]
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One event's proof; hashes are 32 bytes.

    ``keys``: public keys (65 bytes) of the record's signers. ``sealers``: the founding
    record and every later registry record about root and sealer keys, in order.
    """

    record: bytes
    position: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    verdict: VerdictProof | None
    keys: tuple[bytes, ...]
    sealers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a receipt proves when every step held."""

    event: Event
    digest: bytes
    position: int
    ledger: str
    origin: bytes
    checkpoint: Checkpoint
    accepted: bool
    steps: tuple[str, ...]


def write_receipt(receipt: Receipt) -> bytes:
    """The receipt as a JSON document, bytes in base64."""
    verdict = receipt.verdict
    document = {
        "format": FORMAT,
        "record": _b64(receipt.record),
        "position": receipt.position,
        "path": [_b64(node) for node in receipt.path],
        "checkpoint": receipt.checkpoint.decode(),
        "verdict": None
        if verdict is None
        else {
            "first": verdict.first,
            "path": [_b64(node) for node in verdict.path],
            "seal": _b64(verdict.seal),
        },
        "keys": [_b64(key) for key in receipt.keys],
        "sealers": [_b64(record) for record in receipt.sealers],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def read_receipt(data: bytes) -> Receipt:
    """Parses a receipt; raises Malformed on anything but the format's own form."""
    try:
        document = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Malformed("not a receipt", expected="a JSON document") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Malformed("not a receipt", expected=f"format {FORMAT}")
    if set(document) != MEMBERS:
        raise Malformed("a receipt has exactly its members", expected=str(MEMBERS))
    verdict = document["verdict"]
    checkpoint = document["checkpoint"]
    if not isinstance(checkpoint, str):
        raise Malformed("not a receipt", expected="a text", where="checkpoint")
    return Receipt(
        record=_bytes(document["record"], "record"),
        position=_count(document["position"], "position"),
        path=_list(document["path"], "path"),
        checkpoint=checkpoint.encode("utf-8", "surrogatepass"),
        verdict=None if verdict is None else _verdict(verdict),
        keys=_list(document["keys"], "keys"),
        sealers=_list(document["sealers"], "sealers"),
    )


def verify_receipt(
    receipt: Receipt, *, name: str, public_key: bytes | None = None
) -> Proven:
    """Checks a receipt against the ledger whose origin line is ``name``.

    ``public_key``: a sealer key that the reader trusts (from a verifier key); it must be
    one of the ledger's. 1. the founding record names this ledger; 2. the sealer keys
    since then; 3. the checkpoint is signed by one of them; 4. the record is in that
    tree; 5. its signers signed it; 6. the seal that carries the verdict; 7. the verdict.
    Raises Untrusted at the first step that does not hold.
    """
    steps: list[str] = []
    try:
        # 1, 2.
        registry, sealer_keys = _sealers(receipt.sealers, name)
        steps.append("the founding record names this ledger")
        if public_key is not None and public_key not in sealer_keys:
            raise Untrusted("the given key is not a sealer key of this ledger")
        steps.append(f"{len(sealer_keys)} sealer keys since the founding")
        # 3.
        checkpoint = _signed_by_any(receipt.checkpoint, name, sealer_keys)
        steps.append(f"checkpoint of seal {checkpoint.seal_no} is signed")
        # 4.
        leaf = record_leaf(receipt.record)
        verify_inclusion(
            leaf_hash=leaf,
            index=receipt.position,
            size=checkpoint.size,
            path=receipt.path,
            root=checkpoint.root,
        )
        steps.append(f"the record is in the log at position {receipt.position}")
        # 5.
        event, digest = _signed_record(receipt, registry.origin)
        steps.append(f"{len(receipt.keys)} signatures hold")
        # 6, 7.
        accepted = receipt.verdict is not None
        if receipt.verdict is not None:
            carried = _carried(receipt, receipt.verdict, leaf, name, sealer_keys)
            steps.append(f"seal {carried} carries the verdict: accepted")
        else:
            steps.append("in the log, verdict not shown")
    except Malformed as error:
        raise Untrusted(
            error.reason, expected=error.expected, found=error.found, where=error.where
        ) from error
    return Proven(
        event=event,
        digest=digest,
        position=receipt.position,
        ledger=registry.name,
        origin=registry.origin,
        checkpoint=checkpoint,
        accepted=accepted,
        steps=tuple(steps),
    )


def _sealers(records: Sequence[bytes], name: str) -> tuple[Registry, list[bytes]]:
    """Folds the founding record and the key records by the registry's own rules."""
    if not records:
        raise Untrusted("the receipt lacks the founding record")
    registry = Registry()
    admission = Admission(registry, {})
    keys: list[bytes] = []
    for position, data in enumerate(records):
        opened = admission.open([data])[0]
        if isinstance(opened, Exception):
            raise Untrusted(
                "a key record is not a record", where=f"sealers[{position}]"
            )
        place = Place(
            source="registry",
            ordinal=position,
            position=position,
            seal_no=0,
            sealed_at=opened.event["signed_at"],
        )
        verdict = admission.admit(data, opened, place)
        if not verdict.accepted:
            raise Untrusted(
                "a key record does not follow from the founding record",
                found=verdict.code,
                where=f"sealers[{position}]",
            )
        if position == 0:
            line = origin_line(registry.name, origin_of(opened.record["body"]))
            if line != name:
                raise Untrusted(
                    "the receipt is of another ledger", expected=name, found=line
                )
        key = registry.sealer_key()
        if key.public_key not in keys:
            keys.append(key.public_key)
    return registry, keys


def _signed_by_any(note: bytes, name: str, keys: Sequence[bytes]) -> Checkpoint:
    parse_note(note)
    for key in keys:
        try:
            return open_checkpoint(note, origin=name, public_key=key, verify=verify)
        except Untrusted:
            continue
    raise Untrusted("the checkpoint is signed by no sealer key of this ledger")


def _signed_record(receipt: Receipt, origin: bytes) -> tuple[Event, bytes]:
    record: Record = decode_canonical(RECORD_1, receipt.record)
    event: Event = decode_canonical(EVENT_1, record["body"])
    expected = bytes(16) if event["act"] == "FOUND" else origin
    if event["origin"] != expected:
        raise Untrusted("the event was made for another ledger")
    keys = {key_id(key): key for key in receipt.keys}
    if len(record["signatures"]) != len(event["signers"]) or not event["signers"]:
        raise Untrusted("signers and signatures do not match")
    for signer, signature in zip(event["signers"], record["signatures"], strict=True):
        key = keys.get(signer["key_id"])
        if key is None:
            raise Untrusted("the receipt lacks a signer's public key")
        message, batch = tbs(signer["role"], record["body"]), signature["batch"]
        if batch is None:
            holds = verify(key, message, signature["value"])
        else:
            holds = BatchVerifier(heads_max=1).verify(
                public_key=key,
                tbs=message,
                signature=BatchSignature(
                    value=signature["value"],
                    batch_id=batch["batch_id"],
                    count=batch["count"],
                    index=batch["index"],
                    path=tuple(batch["path"]),
                ),
            )
        if not holds:
            raise Untrusted("a signer's signature does not hold")
    return event, event_digest(record["body"])


def _carried(
    receipt: Receipt,
    proof: VerdictProof,
    leaf: bytes,
    name: str,
    keys: Sequence[bytes],
) -> int:
    seal: Seal = decode_seal(proof.seal)
    checkpoint = _signed_by_any(seal["checkpoint"].encode(), name, keys)
    if checkpoint.seal_digest != seal_digest(seal):
        raise Untrusted("the seal is not the one its checkpoint covers")
    for given in seal["verdicts"]:
        first, count = given["first"], given["count"]
        if first == proof.first and first <= receipt.position < first + count:
            verify_inclusion(
                leaf_hash=leaf_hash(verdict_leaf(receipt.position, leaf, ACCEPTED)),
                index=receipt.position - first,
                size=count,
                path=proof.path,
                root=given["root"],
            )
            return seal["seal_no"]
    raise Untrusted("the seal carries no verdict on this position")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member stands twice")
    return document


def _verdict(value: object) -> VerdictProof:
    if not isinstance(value, Mapping) or set(value) != {"first", "path", "seal"}:
        raise Malformed("not a verdict proof", expected="first, path, seal")
    return VerdictProof(
        first=_count(value["first"], "verdict.first"),
        path=_list(value["path"], "verdict.path"),
        seal=_bytes(value["seal"], "verdict.seal"),
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(value: object, where: str) -> bytes:
    """Canonical base64: Python's decoder alone accepts changed padding bits."""
    if not isinstance(value, str):
        raise Malformed("not base64", where=where)
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("not base64", where=where) from error
    if _b64(data) != value:
        raise Malformed("not canonical base64", where=where)
    return data


def _list(value: object, where: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > 1_000:
        raise Malformed("not a list of at most 1,000 items", where=where)
    return tuple(_bytes(item, where) for item in value)


def _count(value: object, where: str) -> int:
    if type(value) is not int or value < 0:
        raise Malformed("not a count", where=where)
    return value


__all__ = [
    "FORMAT",
    "Proven",
    "Receipt",
    "VerdictProof",
    "read_receipt",
    "verify_receipt",
    "write_receipt",
]
