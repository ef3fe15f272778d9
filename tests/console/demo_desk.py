"""The demonstration's ledger in memory: real registry, admission, proofs and keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import schemas
from console.demo.desk import HeldLicense, LifeLine, Told
from console.demo.offices import BUREAU
from ledger.catalogue import LicenseType, parse_type
from ledger.chain import ChainState
from ledger.checkpoint import origin_line
from ledger.codec import decode_value
from ledger.drafting import HolderDraft
from ledger.encryption import decrypt_field, event_key, holder_index_of
from ledger.events import Chain, Event
from ledger.identifiers import mask
from ledger.license import FaceValue, License
from ledger.lifecycle import TypeOfVersion, shown_state, state_at
from ledger.publish import Signed
from ledger.signing import Signer
from ledger.workdays import day_to_date, instant_text, legal_day
from projections import shown
from projections.states import types_of
from tests.builders import Sent, World
from tests.console.demo_receipts import receipt_of
from tests.console.import_desk import MemoryKeys


class MemoryDemoDesk:
    """A DemoDesk over a World; every published record is judged at once."""

    def __init__(self) -> None:
        self.world = World()
        self.published = 0
        self.world.found()
        self.world.add_authority(BUREAU.uscc, area=BUREAU.area, roles=BUREAU.roles)
        self.world.add_key("department", BUREAU.uscc)
        for code in schemas.names("types"):
            self.world.add_type(parse_type(schemas.toml(f"types/{code}.toml")))
        self.keys = MemoryKeys(self.world)
        self.origin = self.world.registry.origin
        self.line = origin_line(self.world.name, self.origin)
        self.partitions = self.world.partitions
        self.root: Signer = self.world.signer("root")
        self.department: Signer = self.world.signer("department")

    @property
    def today(self) -> int:
        return legal_day(self.world.now)

    def now(self) -> int:
        return self.world.now

    def draw_keys(self, named: Sequence[tuple[str, str]]) -> list[Signer]:
        return [self.world.signer(name) for name, _ in named]

    def license_type(self, code: str) -> LicenseType:
        found = self.world.registry.license_type(code)
        assert found is not None
        return found

    def chains(self, chain: Chain, subjects: Sequence[str]) -> Mapping[str, ChainState]:
        return {subject: self.chain(chain, subject) for subject in subjects}

    def chain(self, chain: Chain, subject: str) -> ChainState:
        if chain == "registry":
            return ChainState(acts=list(self.world.registry.chain(subject)))
        return self.world.chains.get((chain, subject)) or ChainState()

    @property
    def seals(self) -> int:
        return self.published

    def publish(self, signed: Sequence[Signed]) -> list[Told]:
        self.world.now += 1_000_000
        self.published += 1
        told: list[Told] = []
        for one in signed:
            verdict = self.world.send(one).verdict
            told.append(
                Told(
                    position=verdict.position, code=verdict.code, detail=verdict.detail
                )
            )
            if verdict.accepted and verdict.event is not None:
                self._destroyed(verdict.event)
        return told

    def _destroyed(self, event: Event) -> None:
        if event["act"] == "DESTROY":
            named: Any = event["fields"][0]["value"]
            for license_id in named["strings"]:
                self.keys.destroy(bytes.fromhex(event["subject"]), license_id)

    # --- reading

    def status(self) -> Mapping[str, Any]:
        records = self.world.records
        states = [
            shown_state(chain.license, self.today).value
            for chain in self.world.chains.values()
            if chain.license is not None
        ]
        acts = [
            one.verdict.event["act"]
            for one in self.accepted()
            if one.verdict.event and one.verdict.event["chain"] == "license"
        ]
        refused = [one.code for one in records if one.code != "accepted"]
        return {
            "records": len(records),
            "accepted": len(records) - len(refused),
            "refused": len(refused),
            "licenses": len(states),
            "by_state": counted(states),
            "by_act": counted(acts),
            "by_refusal": counted(refused),
            "vkey": "",
            "warnings": [],
        }

    def accepted(self) -> list[Sent]:
        return [one for one in self.world.records if one.code == "accepted"]

    def history(self, license_id: str) -> Mapping[str, Any]:
        return {
            "license_id": license_id,
            "events": [
                self._line(one)
                for one in self.accepted()
                if one.verdict.event and one.verdict.event["subject"] == license_id
            ],
        }

    def _line(self, sent: Sent) -> Mapping[str, Any]:
        verdict, act = sent.verdict, sent.verdict.act
        assert act is not None
        before, after = verdict.before, verdict.after
        assert after is not None
        return {
            "position": verdict.position,
            "sequence": act.sequence,
            "act": act.act,
            "effective_at": instant_text(act.effective_at),
            "recorded_at": instant_text(act.recorded_at),
            "verdict": "accepted",
            "refusal": None,
            "changed": {},
            "signers": [],
            "event_digest": act.digest.hex(),
            "state_before": None if before is None else before.terminal or "VALID",
            "state_after": shown_state(after, legal_day(act.effective_at)).value,
            "flags": list(verdict.flags),
        }

    def show(self, license_id: str) -> Mapping[str, Any]:
        chain = self.chain("license", license_id)
        assert chain.license is not None
        return {
            "license_id": license_id,
            "state": shown_state(chain.license, self.today).value,
            "fields": {
                name: self._opened(chain, license_id, name, face)
                for name, face in chain.license.face.items()
            },
        }

    def _opened(
        self, chain: ChainState, license_id: str, name: str, face: FaceValue
    ) -> Any:
        if not isinstance(face.value, bytes):
            return face.value
        act = next(one for one in chain.acts if one.position == face.position)
        ref = act.holders[holder_index_of(face.value)][1]
        secret = self.keys.secrets.get((ref, license_id))
        if secret is None:
            return "(erased 已销毁)"
        opened = decrypt_field(
            event_key=event_key(secret, face.event_id),
            origin=self.origin,
            event_id=face.event_id,
            holder_ref=ref,
            name=name,
            blob=face.value,
        )
        return mask(str(decode_value(opened.avro_value)), kind="name")

    def timeline(self, license_id: str) -> list[LifeLine]:
        license_ = self.chain("license", license_id).license
        assert license_ is not None
        return [
            self._life_line(one, license_.overtaken)
            for one in self.accepted()
            if one.verdict.event and one.verdict.event["subject"] == license_id
        ]

    def _life_line(self, sent: Sent, overtaken: Sequence[int]) -> LifeLine:
        verdict, act = sent.verdict, sent.verdict.act
        assert act is not None
        assert verdict.after is not None
        changed = shown.changes(verdict.before, verdict.after)
        return LifeLine(
            position=act.position,
            act=act.act,
            authority=act.authority,
            decision=act.decision_number,
            effective_at=act.effective_at,
            recorded_at=act.recorded_at,
            flags=tuple(verdict.flags),
            changed={n: [str(v) for v in values] for n, values in changed.items()},
            overtaken=act.position in overtaken,
        )

    def known(self, license_id: str, *, effective: int, known_at: int) -> str:
        found = state_at(
            self.chain("license", license_id).acts,
            effective=effective,
            known_at=known_at,
            types=self._types(license_id),
        )
        day = legal_day(effective)
        return "NONE" if found is None else shown_state(found, day).value

    def _types(self, license_id: str) -> TypeOfVersion:
        return types_of(self.world.registry, license_id)

    def held(self, holder: HolderDraft, *, as_of: int) -> list[HeldLicense]:
        [ref] = self.keys.holder_refs([(holder.kind, holder.code)])
        found = []
        for (chain, license_id), state in sorted(self.world.chains.items()):
            if chain != "license" or state.license is None:
                continue
            if ref not in [one[1] for one in state.license.holders]:
                continue
            license_ = state_at(
                state.acts,
                effective=as_of,
                known_at=self.world.now,
                types=self._types(license_id),
            )
            if license_ is not None:
                found.append(self._held(license_id, license_, legal_day(as_of)))
        return found

    def _held(self, license_id: str, license_: License, day: int) -> HeldLicense:
        until = license_.valid_until
        return HeldLicense(
            license_id=license_id,
            type_name=self.license_type(license_id.split(".")[5]).name,
            state=shown_state(license_, day).value,
            version=license_.version,
            valid_until=None if until is None else day_to_date(until).isoformat(),
        )

    def receipt(self, license_id: str, sequence: int) -> bytes:
        sent = next(
            one
            for one in self.accepted()
            if one.verdict.event
            and one.verdict.event["subject"] == license_id
            and one.verdict.event["sequence"] == sequence
        )
        return receipt_of(self.world, sent, line=self.line)


def counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
