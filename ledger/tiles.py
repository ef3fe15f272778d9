"""Knows how a tree is kept as tiles of 256 hashes, and how to read proofs from them.

tile(l, n)[i] = MTH(D[(256 n + i) 256^l : (256 n + i + 1) 256^l]), as in C2SP tlog-tiles.
A tile at the right edge is partial; a later, longer version of it begins with the same
bytes. The tree's size alone says what counts: surplus hashes in a tile are ignored,
and nothing above the size is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ledger.compact import CompactRange
from ledger.errors import Malformed, Untrusted
from ledger.merkle import check_hashes, fold_right, parents
from ledger.proof_arguments import HASH_SIZE, SIZE_MAX

HEIGHT = 8
WIDTH = 1 << HEIGHT

ReadTile = Callable[[int, int], bytes]
"""(level, index) -> the tile's hashes joined; empty if there is no such tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile to store under (level, index), over any shorter version of itself."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """The number of hashes, 1 to 256."""
        return len(self.hashes) // HASH_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class TileUpdate:
    """What an extension changes: tiles to write, in order, and the tree after it.

    ``edge`` holds the partial tiles at the right edge by level, for the next extension;
    ``tree`` is the same edge as a compact range.
    """

    tiles: tuple[Tile, ...]
    edge: Mapping[int, bytes]
    root: bytes
    size: int
    tree: CompactRange


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Returns the tile's name: ``tile/<L>/<N>[.p/<W>]``, N in groups of three digits."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + ("" if width == WIDTH else f".p/{width}")


