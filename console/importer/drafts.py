"""From planned acts to signed records: keys in bulk, values encrypted, one signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from console.importer.desk import ImportDesk
from console.importer.mapping import StockMapping
from console.importer.proposed import ChainPlan, Proposal
from console.importer.trial import draft_of, holder_of
from ledger.catalogue import LicenseType
from ledger.drafting import DraftKeys, Position, draft_event
from ledger.envelope import encode_event, event_digest
from ledger.errors import Refused
from ledger.events import ZERO_DIGEST, Event
from ledger.log.key_store import IssuedKeys, KeyRequest
from ledger.publish import Signed, sign_together

BATCH_MAX = 1_000
_BATCH_ID_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The events of some plans, in order, and the plans that no key could be had for."""

    events: list[Event]
    plans: list[ChainPlan]
    keyless: list[ChainPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafter:
    """Drafts and signs proposals under one mapping and one type in force."""

    desk: ImportDesk
    mapping: StockMapping
    kind: LicenseType
    origin: bytes
    partitions: int
    _refs: dict[str, bytes] = field(default_factory=dict)

    def draft(self, plans: Sequence[ChainPlan]) -> Drafted:
        """The events of plans that have any proposals; draws holder refs and keys."""
        busy = [plan for plan in plans if plan.proposals]
        self._assign(busy)
        keys, keyless = self._keys(busy)
        kept = [plan for plan in busy if plan not in keyless]
        return Drafted(
            events=[event for plan in kept for event in self._chain(plan, keys)],
            plans=kept,
            keyless=keyless,
        )

    def sign(self, events: Sequence[Event]) -> Iterator[list[Signed]]:
        """Signed records in batches of at most BATCH_MAX."""
        desk = self.desk
        for at in range(0, len(events), BATCH_MAX):
            yield sign_together(
                events[at : at + BATCH_MAX],
                desk.signers,
                batch_ids=[desk.random_bytes(_BATCH_ID_SIZE) for _ in desk.signers],
                partitions=self.partitions,
            )

    def _assign(self, plans: Sequence[ChainPlan]) -> None:
        codes = {p.row.holder_code: None for plan in plans for p in plan.proposals}
        kind = self.mapping.holder_kind
        self._refs.clear()
        if codes:
            refs = self.desk.keys.holder_refs([(kind, code) for code in codes])
            self._refs.update(zip(codes, refs, strict=True))

    def _keys(
        self, plans: Sequence[ChainPlan]
    ) -> tuple[Iterator[IssuedKeys], list[ChainPlan]]:
        """Keys for every proposal in order; one destroyed pair costs only its license."""
        if not plans:
            return iter(()), []
        try:
            asked = [request for plan in plans for request in self._requests(plan)]
            return iter(self.desk.keys.issue(asked)), []
        except Refused:
            issued: list[IssuedKeys] = []
            keyless: list[ChainPlan] = []
            for plan in plans:
                try:
                    issued += self.desk.keys.issue(self._requests(plan))
                except Refused:
                    keyless.append(plan)
            return iter(issued), keyless

    def _requests(self, plan: ChainPlan) -> list[KeyRequest]:
        return [
            KeyRequest(
                license_id=plan.license_id,
                holder_refs=(self._refs[proposal.row.holder_code],),
            )
            for proposal in plan.proposals
        ]

    def _chain(self, plan: ChainPlan, keys: Iterator[IssuedKeys]) -> Iterator[Event]:
        acts = plan.base.acts
        previous = acts[-1].digest if acts else ZERO_DIGEST
        for proposal in plan.proposals:
            event = self._event(proposal, previous, next(keys))
            if proposal is not plan.proposals[-1]:
                previous = event_digest(encode_event(event))
            yield event

    def _event(self, proposal: Proposal, previous: bytes, keys: IssuedKeys) -> Event:
        desk, code = self.desk, proposal.row.holder_code
        return draft_event(
            draft_of(proposal, mapping=self.mapping, authority=desk.department),
            origin=self.origin,
            kind=self.kind,
            position=Position(
                sequence=proposal.sequence,
                previous=previous,
                version=proposal.version,
            ),
            keys=DraftKeys(
                event_id=keys.event_id,
                holders=(holder_of(self.mapping.holder_kind, code, self._refs[code]),),
                event_keys=keys.event_keys,
            ),
            signed_at=desk.now(),
            signers=[one.entry for one in desk.signers],
            random_bytes=desk.random_bytes,
        )
