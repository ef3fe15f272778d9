"""The import of existing stock (存量补录): read, put in order, judge, sign, publish.

Nothing is published before the whole table was read. What was published before a crash is
found in the log again by (system, row key, source act), so running it again goes on.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgspec

from console.importer.desk import ImportDesk
from console.importer.drafts import Drafted, Drafter
from console.importer.intake import Intake, Progress, take_in
from console.importer.license_type import admit_type, type_of
from console.importer.mapping import StockMapping
from console.importer.planner import Planner
from console.importer.proposed import ChainPlan
from console.importer.rejects import Reject, write_rejects
from console.importer.source_table import SourceTable
from console.importer.staging import Staging
from ledger.errors import Unavailable
from ledger.refusals import ACCEPTED
from ledger.workdays import day_to_date, legal_day

IMPORTING: Final = "importing"
ROWS_AT_ONCE: Final = 900
IN_FLIGHT_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of a table: every row is accepted, rejected or unchanged.

    ``rows_legacy`` name their holder by a 15-digit citizen number; ``reasons``: why rows
    were rejected, and how many.
    """

    rows: int
    rows_accepted: int
    rows_rejected: int
    rows_unchanged: int
    rows_legacy: int
    events_accepted: int
    events_refused: int
    reasons: Mapping[str, int]
    rejects_file: Path | None
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """As ``import --json`` prints it."""
        return {
            "rows": self.rows,
            "rows_accepted": self.rows_accepted,
            "rows_rejected": self.rows_rejected,
            "rows_unchanged": self.rows_unchanged,
            "rows_legacy": self.rows_legacy,
            "events_accepted": self.events_accepted,
            "events_refused": self.events_refused,
            "reasons": dict(sorted(self.reasons.items())),
            "rejects_file": str(self.rejects_file) if self.rejects_file else None,
            "seconds": self.seconds,
        }


@dataclass(slots=True, kw_only=True)
class _Tally:
    accepted: int = 0
    unchanged: int = 0
    events_accepted: int = 0
    events_refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """Plans whose events are published and not yet judged."""

    plans: list[ChainPlan]
    digests: list[bytes]
    rows: int


def import_stock(
    desk: ImportDesk,
    mapping: StockMapping,
    table: SourceTable,
    *,
    staging: Path,
    rejects: Path,
    progress: Progress,
    monotonic: Callable[[], float],
) -> ImportResult:
    """Imports one table.

    ``staging``: a folder for what is put in order, emptied before and after; ``rejects``:
    the folder for the rows that stay out. Raises Malformed with nothing done when table
    and mapping do not go together.
    """
    started = monotonic()
    with Staging(staging, desk.random_bytes) as stage:
        run = _Import(desk, mapping, stage, progress)
        intake = run.read(table)
        run.publish()
        reasons = stage.reasons()
        digest = intake.digest if table.whole else _digest(stage.rejects())
        target = rejects / f"{digest}.csv"
        rejected = write_rejects(
            target,
            stage.rejects(),
            header=intake.header,
            delimiter=mapping.delimiter,
        )
    tally = run.tally
    return ImportResult(
        rows=intake.rows,
        rows_accepted=tally.accepted,
        rows_rejected=rejected,
        rows_unchanged=tally.unchanged,
        rows_legacy=intake.legacy,
        events_accepted=tally.events_accepted,
        events_refused=tally.events_refused,
        reasons=reasons,
        rejects_file=target if rejected else None,
        seconds=round(monotonic() - started, 3),
    )


def _digest(rejects: Iterable[tuple[Reject, Sequence[str]]]) -> str:
    """Of rejected rows: rows that are read again and rejected again make no new file."""
    found = hashlib.sha256()
    for _, cells in rejects:
        found.update(msgspec.msgpack.encode(cells))
    return found.hexdigest()


class _Import:
    """One run over one table."""

    def __init__(
        self,
        desk: ImportDesk,
        mapping: StockMapping,
        stage: Staging,
        progress: Progress,
    ) -> None:
        desk.catch_up()
        self.tally = _Tally()
        self._desk = desk
        self._mapping = mapping
        self._stage = stage
        self._progress = progress
        self._kind = type_of(
            mapping, department=desk.department, registry=desk.registry()
        )

    def read(self, table: SourceTable) -> Intake:
        """Stages every row that can be read."""
        return take_in(
            table,
            self._mapping,
            self._kind,
            self._stage,
            issuer=self._mapping.issuer or self._desk.department,
            latest=day_to_date(legal_day(self._desk.now())),
            progress=self._progress,
        )

    def publish(self) -> None:
        """Plans, signs and publishes what is staged, license by license."""
        if not self._stage.rows:
            return
        kind = admit_type(self._kind, self._desk)
        planner = Planner(self._desk, self._mapping, kind)
        flights: deque[_Flight] = deque()
        done = 0
        for licenses in self._stage.groups(ROWS_AT_ONCE):
            plans = planner.plans(licenses)
            rows = sum(map(len, licenses))
            flights.append(self._send(plans, planner.drafter, rows))
            while len(flights) >= IN_FLIGHT_MAX:
                done += self._land(flights.popleft())
                self._progress(done, self._stage.rows, IMPORTING)
        while flights:
            done += self._land(flights.popleft())
        self._progress(self._stage.rows, self._stage.rows, IMPORTING)

    def _send(self, plans: Sequence[ChainPlan], drafter: Drafter, rows: int) -> _Flight:
        for reject in chain.from_iterable(plan.rejects for plan in plans):
            self._stage.reject(reject)
        drafted = drafter.draft(plans)
        digests: list[bytes] = []
        for signed in drafter.sign(drafted.events):
            self._desk.publish(signed)
            digests += [one.digest for one in signed]
        return _Flight(
            plans=self._without_keyless(plans, drafted), digests=digests, rows=rows
        )

    def _without_keyless(
        self, plans: Sequence[ChainPlan], drafted: Drafted
    ) -> list[ChainPlan]:
        """Rows whose license lost its key for good stay out with all their acts."""
        for plan in drafted.keyless:
            for line, indexes in list(plan.rests_on.items()):
                if indexes:
                    self._stage.reject(
                        Reject(
                            line=line,
                            column="",
                            reason="key_destroyed",
                            expected="",
                        )
                    )
                    del plan.rests_on[line]
            plan.proposals = []
        return list(plans)

    def _land(self, flight: _Flight) -> int:
        """Waits for the verdicts of a flight and counts its rows."""
        codes = self._desk.settle(flight.digests) if flight.digests else {}
        given = iter(flight.digests)
        for plan in flight.plans:
            verdicts = [_code(codes, next(given)) for _ in plan.proposals]
            accepted = verdicts.count(ACCEPTED)
            self.tally.events_accepted += accepted
            self.tally.events_refused += len(verdicts) - accepted
            self._count(plan, verdicts)
        return flight.rows

    def _count(self, plan: ChainPlan, verdicts: Sequence[str]) -> None:
        for line, indexes in plan.rests_on.items():
            wrong = [verdicts[i] for i in indexes if verdicts[i] != ACCEPTED]
            if wrong:
                self._stage.reject(
                    Reject(line=line, column="", reason=wrong[0], expected="")
                )
            elif line in plan.own:
                self.tally.accepted += 1
            else:
                self.tally.unchanged += 1


def _code(codes: Mapping[bytes, str], digest: bytes) -> str:
    code = codes.get(digest)
    if code is None:
        raise Unavailable(
            "a published event has no verdict yet",
            code="verdict_pending",
            expected="every event judged; importing again goes on from there",
            where=digest.hex(),
        )
    return code