def extend_tiles(
    *,
    size: int,
    edge: Mapping[int, bytes],
    leaves: Sequence[bytes],
    algorithm: str = "sm3",
    tree: CompactRange | None = None,
) -> TileUpdate:
    """Appends leaf hashes to a tree of ``size`` whose partial tiles are ``edge``.

    ``tree``, the compact range of the same tree from the extension before, spares a
    small extension the hashing of the whole edge (0.5 ms). Raises Untrusted if edge or
    ``tree`` are not what the size demands, Malformed if a leaf hash has not 32 bytes.
    """
    check_hashes(leaves)
    if tree is not None and (tree.size, tree.algorithm) != (size, algorithm):
        raise Untrusted(
            "the compact range is another tree's",
            code="head_damaged",
            expected=f"size {size}",
        )
    new_size = _checked(size + len(leaves))
    tiles: list[Tile] = []
    new_edge = {
        level: _cut(edge.get(level, b""), 0, width, level)
        for level, _, width in edge_tiles(size)
    }
    row, level = list(leaves), 0
    while row:
        first = size >> HEIGHT * (level + 1)
        row[:0] = _split(new_edge.pop(level, b""))
        full = []
        for start in range(0, len(row), WIDTH):
            hashes = row[start : start + WIDTH]
            joined = b"".join(hashes)
            tiles.append(Tile(level=level, index=first + start // WIDTH, hashes=joined))
            # A partial tile is never hashed upward: its parent is not yet final.
            if len(hashes) == WIDTH:
                full.append(_perfect(hashes, algorithm))
            else:
                new_edge[level] = joined
        row, level = full, level + 1
    if tree is not None and len(leaves) <= WIDTH:
        tree = tree.extend(leaves)
    else:
        tree = _compact(new_size, new_edge, algorithm)
    return TileUpdate(
        tiles=tuple(tiles), edge=new_edge, root=tree.root(), size=new_size, tree=tree
    )


def edge_tiles(size: int) -> list[tuple[int, int, int]]:
    """Returns (level, index, width) of the partial tiles of a tree of ``size``."""
    edge = []
    for level in range(0, -(-_checked(size).bit_length() // HEIGHT)):
        if width := (size >> HEIGHT * level) % WIDTH:
            edge.append((level, size >> HEIGHT * (level + 1), width))
    return edge


def read_edge(size: int, read_tile: ReadTile) -> dict[int, bytes]:
    """Returns the ``edge`` that extends a stored tree of ``size``; see extend_tiles."""
    return {
        level: _cut(read_tile(level, index), 0, width, level)
        for level, index, width in edge_tiles(size)
    }


def root_from_tiles(size: int, read_tile: ReadTile, algorithm: str = "sm3") -> bytes:
    """Returns the root of the first ``size`` leaves."""
    return _compact(size, read_edge(size, read_tile), algorithm).root()


def inclusion_path(
    index: int, size: int, read_tile: ReadTile, algorithm: str = "sm3"
) -> list[bytes]:
    """Returns PATH(index, D[size]) of RFC 6962 §2.1.1.

    Raises Malformed for an index outside the tree, Untrusted for a tile too short.
    """
    mth = _Subtrees(read_tile, algorithm)
    return [mth.root(start, end) for start, end in _siblings(index, size)]


def inclusion_tiles(index: int, size: int) -> list[tuple[int, int]]:
    """Returns (level, index) of the tiles that ``inclusion_path`` reads.

    Raises Malformed for an index outside the tree.
    """
    found = [
        _place(*peak)[:2]
        for start, end in _siblings(index, size)
        for peak in _peaks(start, end)
    ]
    return sorted(set(found))


def _siblings(index: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges beside the way from a leaf to the root, the lowest first."""
    if not 0 <= index < _checked(size):
        raise Malformed("no such leaf", expected=f"0..{size - 1}", found=str(index))
    found, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split_point(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def _peaks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees of a leaf range, largest first: (start, height)."""
    while start < end:
        height = (end - start).bit_length() - 1
        yield start, height
        start += 1 << height


def _place(start: int, height: int) -> tuple[int, int, int, int]:
    """Where a perfect subtree is stored: level, index, first hash there, how many."""
    level, within = divmod(height, HEIGHT)
    index, offset = divmod(start >> HEIGHT * level, WIDTH)
    return level, index, offset, 1 << within


def consistency_path(
    first: int, second: int, read_tile: ReadTile, algorithm: str = "sm3"
) -> list[bytes]:
    """Returns PROOF(first, D[second]) of RFC 6962 §2.1.2.

    Raises Malformed unless 0 < first <= second, Untrusted for a tile too short.
    """
    if not 0 < first <= _checked(second):
        raise Malformed(
            "no such proof", expected="0 < first <= second", found=f"{first}, {second}"
        )
    mth = _Subtrees(read_tile, algorithm)
    path, start, end = [], 0, second
    while first < end:
        middle = start + _split_point(end - start)
        if first <= middle:
            path.append(mth.root(middle, end))
            end = middle
        else:
            path.append(mth.root(start, middle))
            start = middle
    # The first tree's own last subtree; the verifier has it when it is the whole tree.
    if start:
        path.append(mth.root(start, end))
    return path[::-1]


class _Subtrees:
    """Roots of aligned leaf ranges, read from tiles; each tile is read once."""

    def __init__(self, read_tile: ReadTile, algorithm: str) -> None:
        self._read_tile = read_tile
        self._algorithm = algorithm
        self._tiles: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]), where start is a multiple of the largest subtree."""
        peaks = [self._perfect(*peak) for peak in _peaks(start, end)]
        return fold_right(peaks, self._algorithm)

    def _perfect(self, start: int, height: int) -> bytes:
        level, index, offset, count = _place(start, height)
        key = level, index
        if key not in self._tiles:
            self._tiles[key] = self._read_tile(level, index)
        hashes = _cut(self._tiles[key], offset, offset + count, level)
        return _perfect(_split(hashes), self._algorithm)


def _compact(size: int, edge: Mapping[int, bytes], algorithm: str) -> CompactRange:
    peaks: list[bytes] = []
    for level, _, width in reversed(edge_tiles(size)):
        hashes = _split(edge[level])
        start = 0
        while start < width:
            count = 1 << (width - start).bit_length() - 1
            peaks.append(_perfect(hashes[start : start + count], algorithm))
            start += count
    return CompactRange(size=size, hashes=tuple(peaks), algorithm=algorithm)


def _perfect(hashes: Sequence[bytes], algorithm: str) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = parents(hashes, algorithm)
    return hashes[0]


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]


def _cut(hashes: bytes, start: int, end: int, level: int) -> bytes:
    if len(hashes) < end * HASH_SIZE:
        raise Untrusted(
            "a tile is shorter than the tree's size demands",
            code="head_damaged",
            expected=f"{end * HASH_SIZE} bytes",
            found=f"{len(hashes)} bytes",
            where=f"tile level {level}",
        )
    return hashes[start * HASH_SIZE : end * HASH_SIZE]


def _split_point(count: int) -> int:
    """The largest power of two below ``count`` (> 1)."""
    return 1 << (count - 1).bit_length() - 1


def _checked(size: int) -> int:
    if not 0 <= size <= SIZE_MAX:
        raise Malformed("tree size out of range", found=str(size))
    return size
