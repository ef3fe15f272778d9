"""Derives a whole ledger again from its log alone, and names what does not agree with it.

One pass over the seals: the code that judges is the projector's and the sealer's; what
differs is that every signature is verified, that everything stored is compared, and that
a finding is written down and does not end the work where it can go on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.admission import Admission, Verdict
from ledger.errors import LedgerError, Unavailable
from ledger.log.contract import EventLog
from ledger.log.journal import CheckpointJournal
from ledger.log.postgres import translated
from ledger.log.stored import StoredTables
from ledger.registry import Registry
from ledger.seal import decode_seal
from ledger.signing import verify
from ledger.sources import SEALS, source_names
from ledger.tip import Tip
from projections.batches import RECORDS_MAX
from projections.fold import Fold
from projections.founding import SealerKeys, found
from replay.audited_archive import AuditedArchive
from replay.audited_head import AuditedHead
from replay.audited_journal import AuditedJournal
from replay.audited_keys import AuditedKeys, Pair
from replay.audited_log import AuditedLog, AuditedReader, SealStream, record_at
from replay.audited_sources import AuditedSources, SourceCounts
from replay.audited_tables import AuditedTables
from replay.audited_tree import AuditedTree
from replay.audited_verdicts import AuditedVerdicts
from replay.findings import Check, Findings
from replay.guard import Guard
from replay.places import Places

if TYPE_CHECKING:
    from psycopg import Connection


def audit(
    conn: Connection[Any],
    *,
    log: EventLog,
    journal: CheckpointJournal | None,
    destroyed: Callable[[], Iterable[Pair]] | None,
    say: Callable[[str], None],
    threads: int = 1,
    counts: SourceCounts | None = None,
    archive: Path | None = None,
) -> dict[str, Any]:
    """Audits what is sealed when it starts; returns the document of `audit --json`.

    ``conn`` is in autocommit mode, gives tuples, and is the audit's own: it holds one
    snapshot and temporary tables until it is closed. ``destroyed`` gives the pairs that
    the key store destroyed, None where it cannot be asked. ``threads`` verify what was
    signed alone. ``counts``: of a log that is not in tables of this database. ``archive``:
    the folder; the judging goes on from its records where the log lacks them. Raises
    Unavailable only.
    """
    findings = Findings()
    lines = AuditedJournal(journal, findings)
    kept = AuditedArchive(archive, findings)
    with (
        ThreadPoolExecutor(threads) as pool,
        translated("auditing"),
        conn.transaction(),
    ):
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        one = Audit(
            conn,
            log=log,
            journal=lines,
            archive=kept,
            findings=findings,
            say=say,
            pool=pool,
            counts=counts,
        )
        one.run(destroyed)
    return {
        "result": "pass" if findings.passed else "fail",
        "records": one.records,
        "accepted": one.accepted,
        "refused": one.records - one.accepted,
        "root": one.tree.root.hex(),
        "steps": findings.steps(),
    }


class Audit:
    """One audit inside one transaction."""

    def __init__(
        self,
        conn: Connection[Any],
        *,
        log: EventLog,
        journal: AuditedJournal,
        archive: AuditedArchive,
        findings: Findings,
        say: Callable[[str], None],
        pool: ThreadPoolExecutor,
        counts: SourceCounts | None,
    ) -> None:
        self.records = self.accepted = 0
        self._log = log
        self._journal = journal
        self._archive = archive
        self._findings = findings
        self._say = say
        self._pool = pool
        self._guard = Guard(conn, findings)
        self._keys = AuditedKeys(findings)
        self._registry = Registry()
        self._stored = StoredTables(conn)
        self._sources = AuditedSources(counts or self._stored, findings)
        self._tables = AuditedTables(conn, findings)
        self._places = Places(
            log, self._registry, seal_of=self._seal_of, subject_of=self._subject_of
        )
        self.tree = AuditedTree(self._stored_tile, self._places, findings)

    def run(self, destroyed: Callable[[], Iterable[Pair]] | None) -> None:
        """Does all steps."""
        with self._guard.over(Check.LOG, "schema log"):
            self._sources.read()
        with self._guard.over(Check.TABLES, "schema views"):
            self._tables.prepare(self._stored_size)
        head = self._guard.ask(Check.HEAD, "head.head", self._stored.head)
        self._published = head[2] if head is not None else -1
        try:
            fold = self._fold()
        except Unavailable:
            raise
        except LedgerError as error:
            self._findings.fail(Check.LOG, f"registry, record 0: {error}")
            return
        self._follow(fold)
        if destroyed is None:
            self._say("the key store was not asked what it destroyed")
            return
        with self._guard.over(Check.KEY_STORE, "key store"):
            self._keys.compare(destroyed)

    def _fold(self) -> Fold:
        self._stream = SealStream(
            self._log,
            end=self._sources.seals_end,
            published=self._published,
            stored=self._stored_seal,
            findings=self._findings,
        )
        log = AuditedLog(self._log, self._stream, self._archive)
        founding = found(log)
        keys = SealerKeys(self._registry, founding)
        self._reader = AuditedReader(
            origin=keys.origin_line,
            keys=keys,
            verify=verify,
            seen=self._stream.seen,
        )
        self._reader.follow(self._stream, self._findings)
        self._own = AuditedVerdicts(self._places, self._findings)
        self._head = AuditedHead(self._stored, self._findings, self._stream.bridged)
        return Fold(
            log=log,
            reader=self._reader,
            admission=Admission(self._registry, {}, pool=self._pool),
            sources=source_names(founding.partitions),
            own=self._own,
            load=self._tables.load,
            nexts={},
            seals_next=0,
        )

    def _follow(self, fold: Fold) -> None:
        """Judges everything; the tables first as far as they are projected."""
        self._stream.stop_at = self._tables.reached
        complete = self._judge(fold, projected=True)
        projected = fold.reader.tip
        with self._guard.over(Check.TABLES, "schema views"):
            self._tables.compare()
            self._tables.compare_migrations()
        self._stream.stop_at = None
        complete = complete and self._judge(fold, projected=False)
        if complete:
            self._finish(fold.reader.tip, projected)

    def _judge(self, fold: Fold, *, projected: bool) -> bool:
        """Judges what the stream gives; False if the fold cannot go on."""
        while True:
            batch = self._guard.ask(
                Check.RECORDS,
                f"behind {self.records} records",
                lambda: fold.batch(records_max=RECORDS_MAX),
            )
            if batch is None:
                return False
            if not self._reader.taken:
                return True
            self._take(batch.verdicts)
            if projected and batch.verdicts:
                with self._guard.over(Check.TABLES, "a fresh fold"):
                    self._tables.write(batch.verdicts, fold.admission)
            self._reader.taken.clear()

    def _take(self, verdicts: list[Verdict]) -> None:
        before = self.records
        self._findings.checked(Check.RECORDS, len(verdicts))
        for verdict in verdicts:
            if verdict.accepted:
                self.accepted += 1
                self._keys.take(verdict)
        with self._guard.over(Check.HEAD, "schema head"):
            self._head.take(self._reader.taken)
        at = 0
        for seal, _, _ in self._reader.taken:
            end = at + sum(given["to"] - given["from"] for given in seal["ranges"])
            self.tree.take(seal, [one.leaf for one in verdicts[at:end]])
            self._journal.take(seal)
            at = end
        self._archive.take(verdicts)
        self.records += len(verdicts)
        if self.records // 50_000 != before // 50_000:
            self._say(f"{self.records} records audited")

    def _finish(self, tip: Tip, projected: Tip) -> None:
        self._sources.finish(tip.nexts, self._registry.sources())
        with self._guard.over(Check.TILES, "head.tile"):
            self.tree.finish(self._stored.tile_keys())
        with self._guard.over(Check.HEAD, "schema head"):
            self._head.finish(
                tip,
                waiting=self._own.waiting(),
                offered_to=projected.seal_no + 1,
                seal_at=self._seal_at,
                seal_of=self._stream.seen,
                gaps=self._sources.gaps(),
            )
        with self._guard.over(Check.TABLES, "views.tracking"):
            self._tables.compare_places(
                projected,
                last=self._stream.last_idle(projected.seal_no),
                ordinal_of=self._stream.ordinal_of,
            )
        self._archive.finish(tip.tree_size)
        self._journal.finish(min(tip.seal_no, self._published))
        for source in self._sources.succeeded(tip.nexts, self._registry.sources()):
            self._say(
                f"{source} was succeeded: its {tip.nexts[source]} sealed records were "
                "read from the archive"
            )
        if unsealed := self._sources.unsealed(tip.nexts):
            self._say(f"{unsealed} records of the log are not sealed yet")
        if waiting := sum(own["count"] for own in self._own.waiting().values()):
            self._say(f"{waiting} verdicts are not sealed yet")

    def _stored_seal(self, seal_no: int) -> bytes | None:
        return self._guard.ask(
            Check.HEAD, "head.seal", lambda: self._stored.seal_data(seal_no)
        )

    def _stored_size(self, seal_no: int) -> int | None:
        return self._guard.ask(
            Check.HEAD, "head.seal", lambda: self._stored.size_after(seal_no)
        )

    def _stored_tile(self, level: int, index: int) -> bytes | None:
        return self._guard.ask(
            Check.TILES, "head.tile", lambda: self._stored.tile(level, index)
        )

    def _subject_of(self, position: int) -> str | None:
        return self._guard.ask(
            Check.TABLES,
            "views.audit_trail",
            lambda: self._tables.subject_of(position),
        )

    def _seal_at(self, ordinal: int) -> bytes | None:
        inside = 0 <= ordinal < self._sources.seals_end
        return record_at(self._log, SEALS, ordinal) if inside else None

    def _seal_of(self, position: int) -> bytes | None:
        """The seal that covers a position: the first whose tree is larger."""

        def size(seal_no: int) -> int:
            data = self._stream.seen(seal_no)
            return decode_seal(data)["tree_size"] if data is not None else 0

        taken = range(self._reader.tip.seal_no + 1)
        return self._stream.seen(bisect_right(taken, position, key=size))
