"""A pending joint act (待联合签章的行为): the bytes to sign, and who has said what to them.

It lives in a file outside the log, so everything in it is proven by itself: the event's
body names its signers, each public key is what its ``key_id`` says, and proposal,
signatures and refusals are SM2 signatures. Joining copies that went separate ways is a
union: whatever the order, the outcome is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ledger.admission import SIGNED_BEFORE_US
from ledger.codec import BY_FINGERPRINT, RECORD_1, Schema, encode
from ledger.envelope import Opened, open_record
from ledger.errors import Malformed, Refused, Untrusted
from ledger.events import Event, Record, Signature
from ledger.pending_messages import proposal_message, refusal_message
from ledger.refusals import Refusal
from ledger.signing import Signer, key_id, tbs, verify
from ledger.subject_codes import clear_citizen_number
from ledger.workdays import day_to_date, instant_text, legal_day

REASON_MAX = 500
TERM_MAX_US = SIGNED_BEFORE_US
"""How long people may take: a record signed earlier is ``expired`` (check 7)."""
SIGNATURE_SIZE = 64


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Declined:
    """A named signer's refusal (拒签): when (UTC µs), why, and its signature over both."""

    at: int
    reason: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PendingAct:
    """One act that waits for its signatures; ``until`` (UTC µs) ends the waiting.

    ``keys``: the public keys (65 bytes) of the event's signers, in their order.
    ``proposal`` is the proposer's signature over the body and the term. ``signatures``
    and ``refusals`` go by key_id.
    """

    body: bytes
    keys: tuple[bytes, ...]
    until: int
    proposer: bytes
    proposal: bytes = field(repr=False)
    signatures: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    refusals: Mapping[bytes, Declined] = field(default_factory=dict)

    @cached_property
    def opened(self) -> Opened:
        """What the record will hold, opened as admission does; raises Malformed."""
        blank: Signature = {"value": bytes(SIGNATURE_SIZE), "batch": None}
        record: Record = {"body": self.body, "signatures": [blank] * len(self.keys)}
        try:
            return open_record(encode(RECORD_1, record), _Schemas())
        except Refusal as refusal:
            raise Malformed(
                "the pending act is not one that a ledger could take",
                code="bad_pending_act",
                expected="an event, and a public key for each of its signers",
                found=f"{refusal.code}: {refusal.detail}",
            ) from refusal

    @property
    def event(self) -> Event:
        """The event that waits."""
        return self.opened.event

    @property
    def digest(self) -> bytes:
        """Its event digest, 32 bytes."""
        return self.opened.digest

    @property
    def missing(self) -> tuple[bytes, ...]:
        """Key ids of named signers that have not signed, in their order."""
        named = [signer["key_id"] for signer in self.event["signers"]]
        return tuple(one for one in named if one not in self.signatures)


class _Schemas:
    """Every schema that this code knows; the ledger says later which are switched on."""

    def schema_on(self, fingerprint: bytes) -> Schema | None:
        return BY_FINGERPRINT.get(fingerprint)


def propose(
    *, body: bytes, keys: Sequence[bytes], until: int, proposer: Signer
) -> PendingAct:
    """A new pending act that nobody has signed yet; ``proposer`` is one of its signers.

    Raises Malformed for a term that is over before it begins or that outlasts check 7.
    """
    draft = PendingAct(
        body=body,
        keys=tuple(sorted(keys, key=key_id)),
        until=until,
        proposer=proposer.key_id,
        proposal=bytes(SIGNATURE_SIZE),
    )
    signed_at = draft.event["signed_at"]
    if not signed_at < until <= signed_at + TERM_MAX_US:
        raise Malformed(
            "not a term",
            code="bad_term",
            expected=f"later than {instant_text(signed_at)}, at most 7 days later",
            found=instant_text(until),
            where="--until",
        )
    message = proposal_message(draft.digest, until)
    return verified(replace(draft, proposal=proposer.sign(message)))


def verified(pending: PendingAct) -> PendingAct:
    """The same act, once everything in it is proven; raises Malformed or Untrusted.

    (1) the body is an event; (2) the keys are those that it names; (3) the proposer is
    one of them and signed body and term; (4) so did whoever signed; (5) or refused.
    """
    # Steps 1 and 2.
    roles = {signer["key_id"]: signer["role"] for signer in pending.event["signers"]}
    public = {key_id(key): key for key in pending.keys}
    if list(public) != list(roles):
        raise Untrusted(
            "a public key is not the one that the act names", code="pending_act_changed"
        )
    for one in (pending.proposer, *pending.signatures, *pending.refusals):
        if one not in public:
            raise Untrusted(
                "somebody speaks in this file whom the act does not name",
                code="pending_act_changed",
                expected="keys of its signers",
                found=f"key {one.hex()}",
            )
    # Step 3.
    message = proposal_message(pending.digest, pending.until)
    _demand(public[pending.proposer], message, pending.proposal, "the proposal")
    if pending.until > pending.event["signed_at"] + TERM_MAX_US:
        raise Untrusted(
            "the term is longer than 7 days",
            code="pending_act_changed",
            found=instant_text(pending.until),
        )
    # Step 4.
    for one, value in pending.signatures.items():
        message = tbs(roles[one], pending.body)
        _demand(public[one], message, value, f"the signature of key {one.hex()}")
    # Step 5.
    for one, said in pending.refusals.items():
        if not _reason_fits(said.reason):
            raise Untrusted(
                "a refusal gives no reason that can be shown",
                code="pending_act_changed",
            )
        message = refusal_message(pending.digest, said.at, said.reason)
        _demand(public[one], message, said.value, f"the refusal of key {one.hex()}")
    return pending


