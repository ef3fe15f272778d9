"""``erase``: destroys what opens a holder's values in one license, for good (销毁).

The holder chain's DESTROY says so in the log, signed by a custodian and a supervisor;
the key store follows the log. Every digest, signature and proof stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from console.inspection import license_row
from console.ledger import Ledger
from console.registering import verdict_document
from ledger.drafting import Position, bare_event
from ledger.errors import Malformed, Unknown
from ledger.event_ids import draw_event_ids
from ledger.publish import RoleSigner, sign
from projections import chain

CUSTODIAN_ROLE, SUPERVISOR_ROLE = 1, 3


def erase(
    ledger: Ledger, name: str, *, holder: int, keys: Sequence[Path]
) -> dict[str, Any]:
    """Publishes DESTROY for one holder of one license and returns its verdict."""
    if len(keys) != 2:
        raise Malformed(
            "erasing takes two keys",
            code="keys_missing",
            expected="--key of the custodian, then --key of the supervisor",
            found=f"{len(keys)} keys",
        )
    row = license_row(ledger, name)
    holders = row.folded.holders
    if not 0 <= holder < len(holders):
        raise Unknown(
            "no such holder",
            code="holder_not_found",
            expected=f"0 to {len(holders) - 1}",
            found=str(holder),
        )
    ref = holders[holder][1]
    pairs = [ledger.ring.open_any(path) for path in keys]
    signers = [
        RoleSigner(signer=ledger.ring.signer_of(pair), role=role)
        for pair, role in zip(pairs, (CUSTODIAN_ROLE, SUPERVISOR_ROLE), strict=True)
    ]
    sequence, previous = chain.head_of(ledger.views, "holder", ref.hex())
    now = ledger.clock()
    event = bare_event(
        chain="holder",
        subject=ref.hex(),
        act="DESTROY",
        origin=ledger.origin,
        event_id=draw_event_ids(1, now_us=now, random_bytes=ledger.random_bytes)[0],
        position=Position(sequence=sequence + 1, previous=previous),
        authority=pairs[0].authority,
        effective_at=now,
        signed_at=now,
        fields={"license_ids": {"strings": [row.license_id]}},
        signers=[one.entry for one in signers],
    )
    signed = sign(event, signers, partitions=ledger.partitions)
    verdict = ledger.await_verdict(ledger.publish([signed])[0])
    if verdict.verdict == "accepted":
        # Opening the key store applies it now; a crash before this line changes
        # nothing: the next opening does.
        ledger.after_projection()
        ledger.key_store  # noqa: B018 - opened for its effect
    return {**verdict_document(verdict), "license_id": row.license_id}
