"""The tree and its proofs, against published vectors, RFC text and merkletools."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import merkletools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.compact import CompactRange
from ledger.errors import Malformed, Untrusted
from ledger.merkle import (
    all_paths,
    empty_root,
    leaf_hash,
    node_hash,
    tree_path,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger.naive_tree import CANONICAL, NaiveTree, numbered

# RFC 6962's roots over the canonical leaves as certificate-transparency tests have them.
SHA256_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SM3_ROOTS = [
    "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
    "2daef60e7a0b8f5e024c81cd2ab3109f2b4f155cf83adeb2ae5532f74a157fdf",
    "0b990fe0c7ad70f1bf1a1262f2c7908ea48146b14253a6db99f2917ab1f5cc4d",
    "209ec96a210d662a964772680e8544d18cab7b88ffec3e00962220349b56ea56",
    "28e4e307ef6d2d0c62d84b11ef96e835efe490f35b93c8f024ecfe38c8dd4377",
    "bb10c996aeebbcdc69be3715fc847344de77442d37a5ab8213da9f41785b103b",
    "8723c1ab1f82ddfba4a3733ac0c80d936d9f4c208c7dbc8cc81ca9fff8584f66",
    "bd36c22a1ac6ff4308e0c3cc1a85bf0ffa30538ec60a55c70413ab15d45db4d2",
    "bc48ba7a709184b5f2a631e1adeb8dc2a0d4c018c1d6cc89b5664fe154c93b38",
]
SM3_LEAVES = [
    "2daef60e7a0b8f5e024c81cd2ab3109f2b4f155cf83adeb2ae5532f74a157fdf",
    "af83a966222057ac761246a7543c580d9111014f4e5e3cb1281db33151160335",
    "c93540f0356ca5170858329e6d483f335894dac0de71c64ff8b51cba68cce396",
    "796e7bd749551d8e3dbd787d5fdbc62771c9a04db51a53bdbc004211f606ee6a",
    "a798bfdb4164a6c7b41a6faecc5c3155cf04d38929dcbd4fe21dea29071aac64",
    "bdef7645a857eba09bc053c20941500cbd26db7477bc4f0c43ef955befc4ea80",
    "0ce032204aaf0d2493c226ac2199c3ea4a51c8ce383f485836943605076c0f4b",
    "23b277dd1b61b16e0bf6e2b6de7a2866687bfab49c172e0c53b9c89fc360709e",
]
SM3_NODE_01 = SM3_ROOTS[2]
SM3_NODE_23 = "2489bde054a243baddcdf4fca1bae37cc910a6d9d85fdb9e1a826d7fc114f9a8"
SM3_NODE_45 = "6f5566cd4dfab1605e73be3ce132f38de996be0094142731e1eb2ab2e001daca"
SM3_NODE_456 = "6f59d73facf2001681a4932aa0ec3c8006b2911c498c6dda229de1b618670d4e"
SM3_NODE_67 = "155f6ed4ccfa83510c9416c99b48f41aa5b12e443546bee1b501a7b281e5132a"
SM3_NODE_4567 = "2064aa35c6f2961ab1667c4418188b13a7b2510104f71febbb67f19419cf8168"
SM3_PATHS = [
    (0, 8, [SM3_LEAVES[1], SM3_NODE_23, SM3_NODE_4567]),
    (5, 8, [SM3_LEAVES[4], SM3_NODE_67, SM3_ROOTS[4]]),
    (4, 5, [SM3_ROOTS[4]]),
    (2, 3, [SM3_NODE_01]),
    (6, 7, [SM3_NODE_45, SM3_ROOTS[4]]),
]
SM3_PROOFS = [
    (4, 8, [SM3_NODE_4567]),
    (6, 8, [SM3_NODE_45, SM3_NODE_67, SM3_ROOTS[4]]),
    (3, 7, [SM3_LEAVES[2], SM3_LEAVES[3], SM3_NODE_01, SM3_NODE_456]),
]
ALGORITHMS = ("sm3", "sha256")
SIZES = range(1, 131)
SMALL_SIZES = range(1, 25)


def unhex(hashes: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in hashes]


@pytest.mark.parametrize(
    ("algorithm", "roots"), [("sha256", SHA256_ROOTS), ("sm3", SM3_ROOTS)]
)
def test_roots_of_the_canonical_leaves_are_the_published_ones(
    algorithm: str, roots: list[str]
) -> None:
    leaves = [leaf_hash(data, algorithm) for data in CANONICAL]
    computed = [tree_root(leaves[:size], algorithm).hex() for size in range(9)]
    assert computed == roots
    grown = CompactRange(algorithm=algorithm)
    assert grown.root().hex() == roots[0]
    for size, leaf in enumerate(leaves, start=1):
        grown = grown.append(leaf)
        assert grown.root().hex() == roots[size]


def test_leaf_hashes_and_the_empty_root_are_the_published_ones() -> None:
    assert [leaf_hash(data).hex() for data in CANONICAL] == SM3_LEAVES
    assert empty_root().hex() == SM3_ROOTS[0]
    assert empty_root("sha256").hex() == SHA256_ROOTS[0]
    assert tree_root(unhex(SM3_LEAVES[:2])).hex() == SM3_ROOTS[2]


@pytest.mark.parametrize(("index", "size", "path"), SM3_PATHS)
def test_inclusion_vector_is_made_and_verified(
    index: int, size: int, path: list[str]
) -> None:
    assert tree_path(index, unhex(SM3_LEAVES[:size])) == unhex(path)
    verify_inclusion(
        leaf_hash=bytes.fromhex(SM3_LEAVES[index]),
        index=index,
        size=size,
        path=unhex(path),
        root=bytes.fromhex(SM3_ROOTS[size]),
    )


@pytest.mark.parametrize(("first", "second", "path"), SM3_PROOFS)
def test_consistency_vector_is_verified(
    first: int, second: int, path: list[str]
) -> None:
    assert NaiveTree(CANONICAL).proof(first, second) == unhex(path)
    verify_consistency(
        first_size=first,
        second_size=second,
        first_root=bytes.fromhex(SM3_ROOTS[first]),
        second_root=bytes.fromhex(SM3_ROOTS[second]),
        path=unhex(path),
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_inclusion_paths_to_size_130_are_those_of_the_rfc(algorithm: str) -> None:
    tree = NaiveTree(numbered(SIZES.stop), algorithm)
    leaves = tree.leaves(SIZES.stop)
    for size in SIZES:
        paths = all_paths(leaves[:size], algorithm)
        assert paths == [tree.path(index, size) for index in range(size)]
        for index, path in enumerate(paths):
            verify_inclusion(
                leaf_hash=leaves[index],
                index=index,
                size=size,
                path=path,
                root=tree.root(size),
                algorithm=algorithm,
            )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_consistency_proofs_to_size_130_hold(algorithm: str) -> None:
    tree = NaiveTree(numbered(SIZES.stop), algorithm)
    for second in SIZES:
        for first in range(1, second + 1):
            verify_consistency(
                first_size=first,
                second_size=second,
                first_root=tree.root(first),
                second_root=tree.root(second),
                path=tuple(tree.proof(first, second)),
                algorithm=algorithm,
            )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_merkletools_finds_the_same_roots_and_paths(algorithm: str) -> None:
    oracle: Any = merkletools.MerkleTools()
    oracle.hash_function = lambda pair: hashlib.new(algorithm, b"\x01" + bytes(pair))
    leaves = [leaf_hash(data, algorithm) for data in numbered(64)]
    for size in range(1, 65):
        oracle.add_leaf(leaves[size - 1].hex())
        oracle.make_tree()
        assert oracle.get_merkle_root() == tree_root(leaves[:size], algorithm).hex()
        theirs = [
            [
                bytes.fromhex(text)
                for step in oracle.get_proof(at)
                for text in step.values()
            ]
            for at in range(size)
        ]
        assert all_paths(leaves[:size], algorithm) == theirs


def inclusion_holds(leaf: bytes, index: int, size: int, path: Any, root: bytes) -> bool:
    try:
        verify_inclusion(leaf_hash=leaf, index=index, size=size, path=path, root=root)
    except Untrusted:
        return False
    return True


def consistency_holds(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Any
) -> bool:
    try:
        verify_consistency(
            first_size=first,
            second_size=second,
            first_root=first_root,
            second_root=second_root,
            path=path,
        )
    except Untrusted:
        return False
    return True


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def spoiled(path: list[bytes]) -> Iterator[list[bytes]]:
    """Yields the path with each node flipped or left out, and with one too many."""
    stranger = leaf_hash(b"stranger")
    for at, node in enumerate(path):
        yield [*path[:at], flip(node), *path[at + 1 :]]
        yield [*path[:at], *path[at + 1 :]]
        yield [*path[:at], stranger, *path[at:]]
    yield [*path, stranger]
    if path:
        yield [*path, path[-1]]


def test_spoiled_inclusion_proof_is_refused() -> None:
    tree = NaiveTree(numbered(SMALL_SIZES.stop))
    for size in SMALL_SIZES:
        root = tree.root(size)
        for index in range(size):
            leaf, path = tree.leaf(index), tree.path(index, size)
            assert inclusion_holds(leaf, index, size, path, root)
            wrong = [
                *((leaf, index, size, bad, root) for bad in spoiled(path)),
                *(
                    (leaf, at, size, path, root)
                    for at in range(size + 1)
                    if at != index
                ),
                (flip(leaf), index, size, path, root),
                (leaf, index, size, path, flip(root)),
            ]
            assert [case for case in wrong if inclusion_holds(*case)] == []


def test_inner_node_is_not_a_leaf_and_the_root_proves_nothing() -> None:
    tree = NaiveTree(numbered(8))
    assert not inclusion_holds(tree.mth(0, 2), 0, 8, tree.path(0, 8)[1:], tree.root(8))
    assert not inclusion_holds(tree.root(8), 0, 8, [], tree.root(8))
    assert inclusion_holds(tree.root(1), 0, 1, [], tree.root(1))


def test_path_also_fits_other_sizes_so_the_size_must_be_signed() -> None:
    tree = NaiveTree(numbered(8))
    leaf, path, root = tree.leaf(5), tree.path(5, 8), tree.root(8)
    fitting = [
        (index, size)
        for size in range(1, 20)
        for index in range(size)
        if inclusion_holds(leaf, index, size, path, root)
    ]
    assert fitting == [(5, 7), (5, 8), (9, 11), (9, 12), (17, 19)]


def test_last_leaf_copied_gives_another_root() -> None:
    leaves = unhex(SM3_LEAVES[:3])
    assert tree_root(leaves) != tree_root([*leaves, leaves[-1]])


def test_spoiled_consistency_proof_is_refused() -> None:
    tree = NaiveTree(numbered(SMALL_SIZES.stop))
    for second in SMALL_SIZES:
        new = tree.root(second)
        for first in range(1, second + 1):
            old, path = tree.root(first), tree.proof(first, second)
            assert consistency_holds(first, second, old, new, path)
            wrong = [
                *((first, second, old, new, bad) for bad in spoiled(path)),
                (first, second, flip(old), new, path),
                (first, second, old, flip(new), path),
                (second + 1, second, old, new, path),
                (0, second, empty_root(), new, path),
                (0, second, empty_root(), new, []),
            ]
            assert [case for case in wrong if consistency_holds(*case)] == []


def test_history_rewritten_behind_equal_sizes_is_refused() -> None:
    tree = NaiveTree(numbered(8))
    assert not consistency_holds(8, 8, tree.root(8), flip(tree.root(8)), [])
    assert not consistency_holds(8, 8, tree.root(8), tree.root(8), [tree.root(8)])
    assert not consistency_holds(0, 0, empty_root(), empty_root(), [])


def test_proof_under_the_other_hash_is_refused() -> None:
    tree = NaiveTree(numbered(8), "sha256")
    with pytest.raises(Untrusted):
        verify_inclusion(
            leaf_hash=tree.leaf(3),
            index=3,
            size=8,
            path=tree.path(3, 8),
            root=tree.root(8),
        )


def test_path_of_the_largest_tree_is_accepted_and_a_longer_one_is_not() -> None:
    path = [leaf_hash(data) for data in numbered(65)]
    root = leaf_hash(b"first")
    for node in path[:63]:
        root = node_hash(root, node)
    leaf, size = leaf_hash(b"first"), 2**63 - 1
    assert inclusion_holds(leaf, 0, size, path[:63], root)
    for longer in (path[:64], path[:65], path * 100_000):
        assert not inclusion_holds(leaf, 0, size, longer, root)


def fail(*_: object) -> Any:
    raise RuntimeError


# An empty length and an endless content; a sequence that cannot be read; an object
# that raises when asked what it is; bytes that equal everything.
Endless: Any = type(
    "Endless",
    (Sequence,),
    {"__getitem__": lambda self, index: bytes(32), "__len__": lambda self: 0},
)
Unreadable: Any = type(
    "Unreadable", (Sequence,), {"__getitem__": fail, "__len__": lambda self: 1}
)
Nameless: Any = type("Nameless", (), {"__class__": property(fail)})
Agreeable: Any = type(
    "Agreeable",
    (bytes,),
    {
        "__eq__": lambda self, other: True,
        "__ne__": lambda self, other: False,
        "__hash__": bytes.__hash__,
    },
)


class One(enum.IntEnum):
    ONE = 1


TREE = NaiveTree(numbered(3))
INCLUSION: dict[str, Any] = {
    "leaf_hash": TREE.leaf(1),
    "index": 1,
    "size": 3,
    "path": TREE.path(1, 3),
    "root": TREE.root(3),
    "algorithm": "sm3",
}
CONSISTENCY: dict[str, Any] = {
    "first_size": 1,
    "second_size": 3,
    "first_root": TREE.root(1),
    "second_root": TREE.root(3),
    "path": TREE.proof(1, 3),
    "algorithm": "sm3",
}
GARBAGE: list[Any] = [
    None, True, False, -1, 0, 2**63, 2**64, 10**5000, -(10**5000), 1.0, 3.0,
    float("nan"), float("inf"), 1j, "", "sm3 ", "SM3", "md5", "1", "\ud800", b"",
    b"\x00" * 31, b"\x00" * 33, bytes(32), bytearray(TREE.root(3)),
    memoryview(TREE.root(3)), TREE.root(3).hex(), Agreeable(32), [], [None], [[]],
    ["x" * 32], [b""], [b"\x00" * 31], [bytes(32)] * 65, [Agreeable(32)] * 2, {},
    {TREE.root(3): 1}, set(), object(), Unreadable(),
    Endless(), iter([]), range(2), range(2**80),
    One.ONE, int, len,
]  # fmt: skip


@pytest.mark.parametrize("name", list(INCLUSION))
@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_an_inclusion_proof_is_untrusted(name: str, garbage: Any) -> None:
    with pytest.raises(Untrusted):
        verify_inclusion(**{**INCLUSION, name: garbage})


@pytest.mark.parametrize("name", list(CONSISTENCY))
@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_a_consistency_proof_is_untrusted(name: str, garbage: Any) -> None:
    with pytest.raises(Untrusted):
        verify_consistency(**{**CONSISTENCY, name: garbage})


def test_argument_that_raises_when_looked_at_is_untrusted() -> None:
    for name in INCLUSION:
        with pytest.raises(Untrusted):
            verify_inclusion(**{**INCLUSION, name: Nameless()})
    for name in CONSISTENCY:
        with pytest.raises(Untrusted):
            verify_consistency(**{**CONSISTENCY, name: Nameless()})


def test_the_proofs_around_the_garbage_hold() -> None:
    verify_inclusion(**INCLUSION)
    verify_consistency(**CONSISTENCY)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 5)
    | st.floats()
    | st.text()
    | st.binary()
    | st.binary(min_size=32, max_size=32)
    | st.sampled_from([*INCLUSION.values(), *CONSISTENCY.values()]),
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries(dict.fromkeys(INCLUSION, ANYTHING)))
def test_random_inclusion_proof_raises_nothing_but_untrusted(
    arguments: dict[str, Any],
) -> None:
    with suppress(Untrusted):
        verify_inclusion(**arguments)


@given(st.fixed_dictionaries(dict.fromkeys(CONSISTENCY, ANYTHING)))
def test_random_consistency_proof_raises_nothing_but_untrusted(
    arguments: dict[str, Any],
) -> None:
    with suppress(Untrusted):
        verify_consistency(**arguments)


@given(st.lists(st.integers(0, 40), max_size=8), st.sampled_from(ALGORITHMS))
def test_range_grown_in_any_steps_is_the_tree(steps: list[int], algorithm: str) -> None:
    leaves = [leaf_hash(data, algorithm) for data in numbered(sum(steps))]
    grown = CompactRange(algorithm=algorithm)
    for step in steps:
        grown = grown.extend(leaves[grown.size : grown.size + step])
        assert grown.root() == tree_root(leaves[: grown.size], algorithm)
    stored = CompactRange(size=grown.size, hashes=grown.hashes, algorithm=algorithm)
    assert stored == grown
    assert len(grown.hashes) == sum(steps).bit_count()


@pytest.mark.parametrize(
    "stored",
    [
        {"size": 1},
        {"size": 0, "hashes": (bytes(32),)},
        {"size": 3, "hashes": (bytes(32),)},
        {"size": 1, "hashes": (bytes(31),)},
        {"size": -1, "hashes": (bytes(32),)},
        {"size": 2**63, "hashes": (bytes(32),)},
        {"algorithm": "md5"},
    ],
)
def test_stored_range_that_contradicts_itself_is_malformed(
    stored: dict[str, Any],
) -> None:
    with pytest.raises(Malformed):
        CompactRange(**stored)


def test_leaf_hash_of_another_length_never_enters_a_tree() -> None:
    for bad in (b"", bytes(31), bytes(33)):
        with pytest.raises(Malformed):
            CompactRange().append(bad)
        with pytest.raises(Malformed):
            tree_root([bytes(32), bad])


@pytest.mark.parametrize("index", [-1, 3])
def test_path_of_a_missing_leaf_is_malformed(index: int) -> None:
    with pytest.raises(Malformed):
        tree_path(index, unhex(SM3_LEAVES[:3]))


def test_unknown_hash_is_malformed() -> None:
    with pytest.raises(Malformed):
        leaf_hash(b"", "md5")
    with pytest.raises(Malformed):
        merkle.empty_root("SM3")


def test_no_leaves_have_no_paths() -> None:
    assert all_paths([]) == []
    assert tree_root([]) == empty_root()
