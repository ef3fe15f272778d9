"""The tree made again from the records, against sealed roots and stored tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ledger.compact import CompactRange
from ledger.events import Seal
from ledger.proof_arguments import HASH_SIZE
from ledger.tiles import (
    HEIGHT,
    WIDTH,
    Tile,
    TileUpdate,
    edge_tiles,
    extend_tiles,
    tile_path,
)
from replay.findings import Check, Findings
from replay.places import Places

ReadStored = Callable[[int, int], bytes | None]
"""(level, index) -> the stored tile's hashes, None if there is no such row."""


class AuditedTree:
    """Grows by the leaves of each seal.

    Where a record is not the one that was sealed, and the stored tiles still hold the
    leaf that was, the tree goes on with that: so one wrong record is one failure, and
    not one for every later seal. ``root`` is that of the records as they are.
    """

    def __init__(
        self, read_tile: ReadStored, places: Places, findings: Findings
    ) -> None:
        self._read_tile = read_tile
        self._places = places
        self._findings = findings
        self._size = 0
        self._edge: Mapping[int, bytes] = {}
        self._tree = CompactRange()
        self._as_found: CompactRange | None = None

    @property
    def root(self) -> bytes:
        """The root over all records that were read."""
        return (self._as_found or self._tree).root()

    def take(self, seal: Seal, leaves: Sequence[bytes]) -> None:
        """Appends the leaf hashes of a seal's records and compares the root."""
        update = self._extended(leaves)
        if self._as_found is not None:
            self._as_found = self._as_found.extend(leaves)
        if update.root != seal["root"]:
            if self._as_found is None:
                self._as_found = update.tree
            update = self._mended(seal, leaves) or update
        self._findings.checked(Check.ROOTS)
        self._size, self._edge, self._tree = update.size, update.edge, update.tree
        for tile in update.tiles:
            if tile.width == WIDTH:
                self._compare(tile)

    def finish(self, keys: Iterable[tuple[int, int]]) -> None:
        """Compares the partial tiles, and looks for tiles that the tree does not have.

        ``keys``: level and index of every stored tile.
        """
        for level, index, _ in edge_tiles(self._size):
            self._compare(Tile(level=level, index=index, hashes=self._edge[level]))
        for level, index in keys:
            count = self._size >> HEIGHT * level if level >= 0 else 0
            if not 0 <= index < -(-count // WIDTH):
                self._findings.fail(
                    Check.TILES,
                    f"head.tile, level {level}, index {index}: a tree of "
                    f"{self._size} has no such tile",
                )

    def _extended(self, leaves: Sequence[bytes]) -> TileUpdate:
        return extend_tiles(
            size=self._size, edge=self._edge, leaves=leaves, tree=self._tree
        )

    def _mended(self, seal: Seal, leaves: Sequence[bytes]) -> TileUpdate | None:
        """The update with the stored leaves, if these give the sealed root."""
        stored = self._stored_leaves(len(leaves))
        wrong = [
            index
            for index, (found, held) in enumerate(zip(leaves, stored, strict=True))
            if found != held
        ]
        update = self._extended(stored) if None not in stored else None
        if update is None or update.root != seal["root"]:
            self._findings.fail(
                Check.ROOTS,
                f"seal {seal['seal_no']}: the records of positions {self._size} to "
                f"{self._size + len(leaves) - 1} do not give the sealed root",
            )
            return None
        for index in wrong:
            position = self._size + index
            self._findings.fail(
                Check.ROOTS,
                lambda at=position: (  # type: ignore[misc] # bound now, called at once
                    f"{self._places.at(at)}: is not the record that was sealed in "
                    f"seal {seal['seal_no']}"
                ),
            )
        return update

    def _stored_leaves(self, count: int) -> list[bytes]:
        first, end = self._size, self._size + count
        joined = b"".join(
            (self._read_tile(0, index) or b"").ljust(WIDTH * HASH_SIZE, b"\0")
            for index in range(first // WIDTH, -(-end // WIDTH))
        )
        skip = first % WIDTH
        return [
            joined[at * HASH_SIZE : (at + 1) * HASH_SIZE]
            for at in range(skip, skip + count)
        ]

    def _compare(self, tile: Tile) -> None:
        self._findings.checked(Check.TILES)
        held = self._read_tile(tile.level, tile.index)
        if held == tile.hashes:
            return
        name = tile_path(tile.level, tile.index, tile.width)
        self._findings.fail(
            Check.TILES,
            f"head.tile, level {tile.level}, index {tile.index} ({name}): "
            + _difference(held, tile.hashes),
        )


def _difference(held: bytes | None, expected: bytes) -> str:
    if held is None:
        return "is missing"
    for at in range(0, len(expected), HASH_SIZE):
        if held[at : at + HASH_SIZE] != expected[at : at + HASH_SIZE]:
            return f"hash {at // HASH_SIZE} is not the tree's"
    return f"has {len(held)} bytes, the tree's has {len(expected)}"
