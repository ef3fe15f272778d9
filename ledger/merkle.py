"""Knows the Merkle tree of RFC 6962 §2.1: its hashes, its proofs, and how it grows.

Leaf hash = H(0x00 ‖ data), inner node = H(0x01 ‖ left ‖ right), empty root = H("").
The hash is a parameter, SM3 by default. ``ledger.compact`` and
``ledger.tiles`` keep growing trees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from ledger.errors import Malformed, Untrusted
from ledger.proof_arguments import (
    HASH_SIZE,
    trusted_count,
    trusted_hash,
    trusted_path,
)

ALGORITHMS = ("sm3", "sha256")

# A prepared state costs 0.1 µs to copy; hashlib.new() looks its algorithm up in 0.5.
_LEAF = {name: hashlib.new(name, b"\x00") for name in ALGORITHMS}
_NODE = {name: hashlib.new(name, b"\x01") for name in ALGORITHMS}


def leaf_hash(data: bytes, algorithm: str = "sm3") -> bytes:
    """Returns H(0x00 ‖ data)."""
    state = _LEAF[known(algorithm)].copy()
    state.update(data)
    return state.digest()


def node_hash(left: bytes, right: bytes, algorithm: str = "sm3") -> bytes:
    """Returns H(0x01 ‖ left ‖ right)."""
    return _node_hasher(known(algorithm))(left, right)


def empty_root(algorithm: str = "sm3") -> bytes:
    """Returns the root of the tree without leaves, H("")."""
    return hashlib.new(known(algorithm)).digest()


def verify_inclusion(
    *,
    leaf_hash: bytes,
    index: int,
    size: int,
    path: Sequence[bytes],
    root: bytes,
    algorithm: str = "sm3",
) -> None:
    """Proves that the leaf stands at ``index`` of the tree of ``size`` and ``root``.

    (1) types, lengths and limits; (2) index below size; (3) the path recomputes the
    root and is exactly as long as index and size imply (RFC 9162 §2.1.3.2).
    ``size`` and ``root`` must come from a signed checkpoint: the same path also fits
    other sizes. Raises Untrusted, and nothing else, whatever the arguments are.
    """
    # Step 1.
    node = _trusted_node(algorithm)
    at, last = trusted_count(index, "index"), trusted_count(size, "size") - 1
    computed = trusted_hash(leaf_hash, "leaf_hash")
    claimed = trusted_hash(root, "root")
    nodes = trusted_path(path)
    # Step 2.
    if at > last:
        raise Untrusted(
            "the index is outside the tree",
            code="proof_does_not_hold",
            expected=f"< {last + 1}",
            found=str(at),
        )
    # Step 3.
    for sibling in nodes:
        if last == 0:
            raise Untrusted(
                "the inclusion path is too long",
                code="proof_does_not_hold",
                where=f"index {index}",
            )
        if at & 1 or at == last:
            computed = node(sibling, computed)
            at, last = _climb(at, last)
        else:
            computed = node(computed, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Untrusted(
            "the inclusion path is too short",
            code="proof_does_not_hold",
            where=f"index {index}",
        )
    _same(claimed, computed, "the path does not lead to the root")


def verify_consistency(
    *,
    first_size: int,
    second_size: int,
    first_root: bytes,
    second_root: bytes,
    path: Sequence[bytes],
    algorithm: str = "sm3",
) -> None:
    """Proves that the second tree continues the first one (RFC 9162 §2.1.4.2).

    (1) types, lengths and limits; (2) sizes in order, and not from the empty tree,
    which would prove nothing; (3) equal sizes: equal roots and an empty path;
    (4) the path recomputes both roots and is exactly as long as the sizes imply.
    Raises Untrusted, and nothing else, whatever the arguments are.
    """
    # Step 1.
    node = _trusted_node(algorithm)
    first = trusted_count(first_size, "first_size")
    second = trusted_count(second_size, "second_size")
    first_claim = trusted_hash(first_root, "first_root")
    second_claim = trusted_hash(second_root, "second_root")
    nodes = trusted_path(path)
    # Step 2.
    if not 0 < first <= second:
        raise Untrusted(
            "the sizes prove nothing",
            code="proof_does_not_hold",
            expected="0 < first_size <= second_size",
            found=f"{first}, {second}",
        )
    # Step 3.
    if first == second:
        if nodes:
            raise Untrusted(
                "equal sizes need no path",
                code="proof_does_not_hold",
                found=f"{len(nodes)} nodes",
            )
        _same(first_claim, second_claim, "equal sizes, different roots")
        return
    # Step 4.
    if first & (first - 1) == 0:
        nodes = (first_claim, *nodes)
    if not nodes:
        raise Untrusted("the consistency path is empty", code="proof_does_not_hold")
    old, new = _fold_consistency(first - 1, second - 1, nodes, node)
    _same(first_claim, old, "the path does not lead to the first root")
    _same(second_claim, new, "the path does not lead to the second root")


def tree_root(leaf_hashes: Sequence[bytes], algorithm: str = "sm3") -> bytes:
    """Returns the root over a list of leaf hashes."""
    if not leaf_hashes:
        return empty_root(algorithm)
    return _rows(leaf_hashes, algorithm)[-1][0]


def tree_path(
    index: int, leaf_hashes: Sequence[bytes], algorithm: str = "sm3"
) -> list[bytes]:
    """Returns the inclusion path of one leaf; Malformed if there is no such leaf."""
    if not 0 <= index < len(leaf_hashes):
        raise Malformed(
            "no such leaf", expected=f"0..{len(leaf_hashes) - 1}", found=str(index)
        )
    return _path(index, _rows(leaf_hashes, algorithm))


def all_paths(
    leaf_hashes: Sequence[bytes], algorithm: str = "sm3"
) -> list[list[bytes]]:
    """Returns the inclusion paths of all leaves, hashing each node once."""
    rows = _rows(leaf_hashes, algorithm)
    return [_path(index, rows) for index in range(len(leaf_hashes))]


def parents(row: Sequence[bytes], algorithm: str) -> list[bytes]:
    """Returns the nodes above pairs of ``row``; an odd last one has no parent here."""
    node = _node_hasher(known(algorithm))
    return [node(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]


def fold_right(peaks: Sequence[bytes], algorithm: str) -> bytes:
    """Returns the root over perfect subtrees, largest first: node(left, rest)."""
    if not peaks:
        return empty_root(algorithm)
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root, algorithm)
    return root


def check_hashes(hashes: Iterable[bytes]) -> None:
    """Raises Malformed unless every hash has 32 bytes."""
    if not set(map(len, hashes)) <= {HASH_SIZE}:
        raise Malformed("a hash of another length", expected=f"{HASH_SIZE} bytes")


def _rows(leaf_hashes: Sequence[bytes], algorithm: str) -> list[Sequence[bytes]]:
    """All levels, leaves first. An odd last node moves up as it is: RFC 6962's shape."""
    check_hashes(leaf_hashes)
    rows: list[Sequence[bytes]] = [leaf_hashes]
    while len(row := rows[-1]) > 1:
        odd = row[-1:] if len(row) & 1 else ()
        rows.append([*parents(row, algorithm), *odd])
    return rows


