from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import merkle, signing
from ledger.errors import Malformed
from ledger.signing import BatchSignature, BatchVerifier, SoftwareSigner
from ledger.sm2_gmssl import GmsslProvider
from tests.ledger import sm2_vectors as vector
from tests.ledger.rewired_provider import RewiredProvider

BATCH_ID = bytes.fromhex("00112233445566778899aabbccddeeff")

# The eight leaves that Certificate Transparency implementations test with.
CANONICAL_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CANONICAL_ROOT = bytes.fromhex(
    "bc48ba7a709184b5f2a631e1adeb8dc2a0d4c018c1d6cc89b5664fe154c93b38"
)


def signer() -> SoftwareSigner:
    return SoftwareSigner(vector.PRIVATE, vector.PUBLIC)


def batch_of(count: int) -> tuple[list[bytes], list[BatchSignature]]:
    messages = [signing.tbs(1, number.to_bytes(4, "big")) for number in range(count)]
    return messages, signing.sign_batch(signer(), messages, BATCH_ID)


def holds(
    message: bytes, signature: BatchSignature, public_key: bytes = vector.PUBLIC
) -> bool:
    return BatchVerifier().verify(
        public_key=public_key, tbs=message, signature=signature
    )


def test_key_id_is_sm3_of_the_whole_point() -> None:
    assert signing.key_id(vector.PUBLIC) == (
        hashlib.new("sm3", b"\x04" + vector.PUBLIC[1:]).digest()
    )


def test_bytes_to_be_signed_hold_context_role_and_body() -> None:
    assert signing.tbs(3, b"body") == b"license-ledger/sig/v1\x00\x03body"


def test_published_signature_holds_for_the_module() -> None:
    assert signing.verify(vector.PUBLIC, vector.MESSAGE, vector.SIGNATURE)
    assert not signing.verify(vector.PUBLIC, b"", vector.SIGNATURE)


def test_generated_key_signs() -> None:
    private_key, public_key = signing.generate(secrets.token_bytes)
    assert signing.public_from_private(private_key) == public_key
    made = SoftwareSigner(private_key, public_key).sign(b"m")
    assert signing.verify(public_key, b"m", made)


def test_signer_knows_its_key_and_hides_the_private_one() -> None:
    made = signer()
    assert made.public_key == vector.PUBLIC
    assert made.key_id == signing.key_id(vector.PUBLIC)
    assert vector.PRIVATE.hex() not in repr(made)
    assert repr(vector.PRIVATE) not in repr(made)


def test_keys_that_are_no_pair_make_no_signer() -> None:
    other = signing.public_from_private(vector.AWKWARD_PRIVATE_KEYS[0])
    with pytest.raises(Malformed, match="not a pair"):
        SoftwareSigner(vector.PRIVATE, other)


@pytest.mark.parametrize("count", [0, 1, 2, 31, 100])
def test_verifying_many_keeps_the_order(count: int) -> None:
    good = signer().sign(b"m")
    items = [
        (vector.PUBLIC, b"m" if number % 3 else b"n", good) for number in range(count)
    ]
    expected = [number % 3 != 0 for number in range(count)]
    assert signing.verify_many(items) == expected
    with ThreadPoolExecutor(2) as pool:
        assert signing.verify_many(items, pool=pool) == expected


def test_batch_head_is_the_known_one() -> None:
    head = signing.batch_head(
        key_id=bytes(range(1, 33)), batch_id=BATCH_ID, count=8, root=CANONICAL_ROOT
    )
    assert len(head) == 117
    assert hashlib.new("sm3", head).hexdigest() == (
        "198ba3015b4eae67032b86b7d627e14a63aa3ed7a1ae3008d046deb7b7e3e83e"
    )
    value = bytes.fromhex(
        "d113645002b14d5480b407d7db63e8d0976480b69de6ace41e63015085dd651d"
        "ba2a9db2ff1258e10dee4d0084517ca9c9e879aa8d2f5b70ad14459d3004fb9c"
    )
    assert signing.verify(vector.PUBLIC, head, value)
    provider = GmsslProvider(lambda size: vector.NONCE[:size])
    assert provider.sign(vector.PRIVATE, vector.PUBLIC, head) == value


