"""From a step of the story to the record that is published, spoiled where it says so."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from console.demo.desk import DemoDesk
from console.demo.spoiling import spoil_event, spoilt_place, spoilt_record
from console.demo.steps import Again, Office, Plain, Spoil, Step
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.drafting import (
    Draft,
    DraftKeys,
    HolderDraft,
    Position,
    bare_event,
    draft_event,
    public_code,
)
from ledger.event_ids import draw_event_ids
from ledger.events import Event, Holder, Value
from ledger.identifiers import parse_license_id
from ledger.keyring import possession_message
from ledger.log.key_store import IssuedKeys, KeyRequest
from ledger.next_position import next_position
from ledger.publish import RoleSigner, Signed, sign, sign_together
from ledger.registry_fields import registry_fields_key
from ledger.signing import Signer, SoftwareSigner, generate


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
        """The records of steps on distinct subjects, some under shared signatures."""
        made: dict[str, Signed] = {}
        shared: dict[tuple[tuple[str, int], ...], list[tuple[str, Event]]] = {}
        for step, event in self._events(steps):
            if step.together:
                shared.setdefault(step.by, []).append((step.label, event))
            else:
                made[step.label] = self._signed(step, event)
        for by, together in shared.items():
            records = sign_together(
                [event for _, event in together],
                self._signers(by),
                batch_ids=[secrets.token_bytes(16) for _ in by],
                partitions=self.desk.partitions,
            )
            made.update(zip((label for label, _ in together), records, strict=True))
        for step in steps:
            if isinstance(step.what, Again):
                made[step.label] = self.sent[step.what.label]
        self.sent.update(made)
        return [made[step.label] for step in steps]

    # --- events ------------------------------------------------------------------

    def _events(self, steps: Sequence[Step]) -> list[tuple[Step, Event]]:
        """Steps with their events; chains, holders and keys are asked for at once."""
        licenses = [(s, s.what) for s in steps if isinstance(s.what, Draft)]
        made = {
            step.label: event
            for (step, _), event in zip(
                licenses, self._license_events(licenses), strict=True
            )
        }
        plain = [(s, s.what) for s in steps if isinstance(s.what, Plain)]
        for (step, _), event in zip(plain, self._plain_events(plain), strict=True):
            made[step.label] = event
        for step in steps:
            if step.label in made:
                spoil_event(step.spoil, made[step.label])
        return [(step, made[step.label]) for step in steps if step.label in made]

    def _license_events(self, given: Sequence[tuple[Step, Draft]]) -> list[Event]:
        states = self.desk.chains("license", [draft.license_id for _, draft in given])
        of = [states.get(draft.license_id) or ChainState() for _, draft in given]
        drafts = [draft for _, draft in given]
        holders = self._holders(drafts, of)
        issued = self.desk.keys.issue(
            [
                KeyRequest(
                    license_id=draft.license_id,
                    holder_refs=tuple(holder["ref"] for holder in held),
                )
                for draft, held in zip(drafts, holders, strict=True)
            ]
        )
        return [
            self._license_event(step, draft, state, held, keys)
            for (step, draft), state, held, keys in zip(
                given, of, holders, issued, strict=True
            )
        ]

    def _license_event(
        self,
        step: Step,
        draft: Draft,
        state: ChainState,
        holders: tuple[Holder, ...],
        keys: IssuedKeys,
    ) -> Event:
        desk = self.desk
        causes = tuple(self.sent[label].digest for label in step.names)
        return draft_event(
            replace(draft, causes=causes + draft.causes),
            origin=desk.origin,
            kind=self._kind(parse_license_id(draft.license_id).type_code),
            position=spoilt_place(step.spoil, next_position(draft, state), state),
            keys=DraftKeys(
                event_id=keys.event_id, holders=holders, event_keys=keys.event_keys
            ),
            signed_at=desk.now(),
            signers=[one.entry for one in self._named(step)],
            random_bytes=secrets.token_bytes,
        )

    def _plain_events(self, given: Sequence[tuple[Step, Plain]]) -> list[Event]:
        self._enrol([what.key_of for _, what in given if what.act == "ADD"])
        named = [self._plain(what) for _, what in given]
        states: dict[tuple[str, str], ChainState] = {}
        for chain in {what.chain for _, what in given}:
            subjects = [
                subject
                for (_, what), (subject, _) in zip(given, named, strict=True)
                if what.chain == chain
            ]
            for subject, state in self.desk.chains(chain, subjects).items():
                states[chain, subject] = state
        return [
            self._plain_event(step, what, subject, fields, states)
            for (step, what), (subject, fields) in zip(given, named, strict=True)
        ]

    def _plain_event(
        self,
        step: Step,
        what: Plain,
        subject: str,
        fields: Mapping[str, Value],
        states: Mapping[tuple[str, str], ChainState],
    ) -> Event:
        desk, now = self.desk, self.desk.now()
        (event_id,) = draw_event_ids(1, now_us=now, random_bytes=secrets.token_bytes)
        return bare_event(
            chain=what.chain,
            subject=subject,
            act=what.act,
            origin=desk.origin,
            event_id=event_id,
            position=_next(states.get((what.chain, subject)) or ChainState()),
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

    def _enrol(self, offices: Iterable[Office | None]) -> None:
        """Draws the keys of these offices, all at once: each takes a while."""
        new = [one for one in offices if one is not None]
        drawn = self.desk.draw_keys([(one.handle, one.uscc) for one in new])
        for office, signer in zip(new, drawn, strict=True):
            self.hands[office.handle] = (signer, office.uscc)

    def _enrolled(self, office: Office) -> tuple[str, Mapping[str, Value]]:
        """The ADD that registers an office's key proves possession."""
        signer, _ = self.hands[office.handle]
        message = possession_message(self.desk.origin, office.uscc, "act")
        fields = registry_fields_key(
            public_key=signer.public_key,
            purpose="act",
            authority=office.uscc,
            possession=signer.sign(message),
        )
        return f"key:{signer.key_id.hex()}", {f["name"]: f["value"] for f in fields}

    def _holders(
        self, drafts: Sequence[Draft], states: Sequence[ChainState]
    ) -> list[tuple[Holder, ...]]:
        """The holders that each draft names, else those that its chain has."""
        codes = sorted({(h.kind, h.code) for d in drafts for h in d.holders or ()})
        refs = dict(zip(codes, self.desk.keys.holder_refs(codes), strict=True))
        return [
            _kept(state) if draft.holders is None else _told(draft.holders, refs)
            for draft, state in zip(drafts, states, strict=True)
        ]

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
        desk = self.desk
        signed = sign(event, self._named(step), partitions=desk.partitions)
        return spoilt_record(
            step.spoil, signed, stranger=self._stranger, partitions=desk.partitions
        )


def _kept(state: ChainState) -> tuple[Holder, ...]:
    kept = state.license.holders if state.license is not None else ()
    return tuple({"kind": k, "ref": r, "code": c} for k, r, c in kept)


def _told(
    holders: Sequence[HolderDraft], refs: Mapping[tuple[str, str], bytes]
) -> tuple[Holder, ...]:
    return tuple(
        {
            "kind": holder.kind,
            "ref": refs[holder.kind, holder.code],
            "code": public_code(holder.kind, holder.code),
        }
        for holder in holders
    )


def _next(state: ChainState) -> Position:
    """The next place of a chain that has no versions."""
    if not state.acts:
        return Position()
    return Position(sequence=len(state.acts) + 1, previous=state.acts[-1].digest)
