"""The projector: the tables follow the seals, whatever happens on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Cursor
from typing_extensions import override

from consumers.project import Projector
from ledger.errors import Unavailable, Untrusted
from ledger.log.head import HeadStore
from ledger.log.head_rows import Head
from ledger.log.memory import MemoryLog
from ledger.sources import REGISTRY, SEALS
from projections import audit_trail, license, registry, timeline
from projections.tracking import Fenced, Tracking
from tests.builders import World
from tests.projections.sealed import SOURCES, SealedLedger, history

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def world() -> World:
    return history()


@pytest.fixture
def ledger(dsn: str, world: World) -> Iterator[SealedLedger]:
    made = SealedLedger(dsn, world)
    yield made
    made.close()


def test_the_tables_say_what_admission_said(ledger: SealedLedger) -> None:
    ledger.seal_each()
    ledger.settle()
    found = [
        audit_trail.verdict_at(ledger.conn, sent.verdict.position)
        for sent in ledger.world.records
    ]
    assert [row and row.verdict for row in found] == [
        sent.code for sent in ledger.world.records
    ]
    assert [row and row.leaf for row in found] == [
        sent.verdict.leaf for sent in ledger.world.records
    ]
    for (kind, subject), state in ledger.world.chains.items():
        assert kind == "license"
        row = license.find(ledger.conn, subject)
        assert row is not None
        assert row.folded == state.license
        acts = [
            (line.act, line.position)
            for line in timeline.timeline_of(ledger.conn, subject)
        ]
        assert acts == [(act.act, act.position) for act in state.acts]


def test_the_registry_comes_back_from_its_table(ledger: SealedLedger) -> None:
    ledger.seal_each()
    ledger.settle()
    state, again = ledger.world.registry, registry.load(ledger.conn)
    assert again.origin == state.origin
    assert list(again.keys) == list(state.keys)
    assert again.authorities.keys() == state.authorities.keys()
    assert {row.key_id for row in registry.keys(ledger.conn)} == {
        key.key_id for key in state.keys
    }
    assert [row.uscc for row in registry.authorities(ledger.conn)] == sorted(
        state.authorities
    )
    assert [row.code for row in registry.types(ledger.conn)] == state.type_codes()


def test_all_verdicts_are_sealed_in_the_end(ledger: SealedLedger) -> None:
    ledger.seal_each(7)
    ledger.settle()
    tip = ledger.head.load().tip
    assert tip.verdict_nexts == tip.nexts
    assert ledger.head.offered(limit=10) == []
    assert not ledger.seal()


@pytest.mark.parametrize("seed", range(3))
def test_batches_and_restarts_leave_no_trace(
    ledger: SealedLedger, world: World, seed: int
) -> None:
    """The same seals, read in other portions, by projectors that come and go."""
    chance = random.Random(seed)
    ledger.seal_each(4)
    ledger.settle()
    expected = ledger.digests()
    ledger.empty_views()
    projector = ledger.projector()
    while True:
        if chance.random() < 0.3:
            projector = ledger.projector(records_max=chance.choice([1, 5, 17]))
        if not projector.step():
            break
    assert ledger.digests() == expected


class _Mortal(psycopg.Connection[Any]):
    """A connection whose client dies at its n-th statement."""

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
    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        self.connection.count()  # type: ignore[attr-defined]
        return super().executemany(*args, **kwargs)

    @override
    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self.connection.count()  # type: ignore[attr-defined]
        return super().copy(*args, **kwargs)


def test_death_at_any_statement_loses_and_doubles_nothing(dsn: str) -> None:
    ledger = SealedLedger(dsn, history(2))
    ledger.seal_each(11)
    ledger.settle()
    expected = ledger.digests()
    heir = ledger.connect()
    for statement in range(500):
        ledger.empty_views()
        with _Mortal.connect(ledger.dsn, autocommit=True) as conn:
            conn.cursor_factory = _MortalCursor
            projector = ledger.projector(conn=conn, records_max=11)
            conn.left = statement
            if _project_all(projector):
                break
        _project_all(ledger.projector(conn=heir, records_max=11))
        assert ledger.digests() == expected
    assert 20 < statement < 499
    ledger.close()


def _project_all(projector: Any) -> bool:
    try:
        while projector.step():
            pass
    except psycopg.Error:
        return False
    except Exception as error:
        if getattr(error, "family", "") != "unavailable":
            raise
        return False
    return True


def test_a_projector_that_lost_its_place_moves_no_row(ledger: SealedLedger) -> None:
    half = len(ledger.world.records) // 2
    ledger.append(ledger.world.records[:half])
    ledger.seal()
    zombie, owner = ledger.projector(), ledger.projector()
    zombie.step()
    owner.step()
    ledger.append(ledger.world.records[half:])
    ledger.settle(owner)
    expected = ledger.digests()
    with pytest.raises(Fenced):
        zombie.step()
    assert ledger.digests() == expected
    while zombie.step():
        pass
    assert ledger.digests() == expected


@pytest.mark.parametrize("seed", range(3))
def test_projectors_of_some_sources_make_the_tables_of_one(
    ledger: SealedLedger, seed: int
) -> None:
    chance = random.Random(seed)
    ledger.seal_each(6)
    ledger.settle()
    expected = ledger.digests()
    ledger.empty_views()
    assert SOURCES[0] == REGISTRY
    parts = [SOURCES[:2], SOURCES[2:]]
    projectors = [ledger.projector(part, records_max=10) for part in parts]
    while True:
        chosen = chance.randrange(2)
        if not (projectors[chosen].step() | projectors[1 - chosen].step()):
            break
        if chance.random() < 0.2:
            projectors[0] = ledger.projector(parts[0], records_max=10)
    assert ledger.digests() == expected
    places = Tracking(ledger.conn, schema="views").ordinals()
    ends = ledger.log.ends()
    assert {s: places[s] for s in SOURCES} == {s: ends[s] for s in SOURCES}


def test_a_sealed_verdict_that_differs_halts(ledger: SealedLedger) -> None:
    ledger.append(ledger.world.records)
    ledger.seal()
    ledger.projector().step()
    ledger.seal()  # this one carries the verdicts
    ledger.conn.execute("UPDATE audit_trail SET verdict = 'stale' WHERE position = 3")
    with pytest.raises(Untrusted) as caught:
        ledger.projector().step()
    assert caught.value.where == "position 3, registry"


def test_a_head_that_is_behind_the_log_is_waited_for(ledger: SealedLedger) -> None:
    ledger.seal_each()
    ledger.conn.execute("TRUNCATE head.head, head.seal, head.tile, head.verdict")
    ledger.head.create()
    with pytest.raises(Unavailable, match="behind the log; whoever seals brings it up"):
        ledger.settle()
    ledger._sealer = None  # another one, which finds its seals in the log
    ledger.seal()
    ledger.settle()
    rows = ledger.conn.execute("SELECT count(*) FROM audit_trail").fetchone()
    assert rows == (len(ledger.world.records),)


class _CatchingUp(HeadStore):
    """Is brought up to the log by a sealer just before somebody loads it."""

    def __init__(self, ledger: SealedLedger) -> None:
        super().__init__(ledger.connect())
        self._ledger = ledger

    @override
    def load(self) -> Head:
        self._ledger.seal()
        return super().load()


def test_a_head_that_catches_up_between_two_looks_is_no_damage(
    ledger: SealedLedger,
) -> None:
    ledger.seal_each()
    ledger.conn.execute("TRUNCATE head.head, head.seal, head.tile, head.verdict")
    ledger.head.create()
    ledger._sealer = None
    projector = Projector(
        ledger.connect(), log=ledger.log, head=_CatchingUp(ledger), sources=SOURCES
    )
    assert projector.step()
    rows = ledger.conn.execute("SELECT count(*) FROM audit_trail").fetchone()
    assert rows == (len(ledger.world.records),)


class _AskedLog(MemoryLog):
    """Notes how many seals each question for them found."""

    def __init__(self, ledger: SealedLedger) -> None:
        super().__init__(ledger.store)
        self.found: list[int] = []

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        records = super().read(source, start, limit=limit, size_max=size_max)
        if source == SEALS and limit > 1:
            self.found.append(len(records))
        return records


def test_a_step_that_reaches_the_end_asks_once_for_seals(ledger: SealedLedger) -> None:
    first, second, *_ = ledger.world.records
    ledger.append([first])
    ledger.seal()
    log = _AskedLog(ledger)
    projector = Projector(ledger.connect(), log=log, head=ledger.head, sources=SOURCES)
    assert projector.step()
    ledger.append([second])
    ledger.seal()
    assert projector.step()
    assert not projector.step()
    assert log.found == [1, 1, 0]


def test_a_page_of_no_seals_is_not_taken_for_the_end(ledger: SealedLedger) -> None:
    junk = b"no seal" * 130_000  # five of them fill a page
    ledger.log.append(SEALS, [junk] * 12)
    ledger.seal_each()
    assert ledger.projector().step()
    rows = ledger.conn.execute("SELECT count(*) FROM audit_trail").fetchone()
    assert rows == (len(ledger.world.records),)
