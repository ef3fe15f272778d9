"""Receipts (回执): the proof for one event, checked with public keys alone.

A receipt says up to two things, each with its own proof: the record is in the log, and
the verdict on it was "accepted". Numbered steps in the manner of a client that trusts
nothing but the ledger's verifier key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ledger.admission import Admission, Place
from ledger.checkpoint import Checkpoint, open_checkpoint, origin_line
from ledger.codec import BY_FINGERPRINT, Schema
from ledger.envelope import open_record, origin_of, record_leaf
from ledger.errors import Malformed, Untrusted
from ledger.events import ZERO_ORIGIN, Event, Seal
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.note import parse_note
from ledger.receipt_file import (
    FORMAT,
    Receipt,
    VerdictProof,
    read_receipt,
    write_receipt,
)
from ledger.refusals import ACCEPTED, Refusal
from ledger.registry import Registry
from ledger.registry_state import LEDGER
from ledger.seal import decode_seal, seal_digest, verdict_leaf
from ledger.signature_check import signature_holds
from ledger.signing import BatchVerifier, key_id, verify


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
    with _as_proof():
        # 1, 2.
        registry, sealer_keys = _sealers(receipt.sealers, name)
        steps.append("the founding record names this ledger")
        if public_key is not None and public_key not in sealer_keys:
            raise Untrusted(
                "the given key is not a sealer key of this ledger",
                code="another_ledger",
            )
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
        event, digest = _signed_record(receipt, registry)
        steps.append(f"{len(event['signers'])} signatures hold")
        # 6, 7.
        accepted = receipt.verdict is not None
        if receipt.verdict is not None:
            carried = _carried(receipt, receipt.verdict, leaf, name, sealer_keys)
            steps.append(f"seal {carried} carries the verdict: accepted")
        else:
            steps.append("in the log, verdict not shown")
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


@contextmanager
def _as_proof() -> Iterator[None]:
    """A proof that is out of form proves nothing: Malformed becomes Untrusted."""
    try:
        yield
    except Malformed as error:
        raise Untrusted(
            error.reason,
            code="proof_does_not_hold",
            expected=error.expected,
            found=error.found,
            where=error.where,
        ) from error


def _sealers(records: Sequence[bytes], name: str) -> tuple[Registry, list[bytes]]:
    """Folds the founding record and the key records by the registry's own rules."""
    if not records:
        raise Untrusted(
            "the receipt lacks the founding record", code="proof_does_not_hold"
        )
    registry = Registry()
    admission = Admission(registry, {})
    keys: list[bytes] = []
    for position, data in enumerate(records):
        opened = admission.open([data])[0]
        if isinstance(opened, Refusal) or not _about_keys(opened.event):
            raise Untrusted(
                "not a key record",
                code="proof_does_not_hold",
                where=f"sealers[{position}]",
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
                code="proof_does_not_hold",
                found=verdict.code,
                where=f"sealers[{position}]",
            )
        if position == 0:
            line = origin_line(registry.name, origin_of(opened.record["body"]))
            if line != name:
                raise Untrusted(
                    "the receipt is of another ledger",
                    code="another_ledger",
                    expected=name,
                    found=line,
                )
        key = registry.sealer_key()
        if key.public_key not in keys:
            keys.append(key.public_key)
    # What a stolen key signs may carry any date: once reported, it proves nothing here,
    # and a new receipt under a later checkpoint is to be had.
    return registry, [key for key in keys if not _compromised(registry, key)]


def _compromised(registry: Registry, public_key: bytes) -> bool:
    key = registry.key(key_id(public_key))
    return key is not None and key.compromised_since is not None


def _about_keys(event: Event) -> bool:
    """Whether it is the founding record or one on a key: the others have no say here."""
    return event["chain"] == "registry" and event["subject"].startswith(
        (LEDGER, "key:")
    )


def _signed_by_any(note: bytes, name: str, keys: Sequence[bytes]) -> Checkpoint:
    parse_note(note)
    for key in keys:
        try:
            return open_checkpoint(note, origin=name, public_key=key, verify=verify)
        except Untrusted:
            continue
    raise Untrusted(
        "the checkpoint is signed by no sealer key of this ledger",
        code="proof_does_not_hold",
    )


def _signed_record(receipt: Receipt, registry: Registry) -> tuple[Event, bytes]:
    try:
        opened = open_record(receipt.record, _KnownSchemas())
    except Refusal as refusal:
        raise Untrusted(
            "the record holds no event", code="proof_does_not_hold", found=refusal.code
        ) from refusal
    record, event = opened.record, opened.event
    founding = registry.chain(LEDGER)[0].digest == opened.digest
    if event["origin"] != (ZERO_ORIGIN if founding else registry.origin):
        raise Untrusted("the event was made for another ledger", code="another_ledger")
    if [key_id(k) for k in receipt.keys] != [s["key_id"] for s in event["signers"]]:
        raise Untrusted(
            "the receipt's public keys are not those of the signers",
            code="proof_does_not_hold",
        )
    for key, signer, signature in zip(
        receipt.keys, event["signers"], record["signatures"], strict=True
    ):
        holds = signature_holds(
            signature,
            public_key=key,
            role=signer["role"],
            body=record["body"],
            batches=BatchVerifier(heads_max=1),
        )
        if not holds:
            raise Untrusted(
                "a signer's signature does not hold", code="proof_does_not_hold"
            )
    return event, opened.digest


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
        raise Untrusted(
            "the seal is not the one its checkpoint covers", code="proof_does_not_hold"
        )
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
    raise Untrusted(
        "the seal carries no verdict on this position", code="proof_does_not_hold"
    )


class _KnownSchemas:
    """Reads whatever this code can read: the verdict says what was switched on."""

    def schema_on(self, fingerprint: bytes) -> Schema | None:
        return BY_FINGERPRINT.get(fingerprint)


__all__ = [
    "FORMAT",
    "Proven",
    "Receipt",
    "VerdictProof",
    "read_receipt",
    "verify_receipt",
    "write_receipt",
]
