"""Makes the tables again from log and seals, into a schema of their own, and swaps it in.

The code that judges and writes is the projector's; what differs is that nothing is read
back, that most indexes come last, and that no verdict is offered to the sealer unless
the live tables cannot be projected into any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.log.contract import EventLog
from ledger.log.head import HeadStore, offer_verdicts
from ledger.log.postgres import translated
from projections import store
from projections.digest import digests
from projections.fold import Fold
from projections.migrate import VIEWS, migrate
from projections.resume import advance, resume
from projections.swap import drop, swap
from projections.tracking import Tracking
from replay.sealed_verdicts import SealedVerdicts

if TYPE_CHECKING:
    from psycopg import Connection

REBUILD = "rebuild"
RECORDS_MAX = 4_000


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
    are not computed again; an audit computes them. ``offers``: the sealer is handed the
    verdicts too, as of records that no projector has judged; what it has, it has.
    """

    def __init__(
        self,
        conn: Connection[Any],
        *,
        log: EventLog,
        head: HeadStore,
        sources: Sequence[str],
        trust_sealed_verdicts: bool = False,
        offers: bool = False,
    ) -> None:
        self._conn = conn
        self._offers = offers
        self._sources = tuple(sources)
        with translated("starting a rebuild"):
            drop(conn, REBUILD)
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
                if self._offers:
                    offer_verdicts(cur, batch.ranges)
        self._tracked.update(moved)
        self._records += batch.count
        self._accepted += sum(verdict.accepted for verdict in batch.verdicts)
        return True


def swap_in(conn: Connection[Any], *, ahead: bool = False) -> None:
    """Puts the rebuilt tables in the place of the live ones.

    Raises Unavailable when they do not stand at the same place: catch up first.
    ``ahead``: they may hold more records, whose verdicts the rebuild has offered.
    """
    swap(conn, live=VIEWS, fresh=REBUILD, ahead=ahead)
