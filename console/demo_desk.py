"""What the demonstration is given of an open ledger (``console.demo.desk``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from console import inspection, proofs
from console.archive import archive, holder_rows
from console.demo.desk import HeldLicense, LifeLine, Told
from console.key_ring import DEPARTMENT, ROOT
from console.ledger import Ledger
from console.reading import CLOSED, Reader
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.drafting import HolderDraft
from ledger.errors import Unknown
from ledger.events import Chain
from ledger.lifecycle import shown_state, state_at
from ledger.log.key_store import KeyStore
from ledger.publish import Signed
from ledger.signing import Signer
from ledger.workdays import day_to_date, legal_day
from projections import audit_trail, store, timeline
from projections.states import types_of

KEY_THREADS, HELD_MAX = 4, 100


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

    def draw_keys(self, named: Sequence[tuple[str, str]]) -> list[Signer]:
        """New act keys, in key files of the ledger's directory.

        Each file's passphrase takes scrypt its while, which threads share out.
        """
        ring = self._ledger.ring

        def draw(name: str, authority: str) -> Signer:
            return ring.signer_of(ring.draw(name, purpose="act", authority=authority))

        with ThreadPoolExecutor(max_workers=KEY_THREADS) as pool:
            return list(pool.map(lambda one: draw(*one), named))

    def license_type(self, code: str) -> LicenseType:
        """The version in force of a license type; raises Unknown."""
        found = self._ledger.registry().license_type(code)
        if found is None:
            raise Unknown("no such license type", found=code)
        return found

    def chains(self, chain: Chain, subjects: Sequence[str]) -> Mapping[str, ChainState]:
        """The accepted acts of chains by subject."""
        if chain == "registry":
            known = self._ledger.registry()
            return {s: ChainState(acts=list(known.chain(s))) for s in subjects}
        found = store.load_chains(self._ledger.views, subjects)
        return {subject: state for (of, subject), state in found.items() if of == chain}

    @property
    def seals(self) -> int:
        """How many seals there are."""
        return self._ledger.head.load().tip.seal_no + 1

    def publish(self, signed: Sequence[Signed]) -> list[Told]:
        """Appends records and waits for their verdicts."""
        appended = self._ledger.publish(signed)
        self._ledger.await_all(appended)
        rows = audit_trail.verdicts_in(self._ledger.views, appended)
        found = {(row.source, row.ordinal): row for row in rows}
        return [
            Told(position=row.position, code=row.verdict, detail=row.detail or "")
            for row in (found[one.source, one.ordinal] for one in appended)
        ]

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

    def timeline(self, license_id: str) -> Sequence[LifeLine]:
        """Every accepted act of a license, in recorded order."""
        row = inspection.license_row(self._ledger, license_id)
        overtaken = set(row.folded.overtaken)
        return [
            LifeLine(
                position=line.position,
                act=line.act,
                authority=line.authority,
                decision=line.decision_number,
                effective_at=line.effective_at,
                recorded_at=line.recorded_at,
                flags=tuple(line.flags),
                changed={n: [_said(v) for v in c] for n, c in line.changed.items()},
                overtaken=line.position in overtaken,
            )
            for line in timeline.timeline_of(self._ledger.views, license_id)
        ]

    def known(self, license_id: str, *, effective: int, known_at: int) -> str:
        """The state of a license on one day as known at another."""
        acts = self.chains("license", [license_id])[license_id].acts
        types = types_of(self._ledger.registry(), license_id)
        found = state_at(acts, effective=effective, known_at=known_at, types=types)
        day = legal_day(effective)
        return "NONE" if found is None else shown_state(found, day).value

    def held(self, holder: HolderDraft, *, as_of: int) -> Sequence[HeldLicense]:
        """What somebody held on a day, as known now: from the holder archive."""
        ledger, day = self._ledger, day_to_date(legal_day(as_of)).isoformat()
        found = archive(
            ledger,
            holder_rows(ledger, holder.kind, holder.code),
            as_of=as_of,
            limit=HELD_MAX,
            reader=Reader(ledger, purpose=None),
        )
        return [
            HeldLicense(
                license_id=one["license_id"],
                type_name=one["type_name"],
                state=one["state"],
                version=one["version"],
                valid_until=one["valid_until"],
            )
            for one in found["licenses"]
            if any(_covers(period, day) for period in one["held"])
        ]

    def receipt(self, license_id: str, sequence: int) -> bytes:
        """The receipt of one event."""
        return proofs.make_receipt(self._ledger, license_id, sequence=sequence)


def _covers(period: Mapping[str, Any], day: str) -> bool:
    """Whether a holder's period of a license has the day in it."""
    until = period["until"]
    return period["from"] <= day and (until is None or day < until)


def _said(value: Any) -> str:
    """A value of the timeline in words: personal ones stay closed."""
    if isinstance(value, dict) and "encrypted" in value:
        return CLOSED
    if isinstance(value, list):
        return "、".join(map(str, value))
    return "" if value is None else str(value)
