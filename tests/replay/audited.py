"""A small real ledger on PostgreSQL to audit: sealed, projected, journalled, settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from typing_extensions import override

from consumers.project import Projector
from consumers.seal import Sealer
from consumers.sealing_keys import SealingKeys
from ledger.log.archive import Archive
from ledger.log.head import HeadStore
from ledger.log.head_gaps import HeadGaps
from ledger.log.journal import CheckpointJournal
from ledger.log.offset_gaps import Gap
from ledger.log.postgres import PostgresLog
from ledger.log.stored import StoredTables
from ledger.signing import Signer, verify
from ledger.sources import SEALS
from projections.founding import found
from projections.migrate import migrate
from replay.audit import audit
from replay.audited_keys import Pair
from tests.builders import Sent, World
from tests.projections.sealed import SOURCES, history
from tests.sample_province import HOLDER_ENTRY, PROVINCE

SUPERVISOR = "11100000MB03271699"
REF: bytes = HOLDER_ENTRY["ref"]


def small_history() -> World:
    """Accepted and refused records of all chains; a holder's key destroyed at the end."""
    world = history(4)
    world.add_authority(SUPERVISOR, area="210000", roles=["supervisor"])
    world.add_key("supervisor", SUPERVISOR)
    event = world.destroy_event(REF.hex(), [world.license_id("A0")], PROVINCE)
    world.accept(world.sign(event, "province", ("supervisor", 3)))
    return world


class GappedTables(StoredTables):
    """The log's tables as if there were markers between their records."""

    def __init__(self, conn: Connection[Any], gaps: Mapping[str, list[Gap]]) -> None:
        super().__init__(conn)
        self._found = gaps

    @override
    def gaps(self) -> Mapping[str, list[Gap]]:
        return self._found


class AuditedLedger:
    """A ledger in one database and one folder; ``close`` ends all its connections."""

    def __init__(
        self, dsn: str, folder: Path, world: World, *, archived: bool = False
    ) -> None:
        self.dsn = dsn
        self.world = world
        self.journal = folder / "checkpoints"
        self.archive = folder / "archive" if archived else None
        self.destroyed: set[Pair] = {(REF, world.license_id("A0"))}
        self.said: list[str] = []
        self.gaps: dict[str, list[Gap]] = {}
        self._stack = ExitStack()
        self.conn = self.connect()
        self.log = PostgresLog(self.connect())
        self.log.create([*SOURCES, SEALS])
        self.head = HeadStore(self.connect())
        self.head.create()
        migrate(self.connect())
        self._sealer: Sealer | None = None
        self._projector = Projector(
            self.connect(), log=self.log, head=self.head, sources=SOURCES
        )

    def connect(self) -> Connection[Any]:
        return self._stack.enter_context(psycopg.connect(self.dsn, autocommit=True))

    def close(self) -> None:
        self._stack.close()

    def append(self, records: Iterable[Sent]) -> None:
        for sent in records:
            self.log.append(sent.source, [sent.data])

    def seal(self) -> bool:
        if self._sealer is None:
            keys = SealingKeys(found(self.log), self._signer_of)
            self._sealer = Sealer(
                self.log,
                self.head,
                keys,
                origin=keys.origin_line,
                clock=lambda: self.world.now,
                verify=verify,
                journal=CheckpointJournal(self.journal),
                archive=self._opened_archive(),
                accept_clock=True,
            )
        return self._sealer.step()

    def project(self) -> int:
        return self._projector.step()

    def fill(self, size: int = 8) -> None:
        """Appends all of the world's records, ``size`` to a seal, and settles."""
        records = self.world.records
        for start in range(0, len(records), size):
            self.append(records[start : start + size])
            self.seal()
            self.project()
        self.settle()

    def settle(self) -> None:
        while self.seal() or self.project():
            pass

    def audit(self) -> dict[str, Any]:
        """One audit over connections of its own."""
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            return audit(
                conn,
                log=self.log,
                journal=CheckpointJournal(self.journal),
                destroyed=lambda: self.destroyed,
                say=self.said.append,
                archive=self.archive,
                counts=GappedTables(conn, self.gaps),
            )

    def mark(self, source: str, gap: Gap) -> None:
        """Lets the log have markers before a record, and the head know of them."""
        self.gaps.setdefault(source, []).append(gap)
        HeadGaps(self.conn).note(source, gap)

    def failures(self) -> dict[int, str]:
        """Step number -> first failure of the steps that failed now."""
        document = self.audit()
        failed = {
            step["number"]: step["first_failure"]
            for step in document["steps"]
            if step["failed"]
        }
        assert document["result"] == ("fail" if failed else "pass")
        return failed

    def end_of(self, source: str) -> int:
        return self.log.ends()[source]

    def _opened_archive(self) -> Archive | None:
        if self.archive is None:
            return None
        return self._stack.enter_context(closing(Archive(self.archive)))

    def _signer_of(self, public_key: bytes) -> Signer:
        signer = self.world.signer("sealer")
        assert signer.public_key == public_key
        return signer