def test_batch_of_canonical_leaves_leads_to_their_root() -> None:
    for at, made in enumerate(signing.sign_batch(signer(), CANONICAL_LEAVES, BATCH_ID)):
        root = signing.batch_root(CANONICAL_LEAVES[at], made.index, 8, made.path)
        assert root == CANONICAL_ROOT


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 64, 100])
def test_every_member_of_a_batch_verifies(count: int) -> None:
    messages, signatures = batch_of(count)
    verifier = BatchVerifier()
    assert [made.index for made in signatures] == list(range(count))
    assert {made.value for made in signatures} == {signatures[0].value}
    for message, made in zip(messages, signatures, strict=True):
        assert verifier.verify(public_key=vector.PUBLIC, tbs=message, signature=made)


def test_largest_batch_is_signed_once() -> None:
    messages, signatures = batch_of(4096)
    assert len(signatures[4095].path) == 12
    assert holds(messages[4095], signatures[4095])


@pytest.mark.parametrize("count", [0, 4097])
def test_batches_of_other_sizes_are_malformed(count: int) -> None:
    with pytest.raises(Malformed, match="bad batch"):
        signing.sign_batch(signer(), [b"m"] * count, BATCH_ID)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_batch_ids_of_other_sizes_are_malformed(size: int) -> None:
    with pytest.raises(Malformed, match="batch_id"):
        signing.sign_batch(signer(), [b"m"], bytes(size))


def test_member_does_not_verify_at_another_place_or_count() -> None:
    messages, signatures = batch_of(8)
    made = signatures[5]
    accepted = [
        (index, count)
        for count in range(1, 41)
        for index in range(count)
        if holds(messages[5], replace(made, index=index, count=count))
    ]
    assert accepted == [(5, 8)]


def test_path_alone_would_fit_other_places() -> None:
    """Why the count is signed: the same path leads to the same root from (5, 7)."""
    messages, signatures = batch_of(8)
    path = signatures[5].path
    root = signing.batch_root(messages[5], 5, 8, path)
    for index, count in ((5, 7), (9, 11), (9, 12), (17, 19)):
        assert signing.batch_root(messages[5], index, count, path) == root


def test_inner_node_is_no_member() -> None:
    messages, signatures = batch_of(4)
    node = merkle.leaf_hash(messages[0]) + merkle.leaf_hash(messages[1])
    forged = replace(signatures[0], count=2, index=0, path=signatures[0].path[1:])
    assert not holds(node, forged)
    assert not holds(b"\x01" + node, forged)


def forgeries(made: BatchSignature) -> list[BatchSignature]:
    path = made.path
    return [
        replace(made, index=-1),
        replace(made, index=made.count),
        replace(made, count=0),
        replace(made, count=-8),
        replace(made, count=4097),
        replace(made, count=2**64),
        replace(made, path=path[:-1]),
        replace(made, path=(*path, bytes(32))),
        replace(made, path=(path[0][:-1], *path[1:])),
        replace(made, path=(path[0] + b"\0", *path[1:])),
        replace(made, path=path[::-1]),
        replace(made, path=(bytes(32),) * 5000),
        replace(made, batch_id=BATCH_ID[:-1]),
        replace(made, batch_id=bytes(16)),
        replace(made, value=made.value[::-1]),
        replace(made, value=b""),
    ]


def test_forged_batch_signatures_do_not_hold() -> None:
    messages, signatures = batch_of(8)
    for forged in forgeries(signatures[5]):
        assert not holds(messages[5], forged)


def test_batch_of_one_key_does_not_hold_for_another() -> None:
    messages, signatures = batch_of(2)
    other = signing.public_from_private(vector.AWKWARD_PRIVATE_KEYS[0])
    assert not holds(messages[0], signatures[0], other)


