"""Tiles: what is written, what is read from them, and what is never read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.compact import CompactRange
from ledger.errors import Malformed, Untrusted
from ledger.merkle import (
    leaf_hash,
    tree_path,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from ledger.tiles import (
    Tile,
    TileUpdate,
    consistency_path,
    edge_tiles,
    extend_tiles,
    inclusion_path,
    inclusion_tiles,
    read_edge,
    root_from_tiles,
    tile_path,
)
from tests.ledger.naive_tree import NaiveTree, numbered

ROOT_70_000 = "2153928efa8d072b2f829d522dfc41607f158cc030c77280955b7a7509f9e752"


class TileTable:
    """Tiles by (level, index), a longer version replacing a shorter one."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        self.state = extend_tiles(size=0, edge={}, leaves=[])

    def extend(self, leaves: list[bytes], algorithm: str = "sm3") -> TileUpdate:
        self.state = extend_tiles(
            size=self.state.size,
            edge=self.state.edge,
            leaves=leaves,
            algorithm=algorithm,
        )
        for tile in self.state.tiles:
            before = self.rows.get((tile.level, tile.index), b"")
            assert len(before) < len(tile.hashes)
            assert tile.hashes.startswith(before)
            self.rows[tile.level, tile.index] = tile.hashes
        return self.state

    def read(self, level: int, index: int) -> bytes:
        return self.rows.get((level, index), b"")


def leaf_hashes(count: int, algorithm: str = "sm3") -> list[bytes]:
    return [leaf_hash(data, algorithm) for data in numbered(count)]


def table_of(count: int, algorithm: str = "sm3") -> TileTable:
    table = TileTable()
    if count:
        table.extend(leaf_hashes(count, algorithm), algorithm)
    return table


@pytest.fixture(scope="module")
def city() -> TileTable:
    """Returns the tiles of 70,000 leaves, sealed in three unequal parts."""
    table = TileTable()
    leaves = leaf_hashes(70_000)
    for start, end in ((0, 5), (5, 65_537), (65_537, 70_000)):
        table.extend(leaves[start:end])
    return table


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (1, 999, 17, "tile/1/999.p/17"),
        (2, 1_000, 1, "tile/2/x001/000.p/1"),
    ],
)
def test_tile_is_named_as_static_logs_name_it(
    level: int, index: int, width: int, path: str
) -> None:
    assert tile_path(level, index, width) == path


def test_tiles_of_70_000_leaves_have_the_published_shape_and_root(
    city: TileTable,
) -> None:
    widths = {key: len(hashes) // 32 for key, hashes in city.rows.items()}
    assert sum(1 for (level, _), w in widths.items() if (level, w) == (0, 256)) == 273
    assert widths[0, 273] == 112
    assert (widths[1, 0], widths[1, 1], widths[2, 0]) == (256, 17, 1)
    assert len(widths) == 277
    assert city.state.root.hex() == ROOT_70_000
    assert root_from_tiles(70_000, city.read).hex() == ROOT_70_000
    assert edge_tiles(70_000) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]


def test_256_leaves_are_one_full_tile_and_one_hash_above_it() -> None:
    update = extend_tiles(size=0, edge={}, leaves=leaf_hashes(256))
    root = tree_root(leaf_hashes(256))
    assert update.tiles == (
        Tile(level=0, index=0, hashes=b"".join(leaf_hashes(256))),
        Tile(level=1, index=0, hashes=root),
    )
    assert [tile.width for tile in update.tiles] == [256, 1]
    assert (update.edge, update.root, update.size) == ({1: root}, root, 256)


def test_extension_by_nothing_writes_nothing() -> None:
    before = table_of(300).state
    after = extend_tiles(size=300, edge=before.edge, leaves=[])
    assert after.tiles == ()
    assert (after.root, after.edge) == (before.root, before.edge)


@given(
    st.lists(st.sampled_from([1, 2, 7, 200, 255, 256, 257, 600]), max_size=6),
    st.sampled_from(["sm3", "sha256"]),
)
def test_any_way_to_cut_the_leaves_makes_the_same_tiles(
    steps: list[int], algorithm: str
) -> None:
    leaves = leaf_hashes(sum(steps), algorithm)
    table, tree, done = TileTable(), CompactRange(algorithm=algorithm), 0
    for step in steps:
        batch = leaves[done : done + step]
        before = table.state
        update = table.extend(batch, algorithm)
        tree = tree.extend(batch)
        assert update.tree == tree
        assert update.edge == read_edge(update.size, table.read)
        spared = extend_tiles(
            size=done,
            edge=before.edge,
            leaves=batch,
            algorithm=algorithm,
            tree=before.tree if done else CompactRange(algorithm=algorithm),
        )
        assert spared == update
        done += step
    assert table.rows == table_of(done, algorithm).rows
    assert root_from_tiles(done, table.read, algorithm) == tree_root(leaves, algorithm)


def test_paths_from_tiles_are_those_of_the_rfc_up_to_size_130() -> None:
    table, naive = table_of(130), NaiveTree(numbered(130))
    for size in range(1, 131):
        assert root_from_tiles(size, table.read) == naive.root(size)
        for at in range(size):
            assert inclusion_path(at, size, table.read) == naive.path(at, size)
            first = at + 1
            proof = consistency_path(first, size, table.read)
            assert proof == naive.proof(first, size)


