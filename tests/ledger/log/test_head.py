from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import psycopg
import pytest

from ledger.errors import Malformed, Unavailable, Unknown, Untrusted
from ledger.events import Seal, VerdictRange
from ledger.log.head import Fenced, HeadStore, offer_verdicts
from ledger.log.head_rows import Carried, Head
from ledger.seal import decode_seal
from ledger.tiles import (
    Tile,
    extend_tiles,
    inclusion_path,
    inclusion_tiles,
    root_from_tiles,
)
from ledger.tip import Tip
from tests.ledger.seal_maker import SealMaker

pytestmark = pytest.mark.postgres


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def head(connection: psycopg.Connection) -> HeadStore:
    store = HeadStore(connection)
    store.create()
    return store


@pytest.fixture
def maker() -> SealMaker:
    return SealMaker()


def commit(
    head: HeadStore,
    maker: SealMaker,
    counts: Mapping[str, int],
    verdicts: list[VerdictRange] | None = None,
    *,
    published: bool = True,
) -> Head:
    """Makes the next seal, commits it, and says that it is in the log."""
    before = head.load()
    data = maker.seal(counts, verdicts or [])
    update = extend_tiles(
        size=before.tip.tree_size,
        edge=before.edge,
        leaves=maker.leaves[before.tip.tree_size :],
    )
    head.commit(
        before.tip,
        maker.tip,
        seal=data,
        tiles=update.tiles,
        verdicts=maker.made[-1]["verdicts"],
        registry="registry" in counts,
    )
    if published:
        seal_no = maker.tip.seal_no
        head.mark_published(seal_no, seals_next=seal_no + 1)
    return head.load()


