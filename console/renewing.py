"""``cosign renew``: a pending act on the head that its chain has now, signed by nobody yet.

Values stay encrypted as they are: encryption is bound to the event's id and the field's
name, not to the place in the chain (docs/adr/0006).
"""

from __future__ import annotations

from console.cosigning import TERM_US, demand_acceptable
from console.ledger import Ledger
from ledger.drafting import Draft
from ledger.encryption import encrypted_shape_ok, holder_index_of
from ledger.envelope import encode_event
from ledger.errors import Malformed, Refused
from ledger.events import Event
from ledger.license_identifiers import certificate_identifier
from ledger.next_position import next_position
from ledger.pending import PendingAct, propose
from ledger.signing import Signer

IDENTIFIER = "certificate_identifier"


def renew(
    ledger: Ledger, pending: PendingAct, proposer: Signer, *, until: int | None
) -> PendingAct:
    """The same act on the chain's present head, by the same signers, signed by nobody.

    Values stay encrypted as they are. Raises Refused where it would be refused now too.
    """
    event = _rebased(ledger, pending.event)
    if proposer.key_id not in [one["key_id"] for one in event["signers"]]:
        raise Malformed(
            "the act does not name this key",
            code="not_a_signer",
            expected="the key of one of its signers",
            found=f"key {proposer.key_id.hex()}",
        )
    renewed = propose(
        body=encode_event(event),
        keys=pending.keys,
        until=event["signed_at"] + TERM_US if until is None else until,
        proposer=proposer,
    )
    demand_acceptable(ledger, renewed)
    return renewed


def _rebased(ledger: Ledger, before: Event) -> Event:
    if before["chain"] != "license":
        raise Malformed(
            "only acts on licenses are renewed",
            expected="one proposed by `cosign new`",
            found=before["chain"],
        )
    kind = ledger.type_of(before["subject"])
    fields = {
        f["name"]: f["value"] for f in before["fields"] if f["name"] != IDENTIFIER
    }
    _demand_keys(ledger, before)
    draft = Draft(
        act=before["act"],
        license_id=before["subject"],
        effective_at=before["effective_at"],
        authority=before["authority"],
        causes=tuple(before["causes"]),
        fields=fields,
    )
    at = next_position(draft, ledger.chain_of(before["subject"]))
    if at.version:
        fields[IDENTIFIER] = certificate_identifier(before["subject"], at.version)
    now = ledger.clock()
    event = before.copy()
    event["sequence"], event["previous"] = at.sequence, at.previous
    event["type_version"], event["signed_at"] = kind.version, now
    event["fields"] = [{"name": n, "value": v} for n, v in sorted(fields.items())]
    if event["effective_precision"] == "unknown":
        event["effective_at"] = now
    return event


def _demand_keys(ledger: Ledger, event: Event) -> None:
    """A value that nobody can open any more is not published once again."""
    values = [field["value"] for field in event["fields"]]
    if event["decision"] is not None:
        values.append(event["decision"]["reason"])
    refs = {
        event["holders"][holder_index_of(value)]["ref"]
        for value in values
        if isinstance(value, bytes) and encrypted_shape_ok(value, len(event["holders"]))
    }
    asked = [(ref, event["subject"], event["event_id"]) for ref in sorted(refs)]
    if None in ledger.key_store.event_keys(asked):
        raise Refused(
            "the key of an encrypted value was destroyed",
            code="key_destroyed",
            expected="the act proposed anew",
        )
