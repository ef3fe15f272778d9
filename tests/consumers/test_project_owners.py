"""Sources change hands, in whatever company: the tables are those of one projector."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg import Cursor
from typing_extensions import override

from consumers.locks import Locks, projecting
from consumers.project import Projector
from ledger.errors import Untrusted
from ledger.log.memory import MemoryLog
from ledger.sources import REGISTRY, SEALS
from projections.resume import MARK_EVERY, behind_name, taken_name
from projections.tracking import Fenced, Tracking
from replay.rebuild import REBUILD
from tests.builders import World
from tests.projections.sealed import SOURCES, SealedLedger, history

pytestmark = pytest.mark.postgres

# Each example is a database made anew: making it smaller would take minutes.
_NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module")
def world() -> World:
    return history()


@pytest.fixture
def ledger(dsn: str, world: World) -> Iterator[SealedLedger]:
    made = SealedLedger(dsn, world)
    yield made
    made.close()


class _NotedLog(MemoryLog):
    """Notes from where ``seals`` were read."""

    def __init__(self, ledger: SealedLedger) -> None:
        super().__init__(ledger.store)
        self.starts: list[int] = []

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        if source == SEALS and limit > 1:
            self.starts.append(start)
        return super().read(source, start, limit=limit, size_max=size_max)


def _step_all(projector: Projector) -> None:
    while projector.step():
        pass


def _taken_over(ledger: SealedLedger, sources: Sequence[str]) -> _NotedLog:
    """The reads of a new projector of these sources until it has caught up."""
    log = _NotedLog(ledger)
    projector = Projector(ledger.connect(), log=log, head=ledger.head, sources=sources)
    _step_all(projector)
    return log


def test_other_company_goes_on_behind_the_last_seal_that_all_have_read(
    ledger: SealedLedger,
) -> None:
    ledger.seal_each()
    ledger.settle()
    seals = ledger.log.ends()[SEALS]
    taken = {
        source: n
        for source, n in Tracking(ledger.conn, schema="views").ordinals().items()
        if source.startswith(f"{SEALS}/") and not source.endswith("/next")
    }
    assert set(taken) == {taken_name(source) for source in SOURCES}
    for part in (SOURCES[1:3], SOURCES[3:], (SOURCES[0], SOURCES[2])):
        log = _taken_over(ledger, part)
        assert min(log.starts) == min(taken[taken_name(source)] for source in part)
        assert log.starts[0] > 0
        assert log.starts[-1] == seals
    assert Tracking(ledger.conn, schema="views").ordinals().items() >= taken.items()


def test_without_its_rows_about_seals_a_place_follows_from_the_seals(
    ledger: SealedLedger,
) -> None:
    ledger.seal_each(5)
    ledger.settle()
    expected = ledger.digests()
    ledger.conn.execute("DELETE FROM tracking WHERE application_name LIKE 'seals%'")
    for source, end in ledger.head.load().tip.nexts.items():
        tips = (ledger.head.tip(seal_no) for seal_no in itertools.count())
        brought = next(
            tip.seal_no for tip in tips if tip and tip.nexts.get(source) == end
        )
        assert _taken_over(ledger, [source]).starts[0] == brought + 1
    assert ledger.digests() == expected


def test_rows_about_seals_that_contradict_the_tables_are_not_believed(
    ledger: SealedLedger,
) -> None:
    records = ledger.world.records
    ledger.append(records[: len(records) // 2])
    ledger.settle()
    before = dict(Tracking(ledger.conn, schema="views").ordinals())
    ledger.append(records[len(records) // 2 :])
    while ledger.seal():
        pass
    far = ledger.head.load().tip.seal_no + 1
    ledger.conn.execute(
        "UPDATE tracking SET notification_id = %s WHERE application_name = ANY(%s)",
        (far, [taken_name(source) for source in SOURCES]),
    )
    ledger.settle()
    places = Tracking(ledger.conn, schema="views").ordinals()
    ends = ledger.log.ends()
    assert {s: places[s] for s in SOURCES} == {s: ends[s] for s in SOURCES}
    assert places != before
    assert ledger.digests() == ledger.rebuilt()


def test_a_place_in_seals_is_kept_when_repeats_stand_before_it(
    ledger: SealedLedger,
) -> None:
    records = ledger.world.records
    ledger.append(records[:20])
    ledger.settle()
    [first] = ledger.log.read(SEALS, 0, limit=1, size_max=1)
    for _ in range(50):
        ledger.log.append(SEALS, [first, b"junk"])
    ledger.append(records[20:])
    ledger.settle()
    rows = Tracking(ledger.conn, schema="views").ordinals()
    last = max(SOURCES, key=lambda source: rows[taken_name(source)])
    assert rows[behind_name(last)] > rows[taken_name(last)] + 99
    assert _taken_over(ledger, [last]).starts[0] == rows[behind_name(last)]
    # A row that names another record is worth nothing: every seal took one ordinal.
    ledger.conn.execute(
        "UPDATE tracking SET notification_id = 3 WHERE application_name = %s",
        (behind_name(last),),
    )
    assert _taken_over(ledger, [last]).starts[0] == rows[taken_name(last)]


def test_a_long_way_without_own_records_is_not_gone_twice(
    ledger: SealedLedger,
) -> None:
    ledger.seal_each()
    ledger.settle()
    source = SOURCES[-1]
    row = Tracking(ledger.conn, schema="views").ordinals()[taken_name(source)]
    for n in range(MARK_EVERY + 3):
        ledger.log.append(SOURCES[1], [b"no record %d" % n])
        ledger.seal()
    _taken_over(ledger, [source])
    again = _taken_over(ledger, [source]).starts[0]
    assert again >= row + MARK_EVERY
    places = Tracking(ledger.conn, schema="views").ordinals()
    assert places[taken_name(source)] == again


def test_verdicts_sealed_after_the_last_own_record_are_compared_by_the_successor(
    ledger: SealedLedger,
) -> None:
    ledger.append(ledger.world.records)
    ledger.seal()
    ledger.projector().step()
    ledger.seal()  # this one carries the verdicts
    ledger.conn.execute("UPDATE audit_trail SET verdict = 'stale' WHERE position = 3")
    _step_all(ledger.projector(SOURCES[1:]))
    with pytest.raises(Untrusted) as caught:
        _step_all(ledger.projector([REGISTRY]))
    assert caught.value.where == "position 3, registry"


def test_a_projector_needs_no_owner_of_the_registry(ledger: SealedLedger) -> None:
    ledger.seal_each(4)
    ledger.settle()
    expected = ledger.digests()
    ledger.empty_views()
    for source in reversed(SOURCES):
        _step_all(ledger.projector([source]))
    assert ledger.digests() == expected


def test_locks_are_taken_one_by_one_and_end_with_their_connection(
    ledger: SealedLedger,
) -> None:
    names = [projecting(source) for source in SOURCES]
    conn = ledger.connect()
    first, second = Locks(conn, names[:2]), Locks(ledger.connect(), names)
    assert first.take()
    assert not first.take()
    assert second.take()
    assert second.held == tuple(names[2:])
    conn.close()
    while not second.complete:  # the server notices in its own time
        second.take()
    second.give_back()
    assert second.held == ()
    third = Locks(ledger.connect(), names)
    assert third.take()
    assert third.complete


class _Mortal(psycopg.Connection[Any]):
    """A connection whose client dies at its n-th statement, or after its n-th commit."""

    left = -1

    def count(self) -> None:
        if self.left == 0:
            self.close()
        self.left -= 1


class _MortalCursor(Cursor[Any]):
    @override
    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.connection.count()  # type: ignore[attr-defined]
        return super().execute(*args, **kwargs)

    @override
    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self.connection.count()  # type: ignore[attr-defined]
        return super().copy(*args, **kwargs)


class Owners(RuleBasedStateMachine):
    """Projectors that share sources without asking one another, and die."""

    dsn: str
    world: World
    ends: list[int]

    def __init__(self) -> None:
        super().__init__()
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            conn.execute("DROP SCHEMA IF EXISTS head, views, rebuild CASCADE")
        self.ledger = SealedLedger(self.dsn, self.world)
        self.sent = 0
        self.owners: list[tuple[Projector, _Mortal]] = []

    @rule(count=st.integers(1, 12))
    def seal(self, count: int) -> None:
        records = self.world.records[self.sent : self.sent + count]
        self.sent += len(records)
        self.ledger.append(records)
        if self.sent:
            self.ledger.seal()

    @rule(
        sources=st.lists(st.sampled_from(SOURCES), min_size=1, unique=True),
        records_max=st.sampled_from([1, 7, 4_000]),
    )
    @precondition(lambda self: self.sent and len(self.owners) < 4)
    def start(self, sources: list[str], records_max: int) -> None:
        conn = _Mortal.connect(self.dsn, autocommit=True)
        conn.cursor_factory = _MortalCursor
        sources.sort(key=SOURCES.index)
        projector = self.ledger.projector(sources, conn=conn, records_max=records_max)
        self.owners.append((projector, conn))

    @rule(owner=st.integers(0, 3))
    @precondition(lambda self: self.owners)
    def step(self, owner: int) -> None:
        projector, _ = self.owners[owner % len(self.owners)]
        with suppress(Fenced):
            projector.step()

    @rule(owner=st.integers(0, 3), statements=st.integers(0, 25))
    @precondition(lambda self: self.owners)
    def die_in_a_step(self, owner: int, statements: int) -> None:
        projector, conn = self.owners.pop(owner % len(self.owners))
        conn.left = statements
        try:
            projector.step()
        except Exception as error:
            if getattr(error, "family", "") != "unavailable":
                raise
        conn.close()

    @invariant()
    def every_record_has_at_most_one_verdict(self) -> None:
        row = self.ledger.conn.execute(
            "SELECT count(*), count(DISTINCT (source, ordinal)) FROM audit_trail"
        ).fetchone()
        assert row is not None
        assert row[0] == row[1]
        places = Tracking(self.ledger.conn, schema="views").ordinals()
        assert row[0] == sum(places.get(source, 0) for source in SOURCES)

    @override
    def teardown(self) -> None:
        try:
            if self.sent:
                self._settle()
                assert self.ledger.digests() == self.ledger.rebuilt()
                self.ledger.empty_views()
                _step_all(self.ledger.projector())
                assert self.ledger.digests() == self.ledger.digests(REBUILD)
                self.ends.append(self.sent)
        finally:
            for _, conn in self.owners:
                conn.close()
            self.ledger.close()

    def _settle(self) -> None:
        """Whoever is left goes on, and an heir of all that nobody has."""
        projectors = [projector for projector, _ in self.owners]
        projectors.append(self.ledger.projector())
        busy = True
        while busy:
            busy = self.ledger.seal()
            for projector in projectors:
                try:
                    busy |= projector.step()
                except Fenced:
                    busy = True
        assert self.ledger.head.load().tip.verdict_nexts == {
            source: n for source, n in self.ledger.log.ends().items() if source != SEALS
        }


def test_owners_that_come_go_overlap_and_die_make_the_tables_of_one(
    dsn: str, world: World
) -> None:
    ends: list[int] = []
    given = {"dsn": dsn, "world": world, "ends": ends}
    machine = type("OwnersOfOneDatabase", (Owners,), given)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=10, stateful_step_count=25, phases=_NO_SHRINK),
    )
    assert max(ends) > 0  # some story was projected, and compared
