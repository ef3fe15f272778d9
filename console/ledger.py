"""One open ledger: what the command line, the import, the demo and programs use.

with open_ledger(settings_of(Path("my-ledger"))) as ledger:
    row = ledger.act(draft)  # row.verdict
    ledger.rest()
    receipt = proofs.make_receipt(ledger, draft.license_id, sequence=None)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from console.engine import Engine
from console.key_ring import DEPARTMENT, ROOT, KeyRing
from console.settings import Settings
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.checkpoint import origin_line
from ledger.drafting import Draft, DraftKeys, draft_event, public_code
from ledger.errors import Malformed, Unknown
from ledger.events import Event, Holder
from ledger.events import Signer as SignerEntry
from ledger.license import License
from ledger.license_identifiers import parse_license_id
from ledger.lifecycle import fold
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.key_store import KeyRequest, KeyStore
from ledger.next_position import next_position
from ledger.note import vkey
from ledger.publish import Appended, RoleSigner, Signed, append, sign
from ledger.registry import Registry
from ledger.sources import SEALS
from projections import audit_trail, chain, registry
from projections.audit_trail import AuditRow
from projections.migrate import VIEWS, use_schema
from projections.states import types_of
from projections.tracking import Tracking

if TYPE_CHECKING:
    from psycopg import Connection


class Named(Protocol):
    """A key that an event names as a signer; whoever holds it may be elsewhere."""

    @property
    def entry(self) -> SignerEntry:
        """What the event says of it."""
        ...


class Ledger:
    """An open ledger; made by ``console.wiring``, belongs to one thread."""

    engine: Engine

    def __init__(
        self,
        *,
        settings: Settings,
        dsn: str,
        shown_dsn: str,
        founding: Registry,
        log: EventLog,
        closed: Collection[str],
        head: HeadStore,
        views: Connection[Any],
        ring: KeyRing,
        connect: Callable[[], Connection[Any]],
        open_log: Callable[[], EventLog],
        open_key_store: Callable[[], KeyStore],
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        use_schema(views, VIEWS)
        self.settings = settings
        self.dsn = dsn
        self.shown_dsn = shown_dsn
        self.name = founding.name
        self.origin = founding.origin
        self.partitions = founding.partitions
        self.log = log
        self.closed = frozenset(closed)
        self.head = head
        self.views = views
        self.ring = ring
        self.connect = connect
        self.open_log = open_log
        self.clock = clock
        self.random_bytes = random_bytes
        self._open_key_store = open_key_store
        self._key_store: KeyStore | None = None
        self._destroyed_to = -1
        self.published = False
        self._tracking = Tracking(views, schema=VIEWS)
        self._in_use: Mapping[str, str] = {}
        self._in_use_at = -1

    @property
    def origin_line(self) -> str:
        """The line that names this ledger on its checkpoints."""
        return origin_line(self.name, self.origin)

    @property
    def vkey(self) -> str:
        """The verifier key that readers of receipts need."""
        return vkey(self.origin_line, self.registry().sealer_key().public_key)

    def registry(self) -> Registry:
        """The registry as it is projected now."""
        return registry.load(self.views)

    # --- catching up -------------------------------------------------------------

    def catch_up(self) -> None:
        """Returns when all that is in the log now is sealed and projected."""
        ends = {s: n for s, n in self.log.ends().items() if s != SEALS}
        self.engine.settle(ends)

    def projected(self) -> Mapping[str, int]:
        """How many records of each source are projected."""
        return self._tracking.ordinals()

    def after_projection(self) -> None:
        """Applies destructions that the projection has just brought in."""
        if self._key_store is not None:
            self._apply_destructions(self._key_store)

    @property
    def key_store(self) -> KeyStore:
        """The key store, with every destruction of the log applied."""
        if self._key_store is None:
            self.catch_up()
            store = self._open_key_store()
            self._apply_destructions(store)
            self._key_store = store
        return self._key_store

    def key_store_to_look(self) -> tuple[KeyStore, frozenset[tuple[bytes, str]]]:
        """The key store as it is, and the pairs that the log has destroyed.

        For who may write nothing: the caller leaves those pairs out.
        """
        store = self._open_key_store()
        store.confirm(())
        found = chain.destructions(self.views, after=-1)
        return store, frozenset((ref, one) for _, ref, ids in found for one in ids)

    def apply_destructions(self) -> None:
        """Destroys what accepted DESTROYs name now, not at the key store's next opening.

        A crash before it changes nothing: the next opening does it.
        """
        self.after_projection()
        self.key_store  # noqa: B018 - opened for its effect

    def _apply_destructions(self, store: KeyStore) -> None:
        found = chain.destructions(self.views, after=self._destroyed_to)
        store.confirm(found)
        self._destroyed_to = max((d[0] for d in found), default=self._destroyed_to)

    def rest(self) -> None:
        """Seals the verdicts too, as far as no other process is doing it."""
        with self.engine.held():
            self.engine.rest()

    # --- publishing --------------------------------------------------------------

    def publish(self, signed: Sequence[Signed]) -> list[Appended]:
        """Appends signed records; when it returns they survive a crash."""
        self.published = True
        return append(self.log, signed, in_use=self.in_use())

    def in_use(self) -> Mapping[str, str]:
        """Of every source that was succeeded: the one that takes its records now."""
        last = registry.last_position(self.views)
        if last != self._in_use_at:
            self._in_use = registry.in_use(self.views)
            self._in_use_at = last
        return self._in_use

    def await_verdict(self, appended: Appended) -> AuditRow:
        """The verdict of one appended record, as soon as it is projected."""
        source, ordinal = appended.source, appended.ordinal
        self.engine.settle({source: ordinal + 1})
        row = audit_trail.verdict_in(self.views, source, ordinal)
        if row is None:
            raise Unknown(
                "no verdict is stored",
                code="no_verdict",
                where=f"{source}, record {ordinal}",
            )
        return row

    def await_all(self, appended: Sequence[Appended]) -> None:
        """Returns when all these records are judged and projected."""
        ends: dict[str, int] = {}
        for one in appended:
            ends[one.source] = max(ends.get(one.source, 0), one.ordinal + 1)
        self.engine.settle(ends)

    def signers(self) -> list[RoleSigner]:
        """The department's key that ``init`` made, in the main role."""
        return [RoleSigner(signer=self.ring.signer(DEPARTMENT, purpose="act"))]

    def root_signers(self) -> list[RoleSigner]:
        """The root key that ``init`` made: a quorum of one."""
        return [RoleSigner(signer=self.ring.signer(ROOT, purpose="root"))]

    def create_key_store(self) -> None:
        """Makes the key store's tables; part of the founding."""
        self._open_key_store().create()

    def chain_of(self, license_id: str) -> ChainState:
        """The accepted acts of a license and their fold; empty when there is none."""
        state = chain.load(self.views, [license_id]).get(("license", license_id))
        if state is None:
            return ChainState()
        if state.license is None and state.acts:
            state.license = fold(state.acts, types_of(self.registry(), license_id))
        return state

    def draft(self, draft: Draft, signers: Sequence[Named]) -> Event:
        """The event of a draft as the next of its chain, personal values encrypted."""
        kind = self.type_of(draft.license_id)
        state = self.chain_of(draft.license_id)
        holders = self._holders(draft, state.license)
        refs = tuple(holder["ref"] for holder in holders)
        keys = self.key_store.issue(
            [KeyRequest(license_id=draft.license_id, holder_refs=refs)]
        )[0]
        return draft_event(
            draft,
            origin=self.origin,
            kind=kind,
            position=next_position(draft, state),
            keys=DraftKeys(
                event_id=keys.event_id, holders=holders, event_keys=keys.event_keys
            ),
            signed_at=self.clock(),
            signers=[one.entry for one in signers],
            random_bytes=self.random_bytes,
        )

    def act(
        self, draft: Draft, signers: Sequence[RoleSigner] | None = None
    ) -> AuditRow:
        """Drafts, signs and publishes one act, and waits for its verdict."""
        given = list(signers or self.signers())
        event = self.draft(draft, given)
        signed = sign(event, given, partitions=self.partitions)
        return self.await_verdict(self.publish([signed])[0])

    def type_of(self, license_id: str) -> LicenseType:
        """The type in force of a license_id; raises Malformed when there is none."""
        code = parse_license_id(license_id).type_code
        found = self.registry().license_type(code)
        if found is None:
            raise Malformed(
                "no such license type in this ledger",
                code="no_such_type",
                expected="a type that `license-ledger registry list` shows",
                found=code,
            )
        return found

    def _holders(self, draft: Draft, before: License | None) -> tuple[Holder, ...]:
        if draft.holders is None:
            kept = before.holders if before is not None else ()
            return tuple({"kind": k, "ref": r, "code": c} for k, r, c in kept)
        refs = self.key_store.holder_refs([(h.kind, h.code) for h in draft.holders])
        return tuple(
            {
                "kind": holder.kind,
                "ref": ref,
                "code": public_code(holder.kind, holder.code),
            }
            for holder, ref in zip(draft.holders, refs, strict=True)
        )
