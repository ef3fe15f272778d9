"""From a step of the story to the record that is published, spoiled where it says so."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from console.demo.desk import DemoDesk
from console.demo.steps import Again, Office, Plain, Spoil, Step
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.codec import RECORD_1, decode_canonical, encode
from ledger.drafting import (
    Draft,
    DraftKeys,
    Position,
    bare_event,
    draft_event,
    public_code,
)
from ledger.event_ids import draw_event_ids
from ledger.events import ZERO_DIGEST, Event, Holder, Record, Value
from ledger.identifiers import parse_license_id
from ledger.keyring import possession_message
from ledger.log.key_store import KeyRequest
from ledger.next_position import next_position
from ledger.publish import RoleSigner, Signed, sign, sign_together
from ledger.registry_fields import registry_fields_key
from ledger.signing import Signer, SoftwareSigner, generate, tbs
from ledger.sources import events_source
from ledger.workdays import DAY_US

OLD_DAYS = 9


@dataclass(slots=True, kw_only=True)
class Workshop:
    """Drafts and signs for the whole province.

    ``hands``: each office's key and USCC by its handle. ``sent``: what the story's
    labels came to.
    """

    desk: DemoDesk
    hands: dict[str, tuple[Signer, str]] = field(default_factory=dict)
    sent: dict[str, Signed] = field(default_factory=dict)
    _stranger: Signer = field(
        default_factory=lambda: SoftwareSigner(*generate(secrets.token_bytes))
    )
    _types: dict[str, LicenseType] = field(default_factory=dict)

    def records(self, steps: Sequence[Step]) -> list[Signed]:
        """The records of steps on distinct subjects; stock steps share a signature."""
        made: dict[str, Signed] = {}
        stock: dict[tuple[tuple[str, int], ...], list[tuple[str, Event]]] = {}
        for step in steps:
            if isinstance(step.what, Again):
                made[step.label] = self.sent[step.what.label]
            elif step.stock:
                event = self._event(step, step.what)
                stock.setdefault(step.by, []).append((step.label, event))
            else:
                made[step.label] = self._signed(step, self._event(step, step.what))
        for by, together in stock.items():
            records = sign_together(
                [event for _, event in together],
                self._signers(by),
                batch_ids=[secrets.token_bytes(16) for _ in by],
                partitions=self.desk.partitions,
            )
            made.update(zip((label for label, _ in together), records, strict=True))
        self.sent.update(made)
        return [made[step.label] for step in steps]

    # --- events ------------------------------------------------------------------

    def _event(self, step: Step, what: Draft | Plain) -> Event:
        if isinstance(what, Draft):
            event = self._license_event(step, what)
        else:
            event = self._plain_event(step, what)
        match step.spoil:
            case Spoil.OLD:
                event["signed_at"] -= OLD_DAYS * DAY_US
            case Spoil.FOREIGN:
                event["origin"] = bytes(reversed(event["origin"]))
            case Spoil.RETYPED:
                event["type_version"] += 1
            case _:
                pass
        return event

    def _license_event(self, step: Step, draft: Draft) -> Event:
        desk = self.desk
        state = desk.chain("license", draft.license_id)
        holders = self._holders(draft, state)
        refs = tuple(holder["ref"] for holder in holders)
        request = KeyRequest(license_id=draft.license_id, holder_refs=refs)
        keys = desk.keys.issue([request])[0]
        causes = tuple(self.sent[label].digest for label in step.names)
        draft = replace(draft, causes=causes + draft.causes)
        return draft_event(
            draft,
            origin=desk.origin,
            kind=self._kind(parse_license_id(draft.license_id).type_code),
            position=_spoilt(step.spoil, next_position(draft, state), state),
            keys=DraftKeys(
                event_id=keys.event_id, holders=holders, event_keys=keys.event_keys
            ),
            signed_at=desk.now(),
            signers=[one.entry for one in self._named(step)],
            random_bytes=secrets.token_bytes,
        )

    def _plain_event(self, step: Step, what: Plain) -> Event:
        subject, fields = self._plain(what)
        desk, now = self.desk, self.desk.now()
        (event_id,) = draw_event_ids(1, now_us=now, random_bytes=secrets.token_bytes)
        return bare_event(
            chain=what.chain,
            subject=subject,
            act=what.act,
            origin=desk.origin,
            event_id=event_id,
            position=_next(desk.chain(what.chain, subject)),
            authority=self.hands[step.by[0][0]][1],
            effective_at=now,
            signed_at=now,
            fields=fields,
            signers=[one.entry for one in self._named(step)],
        )

    def _plain(self, what: Plain) -> tuple[str, Mapping[str, Value]]:
        """Subject and fields, with the names of keys and holders filled in."""
        if what.holder is not None:
            pair = (what.holder.kind, what.holder.code)
            return self.desk.keys.holder_refs([pair])[0].hex(), what.fields
        if what.key_of is None:
            return what.subject, what.fields
        if what.act != "ADD":
            signer, _ = self.hands[what.key_of.handle]
            return f"key:{signer.key_id.hex()}", what.fields
        return self._enrolled(what.key_of)

    def _enrolled(self, office: Office) -> tuple[str, Mapping[str, Value]]:
        """Draws an office's key; the ADD that registers it proves possession."""
        signer = self.desk.draw_key(office.handle, authority=office.uscc)
        self.hands[office.handle] = (signer, office.uscc)
        fields = registry_fields_key(
            public_key=signer.public_key,
            purpose="act",
            authority=office.uscc,
            possession=signer.sign(
                possession_message(self.desk.origin, office.uscc, "act")
            ),
        )
        return f"key:{signer.key_id.hex()}", {f["name"]: f["value"] for f in fields}

    def _holders(self, draft: Draft, state: ChainState) -> tuple[Holder, ...]:
        if draft.holders is None:
            kept = state.license.holders if state.license is not None else ()
            return tuple({"kind": k, "ref": r, "code": c} for k, r, c in kept)
        refs = self.desk.keys.holder_refs([(h.kind, h.code) for h in draft.holders])
        return tuple(
            {
                "kind": holder.kind,
                "ref": ref,
                "code": public_code(holder.kind, holder.code),
            }
            for holder, ref in zip(draft.holders, refs, strict=True)
        )

    def _kind(self, code: str) -> LicenseType:
        if code not in self._types:
            self._types[code] = self.desk.license_type(code)
        return self._types[code]

    # --- signatures --------------------------------------------------------------

    def _signers(self, by: Sequence[tuple[str, int]]) -> list[RoleSigner]:
        return [RoleSigner(signer=self.hands[who][0], role=role) for who, role in by]

    def _named(self, step: Step) -> list[RoleSigner]:
        """The keys that the event names."""
        if step.spoil is Spoil.STRANGER:
            return [RoleSigner(signer=self._stranger)]
        return self._signers(step.by)

    def _signed(self, step: Step, event: Event) -> Signed:
        signed = sign(event, self._named(step), partitions=self.desk.partitions)
        match step.spoil:
            case Spoil.FLIPPED:
                return _flipped(signed)
            case Spoil.FORGED:
                return self._forged(signed)
            case Spoil.MISROUTED:
                other = (
                    int(signed.source.rpartition("-")[2]) + 1
                ) % self.desk.partitions
                return replace(signed, source=events_source(other))
            case Spoil.UNREADABLE:
                data = signed.data
                return replace(signed, data=data[:2] + bytes(8) + data[10:])
            case Spoil.TRUNCATED:
                return replace(signed, data=signed.data[:-7])
            case _:
                return signed

    def _forged(self, signed: Signed) -> Signed:
        """The event still names the office's key; a stranger's hand signed it."""
        record: Record = decode_canonical(RECORD_1, signed.data)
        value = self._stranger.sign(tbs(1, record["body"]))
        return _resigned(signed, value)


def _resigned(signed: Signed, value: bytes) -> Signed:
    """The same body under another first signature."""
    record: Record = decode_canonical(RECORD_1, signed.data)
    record["signatures"][0]["value"] = value
    return replace(signed, data=encode(RECORD_1, record))


def _flipped(signed: Signed) -> Signed:
    record: Record = decode_canonical(RECORD_1, signed.data)
    value = record["signatures"][0]["value"]
    return _resigned(signed, value[:-1] + bytes((value[-1] ^ 1,)))


def _next(state: ChainState) -> Position:
    """The next place of a chain that has no versions."""
    if not state.acts:
        return Position()
    return Position(sequence=len(state.acts) + 1, previous=state.acts[-1].digest)


def _spoilt(spoil: Spoil, at: Position, state: ChainState) -> Position:
    """The next place of a chain, or one that is taken, or one too far on."""
    match spoil:
        case Spoil.STALE:
            former = state.acts[-2].digest if len(state.acts) > 1 else ZERO_DIGEST
            return replace(at, sequence=at.sequence - 1, previous=former)
        case Spoil.GAP:
            return replace(at, sequence=at.sequence + 1)
        case _:
            return at