def _path(index: int, rows: Sequence[Sequence[bytes]]) -> list[bytes]:
    path = []
    for row in rows[:-1]:
        if (sibling := index ^ 1) < len(row):
            path.append(row[sibling])
        index >>= 1
    return path


def _fold_consistency(
    at: int, last: int, nodes: Sequence[bytes], node: Callable[[bytes, bytes], bytes]
) -> tuple[bytes, bytes]:
    """Recomputes (first root, second root) from ``nodes``, which is not empty."""
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            raise Untrusted(
                "the consistency path is too long", code="proof_does_not_hold"
            )
        if at & 1 or at == last:
            old, new = node(sibling, old), node(sibling, new)
            at, last = _climb(at, last)
        else:
            new = node(new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Untrusted("the consistency path is too short", code="proof_does_not_hold")
    return old, new


def _climb(at: int, last: int) -> tuple[int, int]:
    """Skips the levels at which a right-edge node has no sibling."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def known(algorithm: str) -> str:
    """Returns the algorithm's name; Malformed unless it is one of ALGORITHMS."""
    if algorithm not in ALGORITHMS:
        raise Malformed("unknown hash", expected=" or ".join(ALGORITHMS))
    return algorithm


def _same(claimed: bytes, computed: bytes, reason: str) -> None:
    if claimed != computed:
        raise Untrusted(
            reason,
            code="proof_does_not_hold",
            expected=claimed.hex(),
            found=computed.hex(),
        )


# The verifiers take these as ``object``: whoever brings a proof chose its arguments.
# Exact types only, since a subclass may answer len() and == as it likes.


def _trusted_node(algorithm: object) -> Callable[[bytes, bytes], bytes]:
    if type(algorithm) is not str or algorithm not in ALGORITHMS:
        raise Untrusted(
            "unknown hash", code="proof_does_not_hold", expected=" or ".join(ALGORITHMS)
        )
    return _node_hasher(algorithm)


def _node_hasher(algorithm: str) -> Callable[[bytes, bytes], bytes]:
    fork = _NODE[algorithm].copy

    def node(left: bytes, right: bytes) -> bytes:
        state = fork()
        state.update(left)
        state.update(right)
        return state.digest()

    return node


node_sm3 = _node_hasher("sm3")
"""H(0x01 ‖ left ‖ right) with SM3, without a look at the algorithm's name."""
