"""The projector: follows the seals and keeps the tables of its sources up to them.

One transaction holds the rows of a batch, its verdicts for the sealer, and the tracking
rows, which move by compare-and-swap. So a kill at any statement leaves the tables at the
end of a batch, and a projector that lost its sources to another writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.postgres import translated
from projections.batches import RECORDS_MAX, write_batch
from projections.fold import Batch, Fold
from projections.migrate import VIEWS, use_schema
from projections.resume import own_places, resume
from projections.tracking import Fenced, Tracking

if TYPE_CHECKING:
    from psycopg import Connection


class Projector:
    """Projects some sources of one log into one schema.

    ``conn`` is in autocommit mode, belongs to one thread and to this projector; ``log``
    and ``head`` use others. ``sources`` in sealed order; with ``registry`` among them
    the registry's tables are written too. Who else projects these sources at the same
    time does no harm: one of the two is fenced. ``written`` counts records.
    """

    def __init__(
        self,
        conn: Connection[Any],
        *,
        log: EventLog,
        head: HeadStore,
        sources: Sequence[str],
        schema: str = VIEWS,
        records_max: int = RECORDS_MAX,
    ) -> None:
        use_schema(conn, schema)
        self._conn = conn
        self._log = log
        self._head = head
        self._sources = tuple(sources)
        self._records_max = records_max
        self._tracking = Tracking(conn, schema=schema)
        self._tracked: dict[str, int] = {}
        self._fold: Fold | None = None
        self.written = 0

    def step(self) -> bool:
        """Projects what is sealed, up to ``records_max`` records or one seal.

        False at the end of ``seals``; True also when all that was read was of other
        sources. Raises Fenced when another projector moved a source, Untrusted when a
        sealed verdict differs from the own one: then nothing of the batch is written.
        The next step starts from the tables again.
        """
        fold = self._fold or self._resume()
        # Until the batch is written, memory is ahead of the tables: a failure drops it.
        self._fold = None
        before = fold.reader.tip.seal_no
        with translated("projecting"):
            batch = self._judge(fold)
            write_batch(
                self._conn,
                fold,
                batch,
                tracking=self._tracking,
                tracked=self._tracked,
                sources=self._sources,
            )
        self._fold = fold
        self.written += batch.count
        return fold.reader.tip.seal_no > before

    def _resume(self) -> Fold:
        with translated("starting to project"):
            self._tracked = dict(self._tracking.ordinals())
            return resume(
                self._conn,
                self._tracked,
                log=self._log,
                head=self._head,
                sources=self._sources,
            )

    def _judge(self, fold: Fold) -> Batch:
        try:
            return fold.batch(records_max=self._records_max)
        except Exception as error:
            # A rival moves the chains that are read here: whatever follows from that
            # is no finding about the ledger.
            before = own_places(self._tracked, self._sources)
            now = own_places(self._tracking.ordinals(), self._sources)
            for name in sorted(now.keys() | before.keys()):
                if now.get(name, 0) != before.get(name, 0):
                    raise Fenced(
                        "another projector moved this source",
                        expected=f"next record {before.get(name, 0)}",
                        found=f"next record {now.get(name, 0)}",
                        where=name,
                    ) from error
            raise