def signed_by(pending: PendingAct, signer: Signer, *, now: int) -> PendingAct:
    """The act with one more signature; raises Refused or Malformed, and nothing changed."""
    _demand_open(pending, now)
    role = _demand_silent(pending, signer.key_id)
    given = {signer.key_id: signer.sign(tbs(role, pending.body))}
    return replace(pending, signatures={**pending.signatures, **given})


def refused_by(
    pending: PendingAct, signer: Signer, *, reason: str, now: int
) -> PendingAct:
    """The act with a refusal (拒签), which ends it; ``reason`` stands there in clear."""
    _demand_open(pending, now)
    _demand_silent(pending, signer.key_id)
    if not _reason_fits(reason):
        raise Malformed(
            "a refusal gives its reason",
            code="reason_unfit",
            expected=f"1 to {REASON_MAX} printable characters",
            found=f"{len(reason)} characters",
            where="--reason",
        )
    if clear_citizen_number(reason, latest=day_to_date(legal_day(now))):
        raise Malformed(
            "the reason holds a citizen number",
            code="reason_unfit",
            expected="words without personal data: they travel in clear",
            where="--reason",
        )
    message = refusal_message(pending.digest, now, reason)
    said = Declined(at=now, reason=reason, value=signer.sign(message))
    return replace(pending, refusals={**pending.refusals, signer.key_id: said})


def merged(one: PendingAct, other: PendingAct) -> PendingAct:
    """Both copies of one act together (合并); raises Malformed for two different acts.

    Who signed twice did so with two values: the smaller one stays, in any order.
    """
    proposed = [(p.body, p.until, p.proposer, p.proposal) for p in (one, other)]
    if proposed[0] != proposed[1]:
        raise Malformed(
            "these are not copies of one pending act",
            code="pending_acts_differ",
            expected=f"event {one.digest.hex()} until {instant_text(one.until)}",
            found=f"event {other.digest.hex()} until {instant_text(other.until)}",
        )
    signatures, refusals = dict(one.signatures), dict(one.refusals)
    for key, value in other.signatures.items():
        signatures[key] = min(value, signatures.get(key, value))
    for key, said in other.refusals.items():
        refusals[key] = min(said, refusals.get(key, said))
    return replace(one, signatures=signatures, refusals=refusals)


def record_of(pending: PendingAct, *, now: int) -> bytes:
    """The finished record, every named signer's signature in its place; raises Refused."""
    _demand_open(pending, now)
    if pending.missing:
        raise Refused(
            "not everybody has signed",
            code="signatures_missing",
            expected=f"{len(pending.keys)} signatures",
            found="none of " + _listed(pending.missing),
        )
    signatures: list[Signature] = [
        {"value": pending.signatures[signer["key_id"]], "batch": None}
        for signer in pending.event["signers"]
    ]
    return encode(RECORD_1, {"body": pending.body, "signatures": signatures})


def _listed(keys: Iterable[bytes]) -> str:
    return ", ".join(f"key {key.hex()}" for key in keys)


def _reason_fits(reason: str) -> bool:
    """Words on one line: a reason is shown on terminals of others."""
    return 0 < len(reason.strip()) <= REASON_MAX and reason.isprintable()


def _demand(public_key: bytes, message: bytes, value: bytes, what: str) -> None:
    if len(value) != SIGNATURE_SIZE or not verify(public_key, message, value):
        raise Untrusted(f"{what} does not hold", code="pending_act_changed")


def _demand_open(pending: PendingAct, now: int) -> None:
    """Nobody has refused, and the term is not over."""
    for one, said in sorted(pending.refusals.items()):
        raise Refused(
            "a named signer has refused",
            code="cosigner_refused",
            expected="an act that nobody refuses: propose it anew",
            found=f"key {one.hex()}: {said.reason}",
        )
    if now > pending.until:
        raise Refused(
            "the term for signing is over",
            code="term_over",
            expected=f"by {instant_text(pending.until)}; `cosign renew` proposes anew",
            found=instant_text(now),
        )


def _demand_silent(pending: PendingAct, key: bytes) -> int:
    """The role of a named signer who has not signed yet."""
    for signer in pending.event["signers"]:
        if signer["key_id"] == key:
            if key in pending.signatures:
                raise Malformed(
                    "this key has signed already",
                    code="signed_already",
                    expected="each signer once; a signature cannot be taken back",
                    found=f"key {key.hex()}",
                )
            return signer["role"]
    raise Malformed(
        "the act does not name this key",
        code="not_a_signer",
        expected=_listed(signer["key_id"] for signer in pending.event["signers"]),
        found=f"key {key.hex()}",
    )
