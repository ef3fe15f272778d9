from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import sm2_curve
from ledger.errors import Malformed
from ledger.sm2_curve import GX, GY, N, P
from tests.ledger import sm2_vectors as vector

NUMBERS = st.integers(min_value=0, max_value=2**256 - 1)


def point(x: int, y: int, first: int = 4) -> bytes:
    return bytes((first,)) + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def test_message_digest_is_the_published_one() -> None:
    digest = sm2_curve.message_digest(vector.PUBLIC, vector.MESSAGE)
    assert digest == vector.DIGEST


def test_base_point_and_published_key_are_on_the_curve() -> None:
    assert sm2_curve.point_on_curve(point(GX, GY))
    assert sm2_curve.point_on_curve(point(GX, P - GY))
    assert sm2_curve.point_on_curve(vector.PUBLIC)


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        b"\x00",
        b"\x04",
        bytes(65),
        point(0, 0),
        point(GX, GY ^ 1),
        point(GX ^ 1, GY),
        point(GX, GY, first=6),
        point(GX, GY, first=3),
        point(GX, GY)[:-1],
        point(GX, GY) + b"\0",
        point(GX, GY)[1:],
        b"\x02" + GX.to_bytes(32, "big"),
        point(P, GY),
        b"\xff" * 65,
        b"\x04" + b"\xff" * 64,
    ],
)
def test_other_bytes_are_no_point(public_key: bytes) -> None:
    assert not sm2_curve.point_on_curve(public_key)
    with pytest.raises(Malformed):
        sm2_curve.demand_public_key(public_key)


def test_coordinate_above_the_field_is_no_point() -> None:
    """X + p names the same point a second time, where it still fits 32 bytes."""
    x, y = first_point()
    assert sm2_curve.point_on_curve(point(x, y))
    assert not sm2_curve.point_on_curve(point(x + P, y))


def first_point() -> tuple[int, int]:
    for x in range(1, 64):
        right = (x**3 + sm2_curve.A * x + sm2_curve.B) % P
        y = pow(right, (P + 1) // 4, P)  # a root, if there is one: p = 3 modulo 4
        if y * y % P == right:
            return x, y
    pytest.fail("half of all x have a point")


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 1), (1, 0), (0, 0), (N, 1), (1, N), (N + 1, 1), (1, N - 1), (N - 1, 1)],
)
def test_numbers_no_key_can_make_are_refused(r: int, s: int) -> None:
    assert sm2_curve.signature_numbers(vector.raw(r, s)) is None


@pytest.mark.parametrize("size", [0, 1, 63, 65, 72, 128])
def test_signatures_of_another_length_are_refused(size: int) -> None:
    assert sm2_curve.signature_numbers(b"\x01" * size) is None


def test_limits_of_r_and_s_are_allowed() -> None:
    assert sm2_curve.signature_numbers(vector.raw(1, 1)) == (1, 1)
    assert sm2_curve.signature_numbers(vector.raw(N - 1, 2)) == (N - 1, 2)


@pytest.mark.parametrize("number", [0, N - 1, N, 2**256 - 1])
def test_private_keys_out_of_range_are_malformed(number: int) -> None:
    with pytest.raises(Malformed):
        sm2_curve.demand_private_key(number.to_bytes(32, "big"))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_private_keys_of_another_length_are_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        sm2_curve.demand_private_key(b"\x01" * size)


def test_drawing_rejects_what_is_out_of_range() -> None:
    draws = iter([bytes(32), b"\xff" * 32, N.to_bytes(32, "big"), vector.NONCE])
    number = sm2_curve.draw_number(lambda size: next(draws)[:size], largest=N - 1)
    assert number == int.from_bytes(vector.NONCE, "big")


def test_published_signature_has_72_bytes_in_der() -> None:
    der = sm2_curve.der_from_numbers(vector.R, vector.S)
    assert len(der) == 72
    assert der.hex().startswith("3046022100f5a03b06")
    assert sm2_curve.raw_from_der(der) == vector.SIGNATURE


@given(r=NUMBERS, s=NUMBERS)
def test_der_round_trip(r: int, s: int) -> None:
    der = sm2_curve.der_from_numbers(r, s)
    assert sm2_curve.raw_from_der(der) == vector.raw(r, s)


@given(r=NUMBERS, s=NUMBERS, data=st.data())
def test_der_has_no_second_spelling(r: int, s: int, data: st.DataObject) -> None:
    der = bytearray(sm2_curve.der_from_numbers(r, s))
    bit = data.draw(st.integers(0, len(der) * 8 - 1))
    der[bit // 8] ^= 1 << bit % 8
    try:
        read = sm2_curve.raw_from_der(bytes(der))
    except Malformed:
        return
    assert read != vector.raw(r, s)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        bytes.fromhex("3006020101020101") + b"\0",
        bytes.fromhex("300702020001020101"),
        bytes.fromhex("308106020101020101"),
        bytes.fromhex("30060201ff020101"),
        bytes.fromhex("3006020101020101")[:-1],
        bytes.fromhex("300502010102"),
        bytes.fromhex("3080020101020101") + b"\0\0",
        b"\xff" * 72,
        bytes.fromhex("3026022101") + bytes(32) + bytes.fromhex("020101"),
    ],
)
def test_loose_der_is_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        sm2_curve.raw_from_der(der)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_malformed(der: bytes) -> None:
    try:
        read = sm2_curve.raw_from_der(der)
    except Malformed:
        return
    r, s = int.from_bytes(read[:32], "big"), int.from_bytes(read[32:], "big")
    assert sm2_curve.der_from_numbers(r, s) == der
