"""The derived tables made again from an audit's own verdicts, against the stored ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from ledger.admission import Admission, Verdict
from ledger.chain import ChainState
from ledger.sources import REGISTRY, base_of
from ledger.tip import Tip
from projections import store
from projections.batches import keep_recent
from projections.differences import (
    TEMPORARY,
    difference,
    make_temporary,
    search,
)
from projections.migrate import VIEWS, migrations
from projections.resume import behind_name, taken_name
from projections.store import TABLES
from replay.findings import Check, Findings

if TYPE_CHECKING:
    from psycopg import Connection

_LIBRARY = "__migration__"  # how eventsourcing marks its table's form
_TRACKED = "SELECT application_name, notification_id FROM views.tracking"
_TRAIL_END = "SELECT coalesce(max(position) + 1, 0) FROM views.audit_trail"
_APPLIED = "SELECT name, sm3 FROM views.schema_migration"
_SUBJECT = "SELECT chain, subject FROM views.audit_trail WHERE position = %s"


class AuditedTables:
    """A second set of all tables, temporary, inside the caller's transaction.

    ``reached``: how many records are projected. The tables take verdicts until then, so
    that a ledger at work is compared as it stood in this transaction's snapshot.
    """

    def __init__(self, conn: Connection[Any], findings: Findings) -> None:
        self._conn = conn
        self._findings = findings
        self._tracked: dict[str, int] = {}
        self.reached = 0

    def prepare(self, size_after: Callable[[int], int | None]) -> None:
        """Reads where the stored tables stand and makes the empty second set.

        ``size_after``: what the head says of the size of the tree after a seal.
        """
        self._tracked = dict(self._conn.execute(_TRACKED).fetchall())
        make_temporary(self._conn)
        self.reached = self._reached(size_after)

    def write(self, verdicts: Sequence[Verdict], admission: Admission) -> None:
        """Writes a batch as the projector does; lets go of chains that are many."""
        search(self._conn, TEMPORARY)
        with self._conn.cursor() as cur:
            store.write(cur, verdicts, admission)
        keep_recent(admission.chains, verdicts)

    def load(self, subjects: Collection[str]) -> dict[tuple[str, str], ChainState]:
        """Chains that were let go of."""
        search(self._conn, TEMPORARY)
        return store.load_chains(self._conn, subjects)

    def compare(self) -> None:
        """Compares all tables; the caller has written all that is projected."""
        for table in TABLES:
            self._findings.checked(Check.TABLES)
            found = difference(self._conn, VIEWS, table)
            if found is not None:
                self._findings.fail(Check.TABLES, found)

    def compare_places(
        self, tip: Tip, *, last: int, ordinal_of: Callable[[int], int]
    ) -> None:
        """Compares what the projector says of itself with ``tip``, where it stands.

        ``last``: the last seal up to which it has nothing to write; ``ordinal_of``: the
        place of a seal in ``seals``, the end behind the last one.
        """
        bounds = {name: (count, count) for name, count in tip.nexts.items() if count}
        for source in list(bounds):
            taken = self._tracked.get(taken_name(source), 0)
            behind = ordinal_of(taken - 1) + 1 if taken > 0 else 0
            bounds[taken_name(source)] = (1, last + 1)
            bounds[behind_name(source)] = (behind, behind)
        bounds[_LIBRARY] = (1, 1)
        for name in sorted(bounds.keys() | self._tracked.keys()):
            found = self._tracked.get(name, 0)
            least, most = bounds.get(name, (0, 0))
            self._findings.checked(Check.TABLES)
            if not least <= found <= most:
                self._findings.fail(
                    Check.TABLES,
                    f"views.tracking, {name}: says {found}, expected {most}",
                )

    def compare_migrations(self) -> None:
        """Compares the SQL files that made the tables with those of this program."""
        found = dict(self._conn.execute(_APPLIED).fetchall())
        expected = {migration.name: migration.sm3 for migration in migrations()}
        for name in sorted(found.keys() | expected.keys()):
            self._findings.checked(Check.TABLES)
            if found.get(name) != expected.get(name):
                self._findings.fail(
                    Check.TABLES, f"views.schema_migration, {name}: another text"
                )

    def subject_of(self, position: int) -> str | None:
        """What the stored audit trail says a record is about."""
        row = self._conn.execute(_SUBJECT, (position,)).fetchone()
        return f"{row[0]} {row[1]}" if row and row[1] else None

    def _reached(self, size_after: Callable[[int], int | None]) -> int:
        """How many records are projected, as most of three places say.

        One of them may be what somebody changed: then it is that which differs.
        """
        said = [sum(n for name, n in self._tracked.items() if _is_source(name))]
        said += [row[0] for row in self._conn.execute(_TRAIL_END)]
        taken = [n for name, n in self._tracked.items() if _is_taken(name)]
        size = size_after(max(taken, default=0) - 1)
        votes = Counter(said if size is None else [*said, size])
        return max(votes, key=lambda count: (votes[count], count))


def _is_taken(name: str) -> bool:
    return name == taken_name(name.rpartition("/")[2])


def _is_source(name: str) -> bool:
    return base_of(name).rsplit("-", 1)[0] in (REGISTRY, "events")
