"""``erase``: destroys what opens a holder's values in one license, for good (销毁).

The holder chain's DESTROY says so in the log, signed by a custodian and a supervisor;
the key store follows the log. Every digest, signature and proof stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from console.cosigning import KeyInRole, key_named, propose_event, signer_at
from console.inspection import license_row
from console.ledger import Ledger
from console.registering import verdict_document
from ledger.drafting import Position, bare_event
from ledger.errors import Malformed, Unknown
from ledger.event_ids import draw_event_ids
from ledger.events import Event, Strings
from ledger.events import Signer as SignerEntry
from ledger.pending import PendingAct
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
    pairs = [ledger.ring.open_any(path) for path in keys]
    signers = [
        RoleSigner(signer=ledger.ring.signer_of(pair), role=role)
        for pair, role in zip(pairs, (CUSTODIAN_ROLE, SUPERVISOR_ROLE), strict=True)
    ]
    event = destroy_event(
        ledger,
        name,
        holder=holder,
        authority=pairs[0].authority,
        signers=[one.entry for one in signers],
    )
    signed = sign(event, signers, partitions=ledger.partitions)
    verdict = ledger.await_verdict(ledger.publish([signed])[0])
    if verdict.verdict == "accepted":
        ledger.apply_destructions()
    return {**verdict_document(verdict), "license_id": destroyed_license(event)}


def propose_erasure(
    ledger: Ledger,
    name: str,
    *,
    holder: int,
    key: Path | None,
    supervisor: str,
    until: int | None,
) -> PendingAct:
    """A pending DESTROY of a custodian that a supervisor elsewhere must sign too."""
    custodian = signer_at(ledger.ring, key)
    named = [
        KeyInRole(key=found, role=role)
        for found, role in (
            (key_named(ledger, custodian.key_id.hex()), CUSTODIAN_ROLE),
            (key_named(ledger, supervisor), SUPERVISOR_ROLE),
        )
    ]
    event = destroy_event(
        ledger,
        name,
        holder=holder,
        authority=named[0].key.authority,
        signers=[one.entry for one in named],
    )
    return propose_event(ledger, event, named, custodian, until=until)


def destroy_event(
    ledger: Ledger,
    name: str,
    *,
    holder: int,
    authority: str,
    signers: Sequence[SignerEntry],
) -> Event:
    """DESTROY for one holder of one license, as the next of the holder's chain."""
    row = license_row(ledger, name)
    holders = row.folded.holders
    if not 0 <= holder < len(holders):
        raise Unknown(
            "no such holder",
            code="holder_not_found",
            expected=f"0 to {len(holders) - 1}",
            found=str(holder),
        )
    ref = holders[holder][1].hex()
    sequence, previous = chain.head_of(ledger.views, "holder", ref)
    now = ledger.clock()
    return bare_event(
        chain="holder",
        subject=ref,
        act="DESTROY",
        origin=ledger.origin,
        event_id=draw_event_ids(1, now_us=now, random_bytes=ledger.random_bytes)[0],
        position=Position(sequence=sequence + 1, previous=previous),
        authority=authority,
        effective_at=now,
        signed_at=now,
        fields={"license_ids": {"strings": [row.license_id]}},
        signers=signers,
    )


def destroyed_license(event: Event) -> str:
    """The license that such an event is about."""
    [field] = event["fields"]
    return cast("Strings", field["value"])["strings"][0]
