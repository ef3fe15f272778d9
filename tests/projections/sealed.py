"""A small province's records in a log, really sealed, for projectors to follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg
from psycopg import Connection

from consumers.project import Projector
from consumers.seal import Sealer
from consumers.sealing_keys import SealingKeys
from ledger.log.head import HeadStore
from ledger.log.memory import MemoryLog, MemoryStore
from ledger.signing import Signer, verify
from ledger.sources import SEALS, source_names
from projections.digest import digests
from projections.founding import found
from projections.migrate import VIEWS, migrate, use_schema
from projections.store import TABLES
from replay.rebuild import Rebuild, begin, make_indexes, summed_up
from tests.builders import Sent, World, province
from tests.projections.archived import add_archived
from tests.sample_province import TODAY

DAY_US = 86_400_000_000
PARTITIONS = 3
SOURCES = source_names(PARTITIONS)


def history(licenses: int = 9) -> World:
    """Licenses with their acts, refused attempts and bytes that are no record."""
    world = province(partitions=PARTITIONS)
    for n in range(licenses):
        issued = world.issue(f"A{n}")
        subject = world.license_id(f"A{n}")
        if n % 3 == 0:
            world.act("REVOKE", subject)
            world.admit(issued.data, issued.source)  # a repeat: duplicate
        if n % 3 == 1:
            stale = world.signed(
                "SUSPEND", subject, fields={"term_until": "2026-09-01"}
            )
            world.accept(stale)
            world.send(world.signed("RENEW", subject, fields={"valid_until": "x"}))
        if n % 3 == 2:
            tampered = world.signed(
                "SUSPEND", subject, fields={"term_until": "2026-09-01"}
            )
            world.admit(
                tampered.data[:-10] + bytes(8) + tampered.data[-2:], tampered.source
            )
        if n % 4 == 0:
            world.admit(b"\xc3\x01 no record %d" % n, f"events-{n % PARTITIONS}")
    world.add_key("late key", "11210100999990029X")
    world.issue("B1", effective_at=TODAY + 5 * DAY_US)
    world.act("CANCEL", world.license_id("B1"), effective_at=TODAY + 6 * DAY_US)
    add_archived(world)
    return world


class SealedLedger:
    """One log with its head; ``close`` ends all its connections."""

    def __init__(self, dsn: str, world: World) -> None:
        self.dsn = dsn
        self.world = world
        self.store = MemoryStore((SEALS, *SOURCES))
        self.log = MemoryLog(self.store)
        self._stack = ExitStack()
        self.conn = self.connect()
        self.head = HeadStore(self.connect())
        self.head.create()
        migrate(self.conn)
        self._sealer: Sealer | None = None

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
                accept_clock=True,
            )
        return self._sealer.step()

    def seal_each(self, size: int = 1) -> None:
        """Seals all of the world's records in their order, ``size`` at a time."""
        records = self.world.records
        for start in range(0, len(records), size):
            self.append(records[start : start + size])
            self.seal()

    def projector(
        self,
        sources: Sequence[str] = SOURCES,
        *,
        conn: Connection[Any] | None = None,
        **given: Any,
    ) -> Projector:
        return Projector(
            conn or self.connect(),
            log=self.log,
            head=self.head,
            sources=sources,
            **given,
        )

    def settle(self, projector: Projector | None = None) -> None:
        """Seals and projects until there is nothing left to do."""
        projector = projector or self.projector()
        while self.seal() or projector.step():
            pass

    def digests(self, schema: str = VIEWS) -> dict[str, bytes]:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            use_schema(conn, schema)
            return digests(conn)

    def rebuilt(self) -> dict[str, bytes]:
        """The digests of all tables, made again from the log alone."""
        conn = self.connect()
        begin(conn)
        Rebuild(conn, log=self.log, head=self.head, sources=SOURCES).catch_up()
        make_indexes(conn)
        return summed_up(conn)

    def empty_views(self) -> None:
        """Puts empty tables in the place of the projected ones."""
        for table in TABLES:
            self.conn.execute(f"TRUNCATE {table.name}".encode())
        self.conn.execute("DELETE FROM tracking WHERE application_name !~ '^__'")

    def _signer_of(self, public_key: bytes) -> Signer:
        signer = self.world.signer("sealer")
        assert signer.public_key == public_key
        return signer