def offer(connection: psycopg.Connection, verdicts: list[VerdictRange]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        offer_verdicts(cursor, verdicts)


def test_head_starts_before_seal_0(head: HeadStore) -> None:
    head.create()
    assert head.load() == Head(tip=Tip(), seal=b"", published=-1, seals_next=0, edge={})
    assert head.load().pending is None
    assert head.published() is None
    assert head.tip(-1) == Tip()
    assert head.tip(0) is None


def test_commit_moves_head_tiles_and_seal_together(
    head: HeadStore, maker: SealMaker
) -> None:
    commit(head, maker, {"registry": 1, "events-0": 300})
    loaded = commit(head, maker, {"events-1": 400}, maker.verdicts(0))
    assert loaded.tip == maker.tip
    assert loaded.seal == maker.seals[1]
    assert (loaded.published, loaded.seals_next, loaded.pending) == (1, 2, None)
    assert root_from_tiles(701, head.tile) == maker.tip.root
    assert list(head.seals()) == [(0, maker.seals[0]), (1, maker.seals[1])]
    assert list(head.seals(1)) == [(1, maker.seals[1])]
    assert list(head.registry_seals()) == [maker.seals[0]]
    assert [(tile.level, tile.index, tile.width) for tile in head.tiles()] == [
        (0, 0, 256),
        (0, 1, 256),
        (0, 2, 701 - 512),
        (1, 0, 2),
    ]
    assert len(path := inclusion_path(500, 701, head.tile)) == 10
    at_once = head.tiles_at(inclusion_tiles(500, 701))
    assert inclusion_path(500, 701, at_once) == path
    assert head.tiles_at([(0, 7)])(0, 7) == b""
    assert head.tip(1) == maker.tip
    assert head.seal_bytes(0) == maker.seals[0]
    assert head.seal_bytes(2) is None


def test_seal_in_no_log_yet_is_pending_and_not_published(
    head: HeadStore, maker: SealMaker
) -> None:
    commit(head, maker, {"registry": 1})
    loaded = commit(head, maker, {"events-0": 1}, published=False)
    assert loaded.pending == maker.seals[1]
    assert head.published() == maker.seals[0]
    assert head.seal_of_position(0) == 0
    assert head.seal_of_position(1) is None
    head.mark_published(1, seals_next=5)
    assert head.load().seals_next == 5
    assert head.seal_of_position(1) == 1


def test_publishing_twice_keeps_the_first_place(
    head: HeadStore, maker: SealMaker
) -> None:
    commit(head, maker, {"registry": 1})
    head.mark_published(0, seals_next=9)
    assert head.load().seals_next == 1


def test_seal_of_position_passes_over_seals_without_records(
    head: HeadStore, maker: SealMaker
) -> None:
    commit(head, maker, {"registry": 2})
    commit(head, maker, {}, maker.verdicts(0))
    commit(head, maker, {"events-0": 2})
    assert [head.seal_of_position(n) for n in range(-1, 5)] == [
        None,
        0,
        0,
        2,
        2,
        None,
    ]


def test_loser_of_the_swap_writes_nothing(head: HeadStore, maker: SealMaker) -> None:
    commit(head, maker, {"registry": 1})
    other = SealMaker()
    other.seal({"registry": 1})
    rival = SealMaker()
    rival.seal({"registry": 1})
    rival.seal({"events-1": 300}, rival.verdicts(0))
    winner = commit(head, maker, {"events-0": 1})
    update = extend_tiles(size=0, edge={}, leaves=rival.leaves)
    for expected in (other.tip, Tip()):
        with pytest.raises(Fenced, match="another sealer"):
            head.commit(
                expected,
                rival.tip,
                seal=rival.seals[1],
                tiles=update.tiles,
                verdicts=rival.made[1]["verdicts"],
                registry=False,
            )
    assert head.load() == winner
    assert [tile.width for tile in head.tiles()] == [2]
    assert head.carried_by(0, "registry", 0) is None


def test_swap_minds_the_digest_and_not_only_the_number(
    head: HeadStore, maker: SealMaker
) -> None:
    commit(head, maker, {"registry": 1})
    rival = SealMaker()
    rival.seal({"registry": 2})
    tip = rival.tip
    rival.seal({"events-1": 1})
    with pytest.raises(Fenced):
        head.commit(
            tip, rival.tip, seal=rival.seals[1], tiles=(), verdicts=(), registry=False
        )


def test_large_commit_is_cut_into_statements_and_stays_whole(
    head: HeadStore, maker: SealMaker
) -> None:
    leaves = [n.to_bytes(32, "big") for n in range(16_384 * 2)]
    update = extend_tiles(size=0, edge={}, leaves=leaves)
    maker.seal({"registry": 1})
    data = maker.seals[0]
    tip = Tip(
        seal_no=0, digest=maker.tip.digest, tree_size=len(leaves), root=update.root
    )
    many: list[VerdictRange] = [
        {
            "seal_no": 0,
            "source": "events-0",
            "first": n,
            "count": 1,
            "root": bytes(32),
            "refused": [{"position": n, "code": "stale"}],
        }
        for n in range(6_000)
    ]
    head.commit(Tip(), tip, seal=data, tiles=update.tiles, verdicts=many, registry=True)
    assert root_from_tiles(len(leaves), head.tile) == update.root
    assert head.load().tip == tip
    assert head.offered(limit=10) == []
    with pytest.raises(Fenced):
        head.commit(
            Tip(), tip, seal=data, tiles=update.tiles, verdicts=many, registry=True
        )


def test_offered_verdicts_wait_in_order_until_a_seal_carries_them(
    head: HeadStore, maker: SealMaker, connection: psycopg.Connection
) -> None:
    maker.refused = {2: "stale", 5: "gap"}
    commit(head, maker, {"registry": 1, "events-0": 2, "events-1": 3})
    commit(head, maker, {"events-0": 1})
    offer(connection, maker.verdicts(1))
    offer(connection, maker.verdicts(0, "events-1"))
    offer(connection, maker.verdicts(0, "registry", "events-0"))
    waiting = maker.verdicts(0) + maker.verdicts(1)
    assert head.offered(limit=10) == waiting
    assert head.offered(limit=2) == waiting[:2]
    assert head.carried_by(0, "events-1", 5) == Carried(
        verdict=waiting[2], seal_no=None
    )
    commit(head, maker, {}, waiting[:3], published=False)
    assert head.offered(limit=10) == waiting[3:]
    assert head.carried_by(0, "events-1", 5) == Carried(
        verdict=waiting[2], seal_no=None
    )
    head.mark_published(2, seals_next=3)
    assert head.carried_by(0, "events-1", 5) == Carried(verdict=waiting[2], seal_no=2)
    assert head.carried_by(1, "events-0", 6) == Carried(
        verdict=waiting[3], seal_no=None
    )
    assert head.carried_by(0, "events-1", 6) is None
    assert head.carried_by(0, "events-0", 4) is None


def test_offering_again_is_harmless_and_offering_otherwise_halts(
    head: HeadStore, maker: SealMaker, connection: psycopg.Connection
) -> None:
    commit(head, maker, {"registry": 1, "events-0": 2})
    verdicts = maker.verdicts(0)
    offer(connection, verdicts[:1])
    offer(connection, verdicts)
    commit(head, maker, {}, verdicts)
    offer(connection, verdicts)
    assert head.offered(limit=10) == []
    maker.refused = {1: "stale"}
    with pytest.raises(Untrusted, match="seal 0, events-0, position 1"):
        offer(connection, maker.verdicts(0))
    found = head.carried_by(0, "events-0", 1)
    assert found is not None
    assert found.verdict == verdicts[1]


def test_offer_that_is_rolled_back_never_was(
    head: HeadStore, maker: SealMaker, connection: psycopg.Connection
) -> None:
    commit(head, maker, {"registry": 1})
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        offer_verdicts(cursor, maker.verdicts(0))
    assert head.offered(limit=10) == []


def test_offer_wakes_the_sealer(
    head: HeadStore, maker: SealMaker, connection: psycopg.Connection, dsn: str
) -> None:
    commit(head, maker, {"registry": 1})
    with psycopg.connect(dsn, autocommit=True) as sealer:
        sealer.execute("LISTEN ledger_verdicts")
        offer(connection, maker.verdicts(0))
        notices = list(sealer.notifies(timeout=30, stop_after=1))
    assert [notice.channel for notice in notices] == ["ledger_verdicts"]


def test_verdicts_of_a_seal_taken_from_the_log_count_as_carried(
    head: HeadStore, maker: SealMaker, connection: psycopg.Connection
) -> None:
    commit(head, maker, {"registry": 1})
    commit(head, maker, {}, maker.verdicts(0))
    offer(connection, maker.verdicts(0))
    assert head.offered(limit=10) == []


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM head.head",
        "DELETE FROM head.seal WHERE seal_no = 1",
        "UPDATE head.head SET digest = decode(repeat('07', 32), 'hex')",
        "UPDATE head.head SET published = -1",
        "UPDATE head.seal SET digest = decode(repeat('07', 32), 'hex')",
        "UPDATE head.seal SET root = decode(repeat('07', 32), 'hex')",
        "UPDATE head.seal SET tree_size = tree_size - 1",
        "UPDATE head.seal SET tree_size = tree_size + 1",
        "DELETE FROM head.tile",
        "UPDATE head.tile SET hashes = set_byte(hashes, 40, 7)",
        "UPDATE head.tile SET hashes = substr(hashes, 1, 50)",
    ],
)
def test_damaged_head_is_not_loaded(
    head: HeadStore, maker: SealMaker, connection: psycopg.Connection, damage: str
) -> None:
    commit(head, maker, {"registry": 1})
    commit(head, maker, {"events-0": 3})
    connection.execute(cast("psycopg.abc.Query", damage))
    with pytest.raises(Untrusted):
        head.load()


