"""The projector: follows the seals and keeps the tables of its sources up to them.

One transaction holds the rows of a batch, its verdicts for the sealer, and the tracking
rows, which move by compare-and-swap. So a kill at any statement leaves the tables at the
end of a batch, and a projector that lost its sources to another writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ledger.errors import Unavailable
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore, offer_verdicts
from ledger.log.postgres import translated
from projections import store
from projections.fold import Batch, Fold
from projections.migrate import VIEWS, use_schema
from projections.resume import advance, own_places, resume
from projections.tracking import Fenced, Tracking

if TYPE_CHECKING:
    from psycopg import Connection

RECORDS_MAX = 4_000
CHAINS_KEPT = 8_192
_WAIT_S = 1.0  # a lost notification costs this much, never more
_OWN = (
    "SELECT pg_try_advisory_lock(hashtextextended('license-ledger/project/' || %s, 0))"
)
_DISOWN = (
    "SELECT pg_advisory_unlock(hashtextextended('license-ledger/project/' || %s, 0))"
)


class Projector:
    """Projects some sources of one log into one schema.

    ``conn`` is in autocommit mode, belongs to one thread and to this projector; ``log``
    and ``head`` use others. ``sources`` in sealed order; with ``registry`` among them
    the registry's tables are written too.
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

    def acquire(self) -> bool:
        """Takes the sources for this connection; False when another process has one.

        The compare-and-swap is what protects the tables; this lock only spares two
        projectors from doing the same work. It ends with the connection.
        """
        taken: list[str] = []
        with translated("owning sources"):
            for source in self._sources:
                row = self._conn.execute(_OWN, (source,)).fetchone()
                if row is None or not row[0]:
                    self._release(taken)
                    return False
                taken.append(source)
        return True

    def release(self) -> None:
        """Gives the sources back."""
        self._release(self._sources)

    def _release(self, sources: Sequence[str]) -> None:
        with translated("releasing sources"):
            for source in sources:
                self._conn.execute(_DISOWN, (source,))

    def step(self) -> int:
        """Projects what is sealed, up to ``records_max`` records or one seal.

        Returns the number of records written, 0 at the end of ``seals``. Raises Fenced
        when another projector moved a source, Untrusted when a sealed verdict differs
        from the own one: then nothing of the batch is written. The next step starts from
        the tables again.
        """
        fold = self._fold or self._resume()
        # Until the batch is written, memory is ahead of the tables: a failure drops it.
        self._fold = None
        with translated("projecting"):
            batch = self._judge(fold)
            if batch.count:
                self._write(fold, batch)
        self._fold = fold
        return batch.count

    @property
    def seal_no(self) -> int:
        """The number of the last seal that was followed, -1 for none."""
        return -1 if self._fold is None else self._fold.reader.tip.seal_no

    def run_until(self, seal_no: int, *, wait_s: float = 30.0) -> int:
        """Projects up to a seal and returns the number of records written.

        Raises Unavailable when the log brings nothing new for ``wait_s`` seconds.
        """
        written = idle = 0
        while True:
            written += (count := self.step())
            if self.seal_no >= seal_no:
                return written
            idle = 0 if count else idle + 1
            if idle * _WAIT_S > wait_s:
                raise Unavailable(
                    "the seal did not come",
                    expected=f"seal {seal_no}",
                    found=f"seal {self.seal_no}",
                )
            if not count:
                self._log.wait(_WAIT_S)

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
            now = self._tracking.ordinals()
            for name, ordinal in own_places(self._tracked, self._sources).items():
                if now.get(name, 0) != ordinal:
                    raise Fenced(
                        "another projector moved this source",
                        expected=f"next record {ordinal}",
                        found=f"next record {now.get(name, 0)}",
                        where=name,
                    ) from error
            raise

    def _write(self, fold: Fold, batch: Batch) -> None:
        with self._conn.transaction(), self._conn.cursor() as cur:
            moved = advance(
                self._tracking,
                cur,
                fold,
                tracked=self._tracked,
                sources=self._sources,
            )
            store.write(cur, batch.verdicts, fold.admission)
            offer_verdicts(cur, batch.ranges)
        self._tracked.update(moved)
        _keep_recent(fold, batch)


def _keep_recent(fold: Fold, batch: Batch) -> None:
    """Drops the chains that were not touched for longest; CAS vouches for the rest."""
    chains = fold.admission.chains
    for verdict in batch.verdicts:
        event = verdict.event
        if event is None:
            continue
        state = chains.pop((event["chain"], event["subject"]), None)
        if state is not None:
            chains[event["chain"], event["subject"]] = state
    for key in list(chains)[: max(0, len(chains) - CHAINS_KEPT)]:
        del chains[key]
