"""Makes the tables again from log and seals, into a schema of their own, and swaps it in.

The code that judges and writes is the projector's; what differs is that most indexes
come last, and that no verdict is offered to the sealer unless the live tables cannot be
projected into any more. Several rebuilds, each of sources of its own, may fill the same
schema at the same time, in as many processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.postgres import translated
from projections.batches import RECORDS_MAX, write_batch
from projections.digest import digests
from projections.fold import Vouched
from projections.migrate import VIEWS, migrate, use_schema
from projections.resume import own_places, resume
from projections.store import analyze
from projections.swap import drop, swap
from projections.tracking import Tracking

if TYPE_CHECKING:
    from psycopg import Connection

REBUILD = "rebuild"


def begin(conn: Connection[Any]) -> None:
    """Makes the schema REBUILD, empty; what an unfinished rebuild left is dropped."""
    with translated("starting a rebuild"):
        drop(conn, REBUILD)
        migrate(conn, schema=REBUILD, indexes=False)


class Rebuild:
    """Folds some sources of a ledger into the schema REBUILD.

    It goes on from where that schema's tables stand. ``conn`` is in autocommit mode and
    the rebuild's own; ``log`` and ``head`` use others. ``sources``: in sealed order; with
    ``registry`` among them the registry's tables are written too. Signatures that are
    ``vouched`` for are not computed again; an audit computes them. ``offers``: the sealer
    is handed the verdicts too, as of records that no projector has judged; what it has,
    it has. Nobody else may fill the schema with these sources: see ``projections.claims``.
    """

    def __init__(
        self,
        conn: Connection[Any],
        *,
        log: EventLog,
        head: HeadStore,
        sources: Sequence[str],
        vouched: Vouched | None = None,
        offers: bool = False,
        records_max: int = RECORDS_MAX,
    ) -> None:
        self._conn = conn
        self._offers = offers
        self._records_max = records_max
        self._sources = tuple(sources)
        with translated("starting a rebuild"):
            use_schema(conn, REBUILD)
            self._tracking = Tracking(conn, schema=REBUILD)
            self._tracked = dict(self._tracking.ordinals())
            self._fold = resume(
                conn,
                self._tracked,
                log=log,
                head=head,
                sources=sources,
                vouched=vouched,
            )

    @property
    def seal_no(self) -> int:
        """The last seal that was read; -1 for none."""
        return self._fold.reader.tip.seal_no

    def catch_up(self, *, told: Callable[[int], None] = lambda _: None) -> None:
        """Folds all that is sealed; ``told`` the records of its sources after each batch.

        Raises Untrusted when a sealed verdict differs from the one found here.
        """
        while self.step():
            told(sum(own_places(self._tracked, self._sources).values()))

    def step(self) -> bool:
        """Folds one batch; False at the end of ``seals``."""
        before = self.seal_no
        with translated("rebuilding"):
            batch = self._fold.batch(records_max=self._records_max)
            write_batch(
                self._conn,
                self._fold,
                batch,
                tracking=self._tracking,
                tracked=self._tracked,
                sources=self._sources,
                offers=self._offers,
            )
        return self.seal_no > before


def make_indexes(conn: Connection[Any]) -> None:
    """Makes what the bulk load did without, and what the planner wants to know."""
    with translated("making indexes"):
        migrate(conn, schema=REBUILD)
        analyze(conn)


def summed_up(conn: Connection[Any]) -> dict[str, bytes]:
    """The digests of the rebuilt tables by name, 32 bytes each."""
    with translated("summing up a rebuild"):
        use_schema(conn, REBUILD)
        return digests(conn)


def swap_in(conn: Connection[Any], *, ahead: bool = False) -> None:
    """Puts the rebuilt tables in the place of the live ones.

    Raises Unavailable when they do not stand at the same place: catch up first.
    ``ahead``: they may hold more records, whose verdicts the rebuild has offered.
    """
    swap(conn, live=VIEWS, fresh=REBUILD, ahead=ahead)
