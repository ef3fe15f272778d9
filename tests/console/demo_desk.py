"""The demonstration's ledger in memory: real registry, admission, proofs and keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import schemas
from console.demo.desk import Told
from console.demo.offices import BUREAU
from ledger.catalogue import LicenseType, parse_type
from ledger.chain import ChainState
from ledger.checkpoint import origin_line
from ledger.codec import decode_value
from ledger.encryption import decrypt_field, event_key, holder_index_of
from ledger.events import Chain, Event, Seal
from ledger.identifiers import mask
from ledger.license import FaceValue
from ledger.lifecycle import shown_state
from ledger.merkle import tree_path, tree_root
from ledger.publish import Signed
from ledger.receipt_file import Receipt, VerdictProof, write_receipt
from ledger.seal import SealedVerdict, encode_seal, signed_seal, verdict_range
from ledger.signing import Signer
from ledger.workdays import instant_text, legal_day
from tests.builders import Sent, World
from tests.console.import_desk import MemoryKeys


class MemoryDemoDesk:
    """A DemoDesk over a World; every published record is judged at once."""

    def __init__(self) -> None:
        self.world = World()
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

    def draw_key(self, name: str, *, authority: str) -> Signer:
        return self.world.signer(name)

    def license_type(self, code: str) -> LicenseType:
        found = self.world.registry.license_type(code)
        assert found is not None
        return found

    def chain(self, chain: Chain, subject: str) -> ChainState:
        if chain == "registry":
            return ChainState(acts=list(self.world.registry.chain(subject)))
        return self.world.chains.get((chain, subject)) or ChainState()

    def publish(self, signed: Sequence[Signed]) -> list[Told]:
        self.world.now += 1_000_000
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

    def receipt(self, license_id: str, sequence: int) -> bytes:
        sent = next(
            one
            for one in self.accepted()
            if one.verdict.event
            and one.verdict.event["subject"] == license_id
            and one.verdict.event["sequence"] == sequence
        )
        leaves = [one.verdict.leaf for one in self.world.records]
        entry = SealedVerdict(
            position=sent.verdict.position, leaf=sent.verdict.leaf, code=sent.code
        )
        carried = verdict_range(seal_no=0, source=sent.source, entries=[entry])
        covering = self._sealed(leaves, 0, [])
        carrying = self._sealed(leaves, 1, [carried])
        event = sent.verdict.event
        assert event is not None
        keys = [self.world.registry.key(one["key_id"]) for one in event["signers"]]
        return write_receipt(
            Receipt(
                record=sent.data,
                position=sent.verdict.position,
                path=tuple(tree_path(sent.verdict.position, leaves)),
                checkpoint=covering["checkpoint"].encode(),
                verdict=VerdictProof(
                    first=sent.verdict.position, path=(), seal=encode_seal(carrying)
                ),
                keys=tuple(key.public_key for key in keys if key is not None),
                sealers=(self.world.records[0].data,),
            )
        )

    def _sealed(self, leaves: list[bytes], number: int, verdicts: list[Any]) -> Seal:
        seal: Seal = {
            "seal_no": number,
            "previous": bytes(32),
            "sealed_at": self.world.now,
            "ranges": [],
            "tree_size": len(leaves),
            "root": tree_root(leaves),
            "verdicts": verdicts,
            "checkpoint": "",
        }
        return signed_seal(seal, self.line, self.world.signer("sealer"))


def counted(names: Iterable[str]) -> dict[str, int]:
    listed = list(names)
    return {name: listed.count(name) for name in sorted(set(listed))}
