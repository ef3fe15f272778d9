"""Receipts: made from an open ledger, and what verifying one comes to (核验)."""

from __future__ import annotations

from typing import Any

from console.inspection import (
    compromised_keys,
    in_doubt,
    license_row,
    state_words,
)
from console.ledger import Ledger
from ledger.errors import Unknown, Untrusted
from ledger.license import STATE_ZH, State
from ledger.lifecycle import shown_state
from ledger.note import parse_vkey
from ledger.receipt import Proven, verify_receipt
from ledger.receipt_file import Receipt, VerdictProof, read_receipt, write_receipt
from ledger.refusals import ACCEPTED
from ledger.seal import decode_seal, verdict_path
from ledger.sources import REGISTRY
from ledger.tiles import inclusion_path, inclusion_tiles
from ledger.workdays import instant_text, legal_day
from projections import audit_trail, registry, timeline
from projections.audit_trail import AuditRow


def make_receipt(ledger: Ledger, name: str, *, sequence: int | None) -> bytes:
    """The receipt of a license's accepted event, the last one unless told; raises Unknown."""
    license_id = license_row(ledger, name).license_id
    trail = [
        row
        for row in audit_trail.audit_of(ledger.views, license_id)
        if row.verdict == ACCEPTED and row.chain == "license"
    ]
    chosen = [row for row in trail if sequence is None or row.sequence == sequence]
    if not chosen:
        raise Unknown(
            "no such event of this license",
            code="event_not_found",
            expected=f"a sequence from 1 to {len(trail)}",
            found=str(sequence),
        )
    return write_receipt(receipt_of(ledger, chosen[-1]))


def receipt_of(ledger: Ledger, row: AuditRow) -> Receipt:
    """The receipt of one audit row: inclusion, and the sealed verdict when there is one."""
    data = ledger.log.read(row.source, row.ordinal, limit=1, size_max=1)[0]
    seal = ledger.head.seal_bytes(row.seal_no)
    if seal is None:
        raise Untrusted(
            "a seal is missing", code="proof_does_not_hold", where=f"seal {row.seal_no}"
        )
    covering = decode_seal(seal)
    registry_now = ledger.registry()
    keys: list[bytes] = []
    event_signers = row.signers or []
    for key_id in event_signers:
        key = registry_now.key(bytes.fromhex(key_id))
        if key is not None:
            keys.append(key.public_key)
    place, size = row.position, covering["tree_size"]
    tiles = ledger.head.tiles_at(inclusion_tiles(place, size))
    return Receipt(
        record=data,
        position=row.position,
        path=tuple(inclusion_path(place, size, tiles)),
        checkpoint=covering["checkpoint"].encode(),
        verdict=_verdict(ledger, row),
        keys=tuple(keys),
        sealers=key_records(ledger),
    )


def key_records(ledger: Ledger) -> tuple[bytes, ...]:
    """The founding record and every later accepted record on root and sealer keys."""
    found: list[bytes] = []
    for position in registry.key_positions(ledger.views):
        row = audit_trail.verdict_at(ledger.views, position)
        if row is not None:
            found += ledger.log.read(REGISTRY, row.ordinal, limit=1, size_max=1)
    return tuple(found)


def _verdict(ledger: Ledger, row: AuditRow) -> VerdictProof | None:
    carried = ledger.head.carried_by(row.seal_no, row.source, row.position)
    if row.verdict != ACCEPTED or carried is None or carried.seal_no is None:
        return None
    seal = ledger.head.seal_bytes(carried.seal_no)
    if seal is None:
        return None
    first, count = carried.verdict["first"], carried.verdict["count"]
    entries = audit_trail.verdicts_between(ledger.views, first, first + count)
    return VerdictProof(
        first=first, path=tuple(verdict_path(entries, row.position)), seal=seal
    )


def verify_with_key(data: bytes, key: str) -> dict[str, Any]:
    """Verifies a receipt by a verifier key alone: at best "cannot tell" what came later."""
    name, public_key = parse_vkey(key)
    proven = verify_receipt(read_receipt(data), name=name, public_key=public_key)
    text = (
        "the event is in the log and was accepted 已入账并被接受"
        if proven.accepted
        else "the event is in the log, its verdict is not shown 已入账，结论未示"
    )
    return _answer(
        proven,
        "cannot_tell",
        f"{text}; whether it still holds cannot be told offline 离线无法判断后续变化",
    )


def verify_with_ledger(data: bytes, ledger: Ledger) -> dict[str, Any]:
    """Verifies a receipt and asks the ledger how the license stands now."""
    proven = verify_receipt(read_receipt(data), name=ledger.origin_line)
    event = proven.event
    own = ledger.head.tip(proven.checkpoint.seal_no)
    if own is None or own.digest != proven.checkpoint.seal_digest:
        raise Untrusted(
            "the receipt's checkpoint is not one that this ledger published",
            code="proof_does_not_hold",
            where=f"seal {proven.checkpoint.seal_no}",
        )
    row = audit_trail.verdict_at(ledger.views, proven.position)
    if row is None or row.digest != proven.digest:
        raise Untrusted(
            "the ledger has another record at this position",
            code="proof_does_not_hold",
            where=f"position {proven.position}",
        )
    if row.verdict != ACCEPTED:
        raise Untrusted(
            "the ledger refused this event",
            code="proof_does_not_hold",
            found=row.verdict,
        )
    if event["chain"] != "license":
        return _answer(proven, "valid", "accepted; it is about no license 非证照事件")
    current = license_row(ledger, event["subject"])
    folded = current.folded
    state = shown_state(folded, legal_day(ledger.clock()))
    words = state_words(state, folded.after)
    stands = _version_of(ledger, event["subject"], proven.position)
    answer = _answer(proven, *_judged(state, words, stands, folded.version))
    if in_doubt(row, compromised_keys(ledger)):
        answer["explanation"] += (
            "; a key that signed it is reported as compromised 签名密钥已报告泄露"
        )
    answer["state"], answer["state_zh"] = state.value, words
    answer["version"], answer["current_version"] = stands, folded.version
    return answer


def _judged(state: State, words: str, version: int, current: int) -> tuple[str, str]:
    if state is not State.VALID:
        return "revoked", f"the license is {state.value} {words}"
    if version != current:
        return (
            "superseded",
            f"the license is {STATE_ZH[state]} but version {version:03} was replaced by "
            f"{current:03} 已被新版本取代",
        )
    return "valid", f"the license is {state.value} {words}, this version is current"


def _version_of(ledger: Ledger, license_id: str, position: int) -> int:
    """The version that was current once this event was accepted."""
    for line in timeline.timeline_of(ledger.views, license_id):
        if line.position == position:
            return line.version
    raise Unknown(
        "no such event of this license",
        code="event_not_found",
        where=f"position {position}",
    )


def _answer(proven: Proven, result: str, explanation: str) -> dict[str, Any]:
    event = proven.event
    return {
        "result": result,
        "explanation": explanation,
        "accepted": proven.accepted,
        "ledger": proven.ledger,
        "license_id": event["subject"],
        "act": event["act"],
        "sequence": event["sequence"],
        "position": proven.position,
        "event_digest": proven.digest.hex(),
        "effective_at": instant_text(event["effective_at"]),
        "sealed_at": instant_text(proven.checkpoint.sealed_at),
        "tree_size": proven.checkpoint.size,
        "steps": list(proven.steps),
    }