def test_clock_is_in_microseconds(
    head: HeadStore, connection: psycopg.Connection
) -> None:
    row = connection.execute("SELECT extract(epoch FROM now())::bigint").fetchone()
    assert row is not None
    assert abs(head.clock() // 1_000_000 - row[0]) < 60


def test_connection_must_be_in_autocommit_mode(dsn: str) -> None:
    with (
        psycopg.connect(dsn) as connection,
        pytest.raises(Malformed, match="autocommit"),
    ):
        HeadStore(connection)


def test_database_without_ledger_is_unknown(dsn: str) -> None:
    with (
        psycopg.connect(dsn, autocommit=True) as connection,
        pytest.raises(Unknown, match="no ledger"),
    ):
        HeadStore(connection).load()


def test_lost_connection_is_unavailable(
    head: HeadStore, connection: psycopg.Connection, dsn: str
) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    for _ in range(2):
        with pytest.raises(Unavailable):
            head.load()


def test_tiles_come_in_order_over_many_pages(head: HeadStore, maker: SealMaker) -> None:
    tiles = [
        Tile(level=level, index=index, hashes=bytes([level]) * 32)
        for level in (0, 1)
        for index in range(300)
    ]
    maker.seal({"registry": 1})
    head.commit(
        Tip(), maker.tip, seal=b"", tiles=tiles[::-1], verdicts=(), registry=True
    )
    assert list(head.tiles()) == tiles


def test_seal_bytes_decode_to_what_was_sealed(
    head: HeadStore, maker: SealMaker
) -> None:
    commit(head, maker, {"registry": 1})
    published = head.published()
    assert published is not None
    seal: Seal = decode_seal(published)
    assert seal == maker.made[0]
