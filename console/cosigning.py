"""Joint acts (联合签章) on an open ledger: proposed, looked at, renewed, submitted.

What a pending act is and proves by itself stands in ``ledger.pending``; here it meets the
registry and the chain that it would go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.acting import (
    JOINT_ROLE,
    MAIN_ROLE,
    authority_of,
    clean_event,
    demand_clean,
    draft_from_file,
    publish_and_wait,
)
from console.key_ring import DEPARTMENT, KeyRing
from console.ledger import Ledger
from ledger.admission import Admission, Place, Verdict
from ledger.envelope import ALGORITHM_SM2, encode_event
from ledger.errors import LedgerError, Malformed, Refused, Unknown
from ledger.events import Event
from ledger.events import Signer as SignerEntry
from ledger.keyring import Key
from ledger.pending import PendingAct, propose, record_of
from ledger.publish import Signed, source_of
from ledger.refusals import REFUSALS
from ledger.signing import Signer
from ledger.workdays import DAY_US, day_to_date, legal_day
from projections import store

TERM_US = 5 * DAY_US
"""How long people get unless told: a working week, inside check 7's seven days."""
MOVED = frozenset(("stale", "gap"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInRole:
    """A registered key that an event names; whoever holds it is elsewhere."""

    key: Key
    role: int

    @property
    def entry(self) -> SignerEntry:
        """What the event says of it."""
        return {
            "key_id": self.key.key_id,
            "role": self.role,
            "algorithm": ALGORITHM_SM2,
        }


def signer_at(ring: KeyRing, key: Path | None) -> Signer:
    """The signer of a key file, or of the department's own."""
    if key is None:
        return ring.signer(DEPARTMENT, purpose="act")
    return ring.signer_of(ring.open_any(key))


def propose_act(
    ledger: Ledger,
    act: str,
    text: str,
    *,
    key: Path | None,
    others: Sequence[str],
    until: int | None,
) -> PendingAct:
    """The act that ``text`` describes, naming who must sign; nobody has signed it yet.

    ``others``: authorities (USCC) or key ids, in the roles that the type asks for behind
    the main one. Raises Refused for an act that would be refused even with every
    signature: nobody's time is asked for it.
    """
    keys = [key] if key else []
    draft, kind = draft_from_file(
        ledger, act, text, authority=authority_of(ledger, keys)
    )
    proposer = signer_at(ledger.ring, key)
    main = ledger.registry().key(proposer.key_id)
    if main is None:
        raise Unknown(
            "the proposer's key is not registered",
            code="authority_not_found",
            where=str(key or ""),
        )
    roles = [*kind.signatures.get(act, (MAIN_ROLE,)), *[JOINT_ROLE] * len(others)]
    found = [main, *(key_named(ledger, name) for name in others)]
    named = [KeyInRole(key=k, role=r) for k, r in zip(found, roles, strict=False)]
    event = clean_event(ledger, draft, kind, named)
    return propose_event(ledger, event, named, proposer, until=until)


def propose_event(
    ledger: Ledger,
    event: Event,
    named: Sequence[KeyInRole],
    proposer: Signer,
    *,
    until: int | None,
) -> PendingAct:
    """Any event that several keys sign; raises Refused where it would be refused."""
    if len({one.key.key_id for one in named}) < len(named):
        raise Malformed(
            "one key is named twice",
            expected="another authority in each role",
            where="--with",
        )
    pending = propose(
        body=encode_event(event),
        keys=[one.key.public_key for one in named],
        until=event["signed_at"] + TERM_US if until is None else until,
        proposer=proposer,
    )
    demand_acceptable(ledger, pending)
    return pending


def key_named(ledger: Ledger, name: str) -> Key:
    """The active act key of an authority (USCC), or the key of this id; raises Unknown."""
    keys = [
        key
        for key in ledger.registry().keys
        if key.active and name in (key.authority, key.key_id.hex())
    ]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise Malformed(
            "this authority has several keys",
            code="several_keys",
            expected="the id of one of them",
            found=", ".join(key.key_id.hex() for key in keys),
            where="--with",
        )
    raise Unknown(
        "nobody to sign with",
        code="authority_not_found",
        expected="a registered authority with a key, or the id of a key",
        found=ascii(name)[:70],
        where="--with",
    )


def foreseen(ledger: Ledger, pending: PendingAct) -> Verdict:
    """The verdict if it were published now with every signature: checks 1 to 9, 11, 12."""
    event = pending.event
    admission = Admission(
        ledger.registry(), store.load_chains(ledger.views, [event["subject"]])
    )
    admission.take_verified([pending.opened])
    place = Place(
        source=source_of(event, ledger.partitions),
        ordinal=0,
        position=ledger.head.load().tip.tree_size,
        seal_no=0,
        sealed_at=ledger.clock(),
    )
    return admission.admit(b"", pending.opened, place)


def demand_acceptable(ledger: Ledger, pending: PendingAct) -> None:
    """Raises Refused with the code that the act would get if everybody had signed."""
    _demand_clean(ledger, pending)
    verdict = foreseen(ledger, pending)
    if verdict.accepted:
        return
    if verdict.code in MOVED:
        raise Refused(
            "the head of the chain has moved: everybody signs again",
            code=verdict.code,
            expected="`cosign renew`, which keeps who must sign",
            found=verdict.detail,
        )
    raise Refused(
        f"the ledger would refuse this act: {verdict.code}",
        code=verdict.code,
        expected=REFUSALS[verdict.code].remedy,
        found=verdict.detail,
    )


def submit(ledger: Ledger, pending: PendingAct) -> dict[str, Any]:
    """Publishes an act that everybody has signed, once, and returns its verdict.

    Raises Refused while it would be refused: nothing is published then.
    """
    event = pending.event
    done = _published(ledger, pending)
    if done is not None:
        return done
    data = record_of(pending, now=ledger.clock())
    demand_acceptable(ledger, pending)
    signed = Signed(
        data=data,
        digest=pending.digest,
        source=source_of(event, ledger.partitions),
    )
    answer = publish_and_wait(ledger, signed, event)
    if event["chain"] == "holder":
        ledger.apply_destructions()
    return answer


def _published(ledger: Ledger, pending: PendingAct) -> dict[str, Any] | None:
    """The answer of an act that is in the ledger already: whoever sends it again."""
    verdict = foreseen(ledger, pending)
    if verdict.code != "duplicate":
        return None
    event = pending.event
    key = (event["chain"], event["subject"])
    acts = store.load_chains(ledger.views, [event["subject"]])[key].acts
    return {
        "verdict": "accepted",
        "refusal": None,
        "position": acts[event["sequence"] - 1].position,
        "license_id": event["subject"],
        "sequence": event["sequence"],
        "event_digest": pending.digest.hex(),
        "detail": verdict.detail,
    }


def _demand_clean(ledger: Ledger, pending: PendingAct) -> None:
    event = pending.event
    if event["chain"] != "license":
        return
    try:
        kind = ledger.type_of(event["subject"])
    except LedgerError:
        return  # whoever judges says so
    demand_clean(event, kind, today=day_to_date(legal_day(ledger.clock())))
