from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed, Unavailable, Unknown, Untrusted
from ledger.log.head import HeadStore
from ledger.log.head_gaps import HeadGaps
from ledger.log.offset_gaps import Gap, MemoryGaps, offset_of, ordinal_of
from ledger.tiles import extend_tiles
from tests.ledger.seal_maker import SealMaker

LAYOUTS = st.lists(st.booleans(), max_size=40)
"""Offset by offset: whether a record lies there, or a marker."""


def gaps_of(layout: list[bool]) -> list[Gap]:
    """The gaps by their definition: a record right behind a marker."""
    return [
        Gap(sum(layout[:offset]), offset)
        for offset, is_record in enumerate(layout)
        if is_record and offset and not layout[offset - 1]
    ]


@given(LAYOUTS)
def test_gaps_say_where_each_record_lies(layout: list[bool]) -> None:
    offsets = [offset for offset, is_record in enumerate(layout) if is_record]
    gaps = gaps_of(layout)
    assert [offset_of(gaps, n) for n in range(len(offsets))] == offsets


@given(LAYOUTS)
def test_gaps_say_how_many_records_lie_before_an_offset(layout: list[bool]) -> None:
    end = len(layout)
    while end and not layout[end - 1]:
        end -= 1  # markers at the very end have no record behind them to tell of them
    counts = [sum(layout[:offset]) for offset in range(end + 1)]
    gaps = gaps_of(layout)
    assert [ordinal_of(gaps, offset) for offset in range(end + 1)] == counts


def test_memory_believes_nobody_and_remembers_all() -> None:
    gaps = MemoryGaps()
    gaps.note("events-0", Gap(5, 9))
    gaps.note("events-0", Gap(2, 3))
    gaps.note("events-0", Gap(2, 3))
    assert gaps.known("events-0") == (0, [Gap(2, 3), Gap(5, 9)])
    assert gaps.known("events-1") == (0, [])


def test_record_that_moved_is_untrusted() -> None:
    gaps = MemoryGaps()
    gaps.note("events-0", Gap(2, 3))
    with pytest.raises(Untrusted, match=r"offset 3.*offset 4.*events-0, record 2"):
        gaps.note("events-0", Gap(2, 4))
    gaps.note("events-1", Gap(2, 4))


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def head(connection: psycopg.Connection) -> HeadStore:
    store = HeadStore(connection)
    store.create()
    return store


def seal(head: HeadStore, maker: SealMaker, *, seals_next: int, **counts: int) -> None:
    before = head.load()
    named = {source.replace("_", "-"): count for source, count in counts.items()}
    data = maker.seal(named)
    leaves = maker.leaves[before.tip.tree_size :]
    update = extend_tiles(size=before.tip.tree_size, edge=before.edge, leaves=leaves)
    head.commit(
        before.tip,
        maker.tip,
        seal=data,
        tiles=update.tiles,
        verdicts=[],
        registry="registry" in named,
    )
    head.mark_published(maker.tip.seal_no, seals_next=seals_next)


@pytest.mark.postgres
def test_head_knows_the_gaps_of_what_is_sealed(
    connection: psycopg.Connection, head: HeadStore, dsn: str
) -> None:
    gaps, maker = HeadGaps(connection), SealMaker()
    assert gaps.known("events-0") == (0, [])
    assert gaps.known("seals") == (0, [])
    seal(head, maker, seals_next=1, registry=1)
    seal(head, maker, seals_next=4, events_0=7)
    gaps.note("events-0", Gap(5, 9))
    gaps.note("events-0", Gap(2, 3))
    gaps.note("seals", Gap(1, 2))
    with psycopg.connect(dsn, autocommit=True) as other:
        seen = HeadGaps(other)
        assert seen.known("events-0") == (7, [Gap(2, 3), Gap(5, 9)])
        assert seen.known("registry") == (1, [])
        assert seen.known("events-1") == (0, [])
        assert seen.known("seals") == (4, [Gap(1, 2)])


@pytest.mark.postgres
def test_head_refuses_a_record_that_moved(
    connection: psycopg.Connection, head: HeadStore
) -> None:
    gaps = HeadGaps(connection)
    gaps.note("events-0", Gap(2, 3))
    gaps.note("events-0", Gap(2, 3))
    with pytest.raises(Untrusted, match=r"offset 3.*offset 4"):
        gaps.note("events-0", Gap(2, 4))
    assert gaps.known("events-0") == (0, [Gap(2, 3)])


@pytest.mark.postgres
def test_gaps_without_a_head_are_unknown(connection: psycopg.Connection) -> None:
    with pytest.raises(Unknown):
        HeadGaps(connection).known("events-0")
    with pytest.raises(Unknown):
        HeadGaps(connection).note("events-0", Gap(1, 2))


@pytest.mark.postgres
def test_gaps_of_a_lost_connection_are_unavailable(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        gaps = HeadGaps(connection)
    with pytest.raises(Unavailable):
        gaps.known("events-0")


@pytest.mark.postgres
def test_gaps_want_each_statement_committed(dsn: str) -> None:
    with psycopg.connect(dsn) as connection, pytest.raises(Malformed):
        HeadGaps(connection)


@pytest.mark.postgres
@pytest.mark.usefixtures("head")
def test_who_may_only_read_goes_by_what_the_sealer_noted(
    connection: psycopg.Connection,
) -> None:
    HeadGaps(connection).note("events-0", Gap(2, 3))
    connection.execute("SET ROLE pg_read_all_data")
    gaps = HeadGaps(connection)
    gaps.note("events-0", Gap(2, 3))
    with pytest.raises(Untrusted):
        gaps.note("events-0", Gap(2, 4))
    with pytest.raises(Unavailable, match="permission denied for table gap"):
        gaps.note("events-0", Gap(5, 9))
    connection.execute("RESET ROLE")
    assert gaps.known("events-0") == (0, [Gap(2, 3)])
