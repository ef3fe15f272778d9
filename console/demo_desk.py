"""What the demonstration is given of an open ledger (``console.demo.desk``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from console import inspection, proofs
from console.demo.desk import Told
from console.key_ring import DEPARTMENT, ROOT
from console.ledger import Ledger
from console.reading import Reader
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.errors import Unknown
from ledger.events import Chain
from ledger.log.key_store import KeyStore
from ledger.publish import Appended, Signed
from ledger.signing import Signer
from projections import audit_trail, store


class LedgerDesk:
    """A DemoDesk over a ledger that was just founded."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.line = ledger.origin_line
        self.origin = ledger.origin
        self.partitions = ledger.partitions

    @cached_property
    def root(self) -> Signer:
        """The root key."""
        return self._ledger.ring.signer(ROOT, purpose="root")

    @cached_property
    def department(self) -> Signer:
        """The founding department's act key."""
        return self._ledger.ring.signer(DEPARTMENT, purpose="act")

    @property
    def keys(self) -> KeyStore:
        """The key store."""
        return self._ledger.key_store

    def now(self) -> int:
        """UTC µs."""
        return self._ledger.clock()

    def draw_key(self, name: str, *, authority: str) -> Signer:
        """A new act key, in a key file of the ledger's directory."""
        ring = self._ledger.ring
        return ring.signer_of(ring.draw(name, purpose="act", authority=authority))

    def license_type(self, code: str) -> LicenseType:
        """The version in force of a license type; raises Unknown."""
        found = self._ledger.registry().license_type(code)
        if found is None:
            raise Unknown("no such license type", found=code)
        return found

    def chain(self, chain: Chain, subject: str) -> ChainState:
        """The accepted acts of one chain."""
        if chain == "registry":
            return ChainState(acts=list(self._ledger.registry().chain(subject)))
        found = store.load_chains(self._ledger.views, [subject])
        return found.get((chain, subject)) or ChainState()

    def publish(self, signed: Sequence[Signed]) -> list[Told]:
        """Appends records and waits for their verdicts."""
        appended = self._ledger.publish(signed)
        self._ledger.await_all(appended)
        return [self._told(one) for one in appended]

    def _told(self, appended: Appended) -> Told:
        row = audit_trail.verdict_in(
            self._ledger.views, appended.source, appended.ordinal
        )
        if row is None:
            raise Unknown(
                "no verdict is stored", code="no_verdict", where=appended.source
            )
        return Told(position=row.position, code=row.verdict, detail=row.detail or "")

    def status(self) -> Mapping[str, Any]:
        """Counts of the whole ledger."""
        return inspection.status(self._ledger, as_of=self.now())

    def history(self, license_id: str) -> Mapping[str, Any]:
        """A license's accepted events."""
        return inspection.history(self._ledger, license_id, everything=False)

    def show(self, license_id: str) -> Mapping[str, Any]:
        """One license now, personal values masked."""
        reader = Reader(self._ledger, purpose=None)
        return inspection.show(
            self._ledger, license_id, as_of=self.now(), reader=reader
        )

    def receipt(self, license_id: str, sequence: int) -> bytes:
        """The receipt of one event."""
        return proofs.make_receipt(self._ledger, license_id, sequence=sequence)
