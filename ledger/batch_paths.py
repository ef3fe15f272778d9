"""Where the path of one message of a batch leads: its shape, and the walk to the root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger import merkle
from ledger.errors import Malformed
from ledger.proof_arguments import HASH_SIZE, PATH_MAX

BATCH_COUNT_MAX: Final = 4096
_HASH_SIZES: Final = frozenset((HASH_SIZE,))


def path_length(index: int, count: int) -> int:
    """How many hashes the path of leaf ``index`` among ``count`` has, exactly."""
    last = count - 1
    # Below the level where its way and the last leaf's meet each step has a sibling,
    # above it only those in which it comes from the right.
    below = (index ^ last).bit_length()
    return below + (index >> below).bit_count()


def batch_shape_ok(*, count: int, index: int, path: Sequence[bytes]) -> bool:
    """Says whether a path can be one of this place: limits, length, hash sizes."""
    return (
        1 <= count <= BATCH_COUNT_MAX
        and 0 <= index < count
        and len(path) == path_length(index, count)
        and set(map(len, path)) <= _HASH_SIZES
    )


def batch_root(tbs: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes:
    """Recomputes the root that this message at this place leads to.

    Raises Malformed unless `batch_shape_ok`.
    """
    if not batch_shape_ok(count=count, index=index, path=path):
        raise Malformed("bad batch path", where=f"index {index} of {count}")
    return root_above(merkle.leaf_hash(tbs), index, count - 1, path)


def root_above(node: bytes, index: int, last: int, path: Sequence[bytes]) -> bytes:
    """Where the path leads from a node that is the ``index``-th of its level."""
    return climb(node, index, last, path, levels=PATH_MAX)[0]


def climb(
    node: bytes, index: int, last: int, path: Sequence[bytes], *, levels: int
) -> tuple[bytes, int]:
    """The walk of RFC 9162 §2.1.3.2 over a path whose shape is known to be right.

    Ends after so many levels or at the root: the node there, and how much of the path
    was needed.
    """
    join, used = merkle.node_sm3, 0
    while last > 0 and levels > 0:
        if index & 1:
            node, used = join(path[used], node), used + 1
        elif index < last:
            node, used = join(node, path[used]), used + 1
        index, last, levels = index >> 1, last >> 1, levels - 1
    return node, used
