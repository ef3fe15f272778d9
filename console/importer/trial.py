"""Judges one planned act as the ledger will: checks 6, 11 and 12, on a chain not yet
written.

Values that will be encrypted stand as blanks of the right shape: no check looks inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from console.importer.mapping import OPENING_STATES, StockMapping
from console.importer.proposed import BASELINE, OPENING_ACTS, Face, Proposal
from console.importer.source_row import SourceAct, SourceRow
from console.importer.terms import terms_are_years
from ledger import field_checks, lifecycle
from ledger.catalogue import LicenseType
from ledger.chain import check_order
from ledger.drafting import (
    DecisionDraft,
    Draft,
    DraftKeys,
    HolderDraft,
    Position,
    draft_event,
    public_code,
)
from ledger.encryption import NONCE_SIZE, TAG_SIZE
from ledger.events import ZERO_DIGEST, Event, Holder, Signer, Value
from ledger.facts import Act, act_of
from ledger.license import License
from ledger.license_identifiers import parse_license_id
from ledger.lifecycle import TypeOfVersion
from ledger.workdays import day_start

_BLANK = bytes((1, 0)) + bytes(NONCE_SIZE + 32 + 64 + TAG_SIZE)
_NO_ID = bytes(16)


def holder_of(kind: str, code: str, ref: bytes) -> Holder:
    """A holder as events name one: the code only where it is an organisation's."""
    return {"kind": kind, "ref": ref, "code": public_code(kind, code)}


def stand_in(code: str) -> bytes:
    """A ref for a holder who has none yet: of the right size, and like no other's."""
    return hashlib.new("sm3", b"stand-in\0" + code.encode()).digest()


def draft_of(proposal: Proposal, *, mapping: StockMapping, authority: str) -> Draft:
    """The draft of a planned act, values in clear, marked as backfilled stock."""
    row, source = proposal.row, proposal.source
    return Draft(
        act=proposal.act,
        license_id=row.license_id,
        effective_at=day_start(source.day),
        authority=authority,
        fields=proposal.fields,
        holders=(HolderDraft(kind=mapping.holder_kind, code=row.holder_code),),
        precision="day",
        decision=DecisionDraft(number="", date="", reason_code=mapping.reason_code),
        matter={"source_system": mapping.system, "source_ref": row.key},
        medium="none",
        source_act=source.source_act,
        missing=(f"decision={mapping.missing}",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTrial:
    """Judges the proposals of one import at one moment.

    ``refs``: holder code -> ref, for those who have one; ``now`` UTC µs stands for the
    time at which the ledger will record them.
    """

    mapping: StockMapping
    kind: LicenseType
    types: TypeOfVersion
    authority: str
    origin: bytes
    signers: Sequence[Signer]
    refs: Mapping[str, bytes]
    now: int

    def version_after(self, act: str, license_: License | None) -> int:
        """The version that this act makes, 0 when it makes none."""
        rule = lifecycle.ACTS[act]
        if rule.makes_version != "always":
            return 0
        return 1 if rule.opens or license_ is None else license_.version + 1

    def fields(
        self, act: str, row: SourceRow, source: SourceAct, face: Face
    ) -> Mapping[str, Value]:
        """What an act of a row says, in clear: of the face what the act may carry.

        An act that opens a license says all that the row has. A later one says it again,
        for an earlier act may come in yet; an empty cell says nothing. What a CHANGE may
        not set it leaves out where that stands already; where it differs, it says it and
        is refused for it, so that nothing is lost.
        """
        if act in OPENING_ACTS:
            state = OPENING_STATES.get(source.act) if act == BASELINE else None
            values = {n: v for n, v in row.values.items() if v is not None}
            given = values if source.face or state else {}
            return {**given, "state": state} if state else given
        if not source.carries:
            return {}
        return {
            name: value
            for name, value in row.said.items()
            if self._may_set(act, name) or (name in face and face[name] != value)
        }

    def must_end(self, row: SourceRow) -> bool:
        """Whether a row that opens a license has to say its last day, or 长期."""
        silent = row.values.get("valid_until", "") is None and not row.endless
        return silent and terms_are_years(self.kind)

    def _may_set(self, act: str, name: str) -> bool:
        face = self.kind.fields.get(name)
        return act != "CHANGE" or face is None or face.changeable

    def judge(
        self, proposal: Proposal, acts: Sequence[Act], before: License | None
    ) -> tuple[Act, License]:
        """The proposal as an act of the chain, and the license after it; or Refusal."""
        event = self._event(proposal, acts)
        check_order(event, acts)
        license_id = proposal.row.license_id
        field_checks.check_fields(
            event,
            self.kind,
            reserved=lifecycle.ACTS[event["act"]].reserved,
            license_id=parse_license_id(license_id),
            sealed_at=self.now,
        )
        act = act_of(
            event,
            position=acts[-1].position + 1 if acts else 1,
            digest=proposal.sequence.to_bytes(32, "big"),
            recorded_at=self.now,
        )
        judged = lifecycle.judge(
            acts,
            act,
            license_id=license_id,
            types=self.types,
            sealed_at=self.now,
            before=before,
        )
        return act, judged.license

    def _event(self, proposal: Proposal, acts: Sequence[Act]) -> Event:
        draft = draft_of(proposal, mapping=self.mapping, authority=self.authority)
        code = proposal.row.holder_code
        ref = self.refs.get(code) or stand_in(code)
        holders = (holder_of(self.mapping.holder_kind, code, ref),)
        event = draft_event(
            replace(draft, fields={}),
            origin=self.origin,
            kind=self.kind,
            position=Position(
                sequence=proposal.sequence,
                previous=acts[-1].digest if acts else ZERO_DIGEST,
                version=proposal.version,
            ),
            keys=DraftKeys(event_id=_NO_ID, holders=holders, event_keys=()),
            signed_at=self.now,
            signers=self.signers,
            random_bytes=_no_chance,
        )
        event["fields"] += [
            {"name": name, "value": self._blanked(name, value, holders)}
            for name, value in draft.fields.items()
        ]
        event["fields"].sort(key=lambda one: one["name"])
        return event

    def _blanked(self, name: str, value: Value, holders: Sequence[Holder]) -> Value:
        face = self.kind.fields.get(name)
        if value is None or face is None:
            return value
        return _BLANK if field_checks.must_encrypt(face, holders) else value


def _no_chance(size: int) -> bytes:
    raise AssertionError(f"a trial draws nothing, asked for {size} bytes")