def test_bad_shape_has_no_root() -> None:
    with pytest.raises(Malformed, match="bad batch path"):
        signing.batch_root(b"m", 0, 2, ())


def test_path_length_is_that_of_the_tree() -> None:
    for count in range(1, 70):
        paths = merkle.all_paths([merkle.leaf_hash(bytes((n,))) for n in range(count)])
        lengths = [signing.path_length(index, count) for index in range(count)]
        assert lengths == [len(path) for path in paths]


@pytest.mark.parametrize("count", [1_000, 2_049, 4_095, 4_096])
def test_path_length_of_a_large_batch_is_that_of_the_tree(count: int) -> None:
    paths = merkle.all_paths([bytes(32)] * count)
    lengths = [signing.path_length(index, count) for index in range(count)]
    assert lengths == [len(path) for path in paths]


@settings(max_examples=20)
@given(data=st.data(), count=st.integers(1, 20))
def test_any_flipped_bit_of_a_batch_member_is_noticed(
    data: st.DataObject, count: int
) -> None:
    messages, signatures = batch_of(count)
    at = data.draw(st.integers(0, count - 1))
    message, made = messages[at], signatures[at]
    parts = [message, made.value, made.batch_id, *made.path]
    part = data.draw(st.integers(0, len(parts) - 1))
    parts[part] = flip(parts[part], data.draw(st.integers(0, len(parts[part]) * 8 - 1)))
    message, value, batch_id, *path = parts
    forged = replace(made, value=value, batch_id=batch_id, path=tuple(path))
    assert not holds(message, forged)


def counting(calls: list[bytes]) -> RewiredProvider:
    inner = signing.default_provider()

    def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
        calls.append(message)
        return inner.verify(public_key, message, signature)

    return RewiredProvider(inner, verify)


def verify_all(
    verifier: BatchVerifier, batch: tuple[Sequence[bytes], Sequence[BatchSignature]]
) -> list[bool]:
    return [
        verifier.verify(public_key=vector.PUBLIC, tbs=message, signature=made)
        for message, made in zip(*batch, strict=True)
    ]


def test_batch_costs_one_sm2_verification() -> None:
    calls: list[bytes] = []
    verifier = BatchVerifier(provider=counting(calls))
    assert verify_all(verifier, batch_of(100)) == [True] * 100
    assert len(calls) == 1


def test_remembered_head_does_not_vouch_for_another_signature() -> None:
    messages, signatures = batch_of(2)
    verifier = BatchVerifier()
    forged = replace(signatures[0], value=flip(signatures[0].value, 7))
    answers = [
        verifier.verify(public_key=vector.PUBLIC, tbs=messages[0], signature=each)
        for each in (signatures[0], forged, signatures[0])
    ]
    assert answers == [True, False, True]


@settings(max_examples=30)
@given(data=st.data(), count=st.integers(1, 70))
def test_remembered_walks_change_no_answer(data: st.DataObject, count: int) -> None:
    """A verifier that knows the whole batch answers like one that knows nothing."""
    messages, signatures = batch_of(count)
    knowing = BatchVerifier()
    assert verify_all(knowing, (messages, signatures)) == [True] * count
    at = data.draw(st.integers(0, count - 1))
    index = data.draw(st.integers(0, count - 1))
    path = list(signatures[data.draw(st.integers(0, count - 1))].path)
    broken = data.draw(st.booleans())
    if path and broken:
        step = data.draw(st.integers(0, len(path) - 1))
        path[step] = flip(path[step], data.draw(st.integers(0, 255)))
    made = replace(signatures[at], index=index, path=tuple(path))
    one = [messages[at]], [made]
    assert verify_all(knowing, one) == verify_all(BatchVerifier(), one)


def test_verifier_forgets_what_it_has_no_room_for() -> None:
    calls: list[bytes] = []
    verifier = BatchVerifier(provider=counting(calls), heads_max=1)
    for _ in range(2):
        for count in (1, 2):
            assert verify_all(verifier, batch_of(count)) == [True] * count
    assert len(calls) == 4


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
