"""A ledger in memory to import into: real admission and registry, keys in a dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from console.importer.input_file import open_file
from console.importer.mapping import StockMapping
from console.importer.run import ImportResult, import_stock
from ledger.admission import Verdict
from ledger.chain import ChainState
from ledger.codec import decode_value
from ledger.encryption import decrypt_field, event_key
from ledger.errors import Refused, Unavailable
from ledger.event_ids import draw_event_ids
from ledger.events import Value
from ledger.log.key_store import IssuedKeys, KeyRequest
from ledger.publish import RoleSigner, Signed
from ledger.registry import Registry
from tests.builders import World
from tests.console.imports import DEPARTMENT, mapping


class MemoryKeys:
    """A key store that forgets everything with the process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.refs: dict[tuple[str, str], bytes] = {}
        self.secrets: dict[tuple[bytes, str], bytes] = {}
        self.destroyed: set[tuple[bytes, str]] = set()

    def holder_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes]:
        return [self.refs.setdefault(h, self._world.chance(32)) for h in holders]

    def find_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return [self.refs.get(holder) for holder in holders]

    def issue(self, requests: Sequence[KeyRequest]) -> list[IssuedKeys]:
        pairs = [(ref, one.license_id) for one in requests for ref in one.holder_refs]
        if not self.destroyed.isdisjoint(pairs):
            raise Refused("the key was destroyed", code="key_destroyed")
        for pair in pairs:
            self.secrets.setdefault(pair, self._world.chance(32))
        ids = draw_event_ids(
            len(requests), now_us=self._world.now, random_bytes=self._world.chance
        )
        return [
            IssuedKeys(
                event_id=event_id,
                event_keys=tuple(
                    event_key(self.secrets[ref, one.license_id], event_id)
                    for ref in one.holder_refs
                ),
            )
            for one, event_id in zip(requests, ids, strict=True)
        ]

    def event_keys(
        self, asked: Sequence[tuple[bytes, str, bytes]]
    ) -> list[bytes | None]:
        return [
            event_key(self.secrets[ref, of], event_id)
            if (ref, of) in self.secrets
            else None
            for ref, of, event_id in asked
        ]

    def destroy(self, ref: bytes, license_id: str) -> None:
        self.destroyed.add((ref, license_id))
        self.secrets.pop((ref, license_id), None)


class MemoryDesk:
    """An ImportDesk over a World; judges when asked to settle, as another process would.

    ``dies_after``: so many records are taken, then the log is gone, as if killed.
    """

    def __init__(self) -> None:
        self.world = World()
        self.world.found()
        self.world.add_authority(
            DEPARTMENT, area="210000", roles=("publisher", "custodian", "definer")
        )
        self.world.add_key("department", DEPARTMENT)
        self.department = DEPARTMENT
        self.signers: list[RoleSigner] = self.world.roles("department")
        self.keys = MemoryKeys(self.world)
        self.random_bytes = self.world.chance
        self.dies_after: int | None = None
        self.batches: list[int] = []
        self.asked: list[int] = []
        self.pending: list[Signed] = []
        self.codes: dict[bytes, str] = {}

    def registry(self) -> Registry:
        return self.world.registry

    def now(self) -> int:
        return self.world.now

    def catch_up(self) -> None:
        for signed in self.pending:
            self.codes[signed.digest] = self.world.send(signed).code
        self.pending.clear()

    def chains(self, license_ids: Sequence[str]) -> Mapping[str, ChainState]:
        self.asked.append(len(license_ids))
        found = {one: self.world.chains.get(("license", one)) for one in license_ids}
        return {one: state for one, state in found.items() if state is not None}

    def licenses_of_rows(
        self, system: str, row_keys: Sequence[str]
    ) -> Mapping[str, set[str]]:
        wanted = set(row_keys)
        found: dict[str, set[str]] = {}
        for verdict in self.accepted():
            act, event = verdict.act, verdict.event
            assert act is not None
            assert event is not None
            if act.source_system == system and act.source_ref in wanted:
                found.setdefault(act.source_ref, set()).add(event["subject"])
        return found

    def publish(self, signed: Sequence[Signed]) -> None:
        self.batches.append(len(signed))
        for one in signed:
            if self.dies_after is not None:
                if not self.dies_after:
                    raise Unavailable("the log is gone")
                self.dies_after -= 1
            self.pending.append(one)

    def settle(self, digests: Sequence[bytes]) -> Mapping[bytes, str]:
        self.catch_up()
        return {digest: self.codes[digest] for digest in digests}

    # --- what tests look at

    def run(
        self,
        path: Path,
        *,
        given: StockMapping | None = None,
        told: list[str] | None = None,
    ) -> ImportResult:
        """Imports a file; ``told`` hears of progress."""
        folder = path.parent / "ledger"
        seconds = iter(range(1_000_000))
        used = given or mapping()
        return import_stock(
            self,
            used,
            open_file(path, used),
            staging=folder / "staging",
            rejects=folder / "rejects",
            progress=lambda done, total, stage: (
                told.append(f"{stage} {done}/{total}") if told is not None else None
            ),
            monotonic=lambda: float(next(seconds)),
        )

    def accepted(self) -> Iterator[Verdict]:
        """Accepted license events, in order."""
        for sent in self.world.records:
            event = sent.verdict.event
            if sent.verdict.accepted and event and event["chain"] == "license":
                yield sent.verdict

    def acts(self, number: str = "100") -> list[tuple[str, str, str]]:
        """Act, source act, row key of the accepted acts of a license."""
        chain = self.world.chains.get(("license", license_id(number)))
        return [
            (act.act, act.source_act, act.source_ref)
            for act in (chain.acts if chain else [])
        ]

    def opened(self, number: str, name: str) -> Value:
        """A face value in clear, opened by the key store's own secrets."""
        chain = self.world.chains["license", license_id(number)]
        assert chain.license is not None
        face = chain.license.face[name]
        if not isinstance(face.value, bytes):
            return face.value  # type: ignore[no-any-return]
        ref = chain.license.holders[0][1]
        [key] = self.keys.event_keys([(ref, license_id(number), face.event_id)])
        assert key is not None
        return decode_value(
            decrypt_field(
                event_key=key,
                origin=self.world.registry.origin,
                event_id=face.event_id,
                holder_ref=ref,
                name=name,
                blob=face.value,
            ).avro_value
        )


def license_id(number: str) -> str:
    """The license that a number of the test register stands for."""
    return f"1.2.156.3005.2.{DEPARTMENT}900.{DEPARTMENT}.{number}"