@pytest.mark.parametrize("size", [1, 2, 256, 257, 700])
def test_the_tiles_named_for_a_path_are_those_that_it_reads(size: int) -> None:
    table = table_of(700)
    for at in range(0, size, 7):
        asked: list[tuple[int, int]] = []

        def read(level: int, index: int) -> bytes:
            asked.append((level, index))  # noqa: B023 - read before the next one
            return table.read(level, index)

        inclusion_path(at, size, read)
        assert inclusion_tiles(at, size) == sorted(asked)


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 700])
def test_paths_across_tile_borders_are_those_of_the_rfc(size: int) -> None:
    table, naive = table_of(700), NaiveTree(numbered(700))
    for at in (0, 1, 127, 128, 253, 254, 255, 256, 257, 510, 511, 512, 698, 699):
        if at < size:
            assert inclusion_path(at, size, table.read) == naive.path(at, size)
            first = at + 1
            proof = consistency_path(first, size, table.read)
            assert proof == naive.proof(first, size)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000])
def test_proofs_over_three_levels_of_tiles_hold(city: TileTable, size: int) -> None:
    leaves = leaf_hashes(size)
    root = tree_root(leaves)
    for at in (0, 255, 256, 40_000, 65_534, 65_535, 65_536, 69_999):
        if at < size:
            path = inclusion_path(at, size, city.read)
            verify_inclusion(
                leaf_hash=leaves[at], index=at, size=size, path=path, root=root
            )
            first = at + 1
            verify_consistency(
                first_size=first,
                second_size=size,
                first_root=tree_root(leaves[:first]),
                second_root=root,
                path=consistency_path(first, size, city.read),
            )


def test_surplus_hashes_do_not_count() -> None:
    grown = table_of(700)
    leaves = leaf_hashes(300)
    assert root_from_tiles(300, grown.read) == tree_root(leaves)
    assert inclusion_path(299, 300, grown.read) == tree_path(299, leaves)
    assert read_edge(300, grown.read) == table_of(300).state.edge
    # A crash after the tiles and before the head leaves an edge that is too long.
    surplus = {level: grown.read(level, 300 >> 8 * (level + 1)) for level in (0, 1)}
    update = extend_tiles(size=300, edge=surplus, leaves=leaf_hashes(700)[300:])
    assert update.root == grown.state.root


def watch(
    table: TileTable, size: int, seen: set[tuple[int, int]]
) -> Callable[[int, int], bytes]:
    """Returns a reader that gives only what a tree of ``size`` has, and notes it."""

    def read(level: int, index: int) -> bytes:
        seen.add((level, index))
        width = min(256, (size >> 8 * level) - 256 * index)
        assert width > 0
        return table.read(level, index)[: 32 * width]

    return read


@given(st.integers(1, 700), st.data())
def test_nothing_above_the_size_is_read(size: int, data: st.DataObject) -> None:
    table, seen = table_of(700), set[tuple[int, int]]()
    read = watch(table, size, seen)
    at = data.draw(st.integers(0, size - 1))
    assert root_from_tiles(size, read) == tree_root(leaf_hashes(size))
    assert inclusion_path(at, size, read) == tree_path(at, leaf_hashes(size))
    consistency_path(at + 1, size, read)
    assert len(seen) <= 4


def test_tile_that_is_missing_or_too_short_is_untrusted() -> None:
    table = table_of(700)
    for spoiled in (table.rows[0, 0][:-1], b""):
        table.rows[0, 0] = spoiled
        with pytest.raises(Untrusted, match="shorter"):
            inclusion_path(254, 700, table.read)
    with pytest.raises(Untrusted, match="shorter"):
        root_from_tiles(701, table.read)
    with pytest.raises(Untrusted, match="shorter"):
        extend_tiles(size=700, edge={}, leaves=[])


def test_compact_range_of_another_tree_is_untrusted() -> None:
    state = table_of(300).state
    for tree in (CompactRange(), CompactRange(algorithm="sha256")):
        with pytest.raises(Untrusted, match="another tree"):
            extend_tiles(size=300, edge=state.edge, leaves=[], tree=tree)


def test_flipped_bit_in_a_tile_changes_the_root_or_a_path() -> None:
    table = table_of(300)
    hashes = table.rows[0, 1]
    table.rows[0, 1] = bytes([hashes[0] ^ 1]) + hashes[1:]
    assert root_from_tiles(300, table.read) != tree_root(leaf_hashes(300))
    with pytest.raises(Untrusted):
        verify_inclusion(
            leaf_hash=leaf_hashes(300)[0],
            index=0,
            size=300,
            path=inclusion_path(0, 300, table.read),
            root=tree_root(leaf_hashes(300)),
        )


@pytest.mark.parametrize(
    "question",
    [
        lambda read: inclusion_path(-1, 5, read),
        lambda read: inclusion_path(5, 5, read),
        lambda read: inclusion_path(0, 0, read),
        lambda read: inclusion_path(0, 2**63, read),
        lambda read: consistency_path(0, 5, read),
        lambda read: consistency_path(6, 5, read),
        lambda read: root_from_tiles(-1, read),
        lambda read: extend_tiles(size=0, edge={}, leaves=[bytes(31)]),
        lambda read: extend_tiles(size=2**63 - 1, edge={}, leaves=[bytes(32)]),
    ],
)
def test_question_without_an_answer_is_malformed(
    question: Callable[[Callable[[int, int], bytes]], object],
) -> None:
    with pytest.raises(Malformed):
        question(table_of(5).read)
