"""Rebuilt tables are the live ones, a change is named, and the swap loses nothing.

Sources are rebuilt all at once, or in groups one after the other: here the first one is
done before the next begins, in tests/console they are processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from psycopg import Connection

from ledger.errors import Unavailable
from projections import license
from projections.claims import leading, take_part
from projections.migrate import VIEWS, use_schema
from replay.compare import compare
from replay.rebuild import (
    REBUILD,
    Rebuild,
    begin,
    make_indexes,
    summed_up,
    swap_in,
)
from replay.sealed_verdicts import SealedVerdicts
from tests.faults.waiting import until
from tests.projections.sealed import SOURCES, SealedLedger, history

pytestmark = pytest.mark.postgres


@pytest.fixture
def ledger(dsn: str) -> Iterator[SealedLedger]:
    made = SealedLedger(dsn, history(6))
    made.seal_each(9)
    made.settle()
    yield made
    made.close()


def _part(ledger: SealedLedger, sources: Sequence[str], **given: Any) -> Rebuild:
    return Rebuild(
        ledger.connect(), log=ledger.log, head=ledger.head, sources=sources, **given
    )


def _rebuild(
    ledger: SealedLedger,
    groups: Sequence[Sequence[str]] = (SOURCES,),
    **given: Any,
) -> dict[str, bytes]:
    conn = ledger.connect()
    begin(conn)
    for sources in groups:
        _part(ledger, sources, **given).catch_up()
    make_indexes(conn)
    _part(ledger, SOURCES, **given).catch_up()
    return summed_up(conn)


@pytest.mark.parametrize("trusting", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, len(SOURCES)])
def test_rebuilt_tables_equal_the_live_ones(
    ledger: SealedLedger, count: int, trusting: bool
) -> None:
    groups = [SOURCES[number::count] for number in range(count)]
    vouched = SealedVerdicts(ledger.head).vouch if trusting else None
    rebuilt = _rebuild(ledger, groups, vouched=vouched)
    assert rebuilt == ledger.digests()
    assert all(one.equal for one in compare(ledger.conn, VIEWS, REBUILD))


def test_a_rebuild_goes_on_where_its_tables_stand(ledger: SealedLedger) -> None:
    """It holds the fold of no chain: what it needs, it reads back."""
    conn = ledger.connect()
    begin(conn)
    _part(ledger, SOURCES).catch_up()
    ledger.append([ledger.world.act("SUSPEND", ledger.world.license_id("A2"))])
    ledger.settle()
    later = _part(ledger, SOURCES)
    told: list[int] = []
    later.catch_up(told=told.append)
    make_indexes(conn)
    assert told == [len(ledger.world.records)]
    assert later.seal_no == ledger.head.load().tip.seal_no
    assert summed_up(conn) == ledger.digests()


@pytest.mark.parametrize("count", [1, 3])
def test_chains_that_memory_lets_go_of_come_back_from_the_tables(
    ledger: SealedLedger, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.batches.CHAINS_KEPT", 1)
    groups = [SOURCES[number::count] for number in range(count)]
    assert _rebuild(ledger, groups, records_max=1) == ledger.digests()


def test_parts_that_take_turns_make_the_same_tables(ledger: SealedLedger) -> None:
    begin(ledger.connect())
    parts = [_part(ledger, [source], records_max=1) for source in SOURCES]
    while [part for part in parts if part.step()]:
        pass
    make_indexes(conn := ledger.connect())
    _part(ledger, SOURCES).catch_up()
    use_schema(conn, REBUILD)
    assert summed_up(conn) == ledger.digests()


def test_a_second_rebuild_waits_its_turn_and_an_orphan_keeps_others_out(
    ledger: SealedLedger,
) -> None:
    first, second, orphan = (ledger.connect() for _ in range(3))
    with leading(first), pytest.raises(Unavailable) as caught, leading(second):
        pass
    assert caught.value.code == "busy_elsewhere"
    take_part(orphan)
    with pytest.raises(Unavailable), leading(second):
        pass
    orphan.close()
    until(lambda: _led(second), "the lock of the orphan")


def _led(conn: Connection[Any]) -> bool:
    try:
        with leading(conn):
            return True
    except Unavailable:
        return False


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE views.license SET terminal = '' WHERE terminal = 'REVD'", "license"),
        (
            "UPDATE views.audit_trail SET verdict = 'gap' WHERE position = 7",
            "audit_trail",
        ),
        ("UPDATE views.timeline SET flags = '{late}' WHERE sequence = 2", "timeline"),
        ("DELETE FROM views.chain_act WHERE sequence = 2", "chain_act"),
        ("UPDATE views.registry_key SET purpose = 'root'", "registry_key"),
        ("UPDATE views.holder_archive SET place = 1", "holder_archive"),
        ("UPDATE views.field_history SET old = new", "field_history"),
    ],
)
def test_a_changed_row_is_found_and_named(
    ledger: SealedLedger, change: str, table: str
) -> None:
    _rebuild(ledger)
    ledger.conn.execute(change.encode())
    found = {
        one.table: one.difference
        for one in compare(ledger.conn, VIEWS, REBUILD)
        if not one.equal
    }
    assert list(found) == [table]
    assert found[table] is not None


def test_the_swap_puts_right_what_was_changed_and_the_projector_goes_on(
    ledger: SealedLedger,
) -> None:
    projector = ledger.projector()
    projector.step()
    expected = ledger.digests()
    ledger.conn.execute("UPDATE views.license SET terminal = 'CANC'")
    _rebuild(ledger)
    swap_in(ledger.conn)
    assert ledger.digests() == expected
    issued = ledger.world.issue("C1")
    ledger.append([issued])
    ledger.settle(projector)
    use_schema(ledger.conn, VIEWS)
    row = license.find(ledger.conn, ledger.world.license_id("C1"))
    assert row is not None
    assert row.last_position == issued.verdict.position
    assert _rebuild(ledger) == ledger.digests()


def test_tables_at_different_places_are_neither_compared_nor_swapped(
    ledger: SealedLedger,
) -> None:
    _rebuild(ledger)
    ledger.append([ledger.world.issue("C1")])
    ledger.settle()
    with pytest.raises(Unavailable):
        compare(ledger.conn, VIEWS, REBUILD)
    with pytest.raises(Unavailable):
        swap_in(ledger.conn)


def test_a_rebuild_catches_up_with_what_came_meanwhile(ledger: SealedLedger) -> None:
    _rebuild(ledger)
    ledger.append([ledger.world.issue("C1")])
    ledger.settle()
    _part(ledger, SOURCES).catch_up()
    assert all(one.equal for one in compare(ledger.conn, VIEWS, REBUILD))


def test_tables_that_fell_behind_are_replaced_and_every_verdict_is_sealed(
    ledger: SealedLedger,
) -> None:
    """Nobody has judged the last records: only the rebuild can offer their verdicts."""
    ledger.append([ledger.world.issue("C1"), ledger.world.issue("C2")])
    while ledger.seal():
        pass
    rebuilt = _rebuild(ledger, offers=True)
    with pytest.raises(Unavailable):
        swap_in(ledger.conn)
    swap_in(ledger.conn, ahead=True)
    assert ledger.digests() == rebuilt
    ledger.settle()
    tip = ledger.head.load().tip
    assert tip.verdict_nexts == tip.nexts
    assert tip.tree_size == len(ledger.world.records)


def test_tables_that_lack_records_are_never_swapped_in(ledger: SealedLedger) -> None:
    _rebuild(ledger)
    ledger.append([ledger.world.issue("C1")])
    ledger.settle()
    with pytest.raises(Unavailable):
        swap_in(ledger.conn, ahead=True)
