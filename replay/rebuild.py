"""Makes the tables again from log and seals, into a schema of their own, and swaps it in.

The code that judges and writes is the projector's; what differs is that nothing is read
back, that most indexes come last, and that no verdict is offered to the sealer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from ledger.errors import Unavailable
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.postgres import translated
from projections import store
from projections.digest import digests
from projections.fold import Fold
from projections.migrate import VIEWS, migrate, use_schema
from projections.resume import advance, resume
from projections.tracking import TABLE as TRACKING
from projections.tracking import Tracking
from replay.compare import same_place
from replay.sealed_verdicts import SealedVerdicts

REBUILD = "rebuild"
REPLACED = "replaced"
RECORDS_MAX = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild made; ``digests`` by table, 32 bytes each."""

    records: int
    accepted: int
    seal_no: int
    digests: dict[str, bytes]


class Rebuild:
    """One rebuild of all tables of a ledger into the schema REBUILD.

    ``conn`` is in autocommit mode and the rebuild's own; ``log`` and ``head`` use others.
    ``sources``: all sources of the ledger. What an earlier, unfinished rebuild left is
    dropped. With ``trust_sealed_verdicts`` the signatures that sealed verdicts vouch for
    are not computed again; an audit computes them.
    """

    def __init__(
        self,
        conn: Connection[Any],
        *,
        log: EventLog,
        head: HeadStore,
        sources: Sequence[str],
        trust_sealed_verdicts: bool = False,
    ) -> None:
        self._conn = conn
        self._sources = tuple(sources)
        with translated("starting a rebuild"):
            _drop(conn, REBUILD)
            migrate(conn, schema=REBUILD, indexes=False)
            self._tracking = Tracking(conn, schema=REBUILD)
            vouched = SealedVerdicts(head).vouch if trust_sealed_verdicts else None
            self._fold = resume(
                conn,
                {},
                log=log,
                head=head,
                sources=sources,
                load=lambda _: {},
                vouched=vouched,
            )
        self._tracked: dict[str, int] = {}
        self._records = self._accepted = 0

    def run(self, *, progress: Callable[[int], None] = lambda _: None) -> Rebuilt:
        """Folds all that is sealed, makes the indexes, catches up, and sums it up.

        ``progress`` is told the number of records after every batch. Raises Untrusted
        when a sealed verdict differs from the one found here.
        """
        self.catch_up(progress=progress)
        with translated("making indexes"):
            migrate(self._conn, schema=REBUILD)
        self.catch_up(progress=progress)
        with translated("summing up a rebuild"):
            self._conn.execute("ANALYZE")
            return Rebuilt(
                records=self._records,
                accepted=self._accepted,
                seal_no=self._fold.reader.tip.seal_no,
                digests=digests(self._conn),
            )

    def catch_up(self, *, progress: Callable[[int], None] = lambda _: None) -> None:
        """Folds what was sealed since."""
        while self._step(self._fold):
            progress(self._records)

    def _step(self, fold: Fold) -> bool:
        with translated("rebuilding"):
            batch = fold.batch(records_max=RECORDS_MAX)
            if not batch.count:
                return False
            with self._conn.transaction(), self._conn.cursor() as cur:
                moved = advance(
                    self._tracking,
                    cur,
                    fold,
                    tracked=self._tracked,
                    sources=self._sources,
                )
                store.write(cur, batch.verdicts, fold.admission)
        self._tracked.update(moved)
        self._records += batch.count
        self._accepted += sum(verdict.accepted for verdict in batch.verdicts)
        return True


def swap(conn: Connection[Any], *, live: str = VIEWS, fresh: str = REBUILD) -> None:
    """Puts the rebuilt schema in the place of the live one, in one transaction.

    Projectors and readers wait for it and go on with the new tables. Raises Unavailable,
    and changes nothing, when the two do not stand at the same place: catch up first.
    """
    with translated("swapping schemas"), conn.transaction():
        # A projector takes its tracking rows before it writes anything: whoever is in
        # a transaction now ends it first, and nobody writes into the old tables after.
        conn.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                sql.Identifier(live, TRACKING)
            )
        )
        if not same_place(conn, live, fresh):
            raise Unavailable(
                "live tables and rebuilt ones stand at different places",
                expected="the same number of records of every source",
                found="another one",
                where=f"{live}, {fresh}",
            )
        _rename(conn, live, REPLACED)
        _rename(conn, fresh, live)
    with translated("dropping the replaced schema"):
        _drop(conn, REPLACED)
    use_schema(conn, live)


def _rename(conn: Connection[Any], old: str, new: str) -> None:
    statement = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    conn.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))


def _drop(conn: Connection[Any], schema: str) -> None:
    statement = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
    conn.execute(statement.format(sql.Identifier(schema)))
