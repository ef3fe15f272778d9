from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed, Untrusted
from ledger.key_wrapping import (
    Wrapping,
    holder_bytes,
    holder_tag,
    pair_bytes,
    pair_tag,
    read_holder,
    read_pair,
)

KEY = bytes(range(32))
ROW = bytes(32)
REF = bytes(range(32))


def wrapping(key: bytes = KEY) -> Wrapping:
    return Wrapping(key, secrets.token_bytes)


@given(st.binary(max_size=200), st.sampled_from([16, 32]))
def test_what_was_wrapped_comes_out_again(value: bytes, key_size: int) -> None:
    wrapped = wrapping(KEY[:key_size]).wrap("column", ROW, value)
    assert wrapping(KEY[:key_size]).unwrap("column", ROW, wrapped) == value
    assert len(wrapped) == 12 + len(value) + 16


def test_one_value_wrapped_twice_looks_different() -> None:
    assert wrapping().wrap("c", ROW, b"x") != wrapping().wrap("c", ROW, b"x")


@pytest.mark.parametrize(
    ("column", "row", "key"),
    [
        ("other", ROW, KEY),
        ("column", REF, KEY),
        ("column", ROW, KEY[::-1]),
        ("column", ROW, KEY[:16]),
    ],
)
def test_a_value_opens_in_its_own_place_and_under_its_own_key_only(
    column: str, row: bytes, key: bytes
) -> None:
    wrapped = wrapping().wrap("column", ROW, b"value")
    with pytest.raises(Untrusted, match="does not open"):
        wrapping(key).unwrap(column, row, wrapped)


@pytest.mark.parametrize("size", range(0, 34, 3))
def test_a_changed_or_shortened_value_is_untrusted(size: int) -> None:
    wrapped = wrapping().wrap("column", ROW, b"value")
    broken = bytearray(wrapped)
    broken[size % len(wrapped)] ^= 1
    for value in (bytes(broken), wrapped[: size % len(wrapped)]):
        with pytest.raises(Untrusted):
            wrapping().unwrap("column", ROW, value)


def test_a_key_and_the_same_key_filled_up_with_zeros_are_two() -> None:
    assert not wrapping(KEY[:16]).same_as(wrapping(KEY[:16] + bytes(16)))
    assert wrapping(KEY[:16]).same_as(wrapping(KEY[:16]))


@pytest.mark.parametrize("size", [0, 15, 24, 33])
def test_a_wrapping_key_of_another_size_is_malformed(size: int) -> None:
    with pytest.raises(Malformed, match="bad wrapping key"):
        wrapping(bytes(size))


codes = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40
).filter(lambda code: code.strip(" \t\r\n\u3000") != "")


@given(codes)
def test_a_holder_reads_back_normalised(code: str) -> None:
    kind, read = read_holder(holder_bytes("099", code))
    assert (kind, read) == ("099", code.strip(" \t\r\n\u3000"))


def test_the_length_of_a_code_does_not_show() -> None:
    sizes = {len(holder_bytes("099", "x" * size)) for size in range(1, 59)}
    assert sizes == {64}


@given(st.binary(min_size=32, max_size=32), codes)
def test_a_pair_reads_back(ref: bytes, license_id: str) -> None:
    assert read_pair(pair_bytes(ref, license_id)) == (ref, license_id)
    assert read_pair(pair_bytes(ref, "")) == (ref, "")


def test_tags_depend_on_pepper_kind_and_code_and_never_on_spelling() -> None:
    one = holder_tag(KEY, holder_bytes("111", "11010519491231002X"))
    assert one == holder_tag(KEY, holder_bytes("111", " 11010519491231002x "))
    others = {
        holder_tag(KEY, holder_bytes("414", "11010519491231002X")),
        holder_tag(KEY, holder_bytes("111", "110105194912310021")),
        holder_tag(ROW, holder_bytes("111", "11010519491231002X")),
        pair_tag(KEY, holder_bytes("111", "11010519491231002X")),
    }
    assert len(others | {one}) == 5


@pytest.mark.parametrize(
    ("kind", "code"),
    [("11", "x"), ("1111", "x"), ("a11", "x"), ("099", "   "), ("099", "私" * 67)],
)
def test_what_cannot_be_a_holder_is_malformed(kind: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        holder_bytes(kind, code)
    assert "私" not in str(caught.value)


def test_a_code_that_is_no_text_is_malformed_and_not_quoted() -> None:
    with pytest.raises(Malformed, match="Unicode text") as caught:
        holder_bytes("099", "secret\udc80")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(("ref", "license_id"), [(b"x", "a"), (REF, "x" * 201)])
def test_what_cannot_be_a_pair_is_malformed(ref: bytes, license_id: str) -> None:
    with pytest.raises(Malformed):
        pair_bytes(ref, license_id)
