"""The same questions to both providers: their answers must never differ."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import sm2, sm2_curve
from ledger.errors import Malformed, Unavailable
from ledger.sm2 import Provider
from ledger.sm2_curve import GX, GY, N
from ledger.sm2_gmssl import GmsslProvider
from ledger.sm2_libcrypto import LibcryptoProvider, open_libcrypto
from tests.ledger import sm2_vectors as vector
from tests.ledger.rewired_provider import RewiredProvider
from tests.ledger.sm2_vectors import raw


def libcrypto() -> Provider:
    try:
        return LibcryptoProvider(open_libcrypto())
    except Unavailable:
        pytest.skip("this machine's libcrypto has no SM2")


def gmssl() -> Provider:
    return GmsslProvider(secrets.token_bytes)


@pytest.fixture(params=[libcrypto, gmssl])
def provider(request: pytest.FixtureRequest) -> Provider:
    make: Callable[[], Provider] = request.param
    return make()


def test_published_signature_holds(provider: Provider) -> None:
    assert provider.verify(vector.PUBLIC, vector.MESSAGE, vector.SIGNATURE)


def test_published_public_key_is_computed(provider: Provider) -> None:
    assert provider.public_key(vector.PRIVATE) == vector.PUBLIC


def test_published_nonce_gives_the_published_signature() -> None:
    provider = GmsslProvider(lambda size: vector.NONCE[:size])
    made = provider.sign(vector.PRIVATE, vector.PUBLIC, vector.MESSAGE)
    assert made == vector.SIGNATURE


def test_sm3_is_the_published_hash() -> None:
    assert hashlib.new("sm3", b"abc").hexdigest() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    assert hashlib.new("sm3", b"abcd" * 16).hexdigest() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


@pytest.mark.parametrize("private_key", vector.AWKWARD_PRIVATE_KEYS)
def test_x_that_begins_like_the_prefix_is_left_alone(
    provider: Provider, private_key: bytes
) -> None:
    public_key = provider.public_key(private_key)
    made = provider.sign(private_key, public_key, b"a")
    assert public_key[1:2] in b"\x00\x04\x40\x44"
    assert provider.verify(public_key, b"a", made)
    assert not provider.verify(public_key, b"b", made)


@pytest.mark.parametrize("private_key", vector.AWKWARD_PRIVATE_KEYS)
def test_one_signs_and_the_other_verifies(private_key: bytes) -> None:
    one, other = libcrypto(), gmssl()
    public_key = one.public_key(private_key)
    assert other.public_key(private_key) == public_key
    message = secrets.token_bytes(600)
    assert other.verify(public_key, message, one.sign(private_key, public_key, message))
    assert one.verify(public_key, message, other.sign(private_key, public_key, message))


def test_generated_keys_are_pairs(provider: Provider) -> None:
    private_key, public_key = provider.generate(secrets.token_bytes)
    assert sm2_curve.point_on_curve(public_key)
    signature = provider.sign(private_key, public_key, b"")
    assert provider.verify(public_key, b"", signature)


def test_generation_uses_the_given_randomness(provider: Provider) -> None:
    draws = iter([bytes(32), b"\xff" * 32, vector.PRIVATE])
    made = provider.generate(lambda size: next(draws)[:size])
    assert made == (vector.PRIVATE, vector.PUBLIC)


HOSTILE_SIGNATURES = {
    "nothing": b"",
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
    "r is 0": raw(0, vector.S),
    "s is 0": raw(vector.R, 0),
    "s is n": raw(vector.R, N),
    "r is n": raw(N, vector.S),
    "r + s is n": raw(vector.R, N - vector.R),
    "s is negated": raw(vector.R, N - vector.S),
    "r and s swapped": raw(vector.S, vector.R),
    "DER": sm2_curve.der_from_numbers(vector.R, vector.S),
    "cut": vector.SIGNATURE[:-1],
    "longer": vector.SIGNATURE + b"\0",
    "half": vector.SIGNATURE[:32],
    "doubled": vector.SIGNATURE * 2,
}


@pytest.mark.parametrize(
    "signature", HOSTILE_SIGNATURES.values(), ids=list(HOSTILE_SIGNATURES)
)
def test_hostile_signatures_do_not_hold(provider: Provider, signature: bytes) -> None:
    assert not provider.verify(vector.PUBLIC, vector.MESSAGE, signature)


HOSTILE_KEYS = {
    "nothing": b"",
    "infinity": b"\0",
    "zeros": bytes(65),
    "the origin": b"\x04" + bytes(64),
    "off the curve": vector.PUBLIC[:-1] + bytes((vector.PUBLIC[-1] ^ 1,)),
    "without prefix": vector.PUBLIC[1:],
    "hybrid": b"\x07" + vector.PUBLIC[1:],
    "compressed": b"\x03" + vector.PUBLIC[1:33],
    "longer": vector.PUBLIC + b"\0",
    "ones": b"\x04" + b"\xff" * 64,
    "another": b"\x04" + GX.to_bytes(32, "big") + GY.to_bytes(32, "big"),
}


@pytest.mark.parametrize("public_key", HOSTILE_KEYS.values(), ids=list(HOSTILE_KEYS))
def test_hostile_keys_verify_nothing(provider: Provider, public_key: bytes) -> None:
    assert not provider.verify(public_key, vector.MESSAGE, vector.SIGNATURE)


@pytest.mark.parametrize("sign", [1, -1])
def test_colliding_points_do_not_stop_a_provider(provider: Provider, sign: int) -> None:
    """Whoever knows d can choose s = ±t·d: sG + tP is infinity, or a doubling."""
    d = int.from_bytes(vector.PRIVATE, "big")
    t = 12345
    s = sign * t * d % N
    assert not provider.verify(vector.PUBLIC, vector.MESSAGE, raw((t - s) % N, s))


@given(bit=st.integers(0, 64 * 8 - 1))
def test_any_flipped_bit_of_a_signature_is_noticed(bit: int) -> None:
    flipped = flip(vector.SIGNATURE, bit)
    assert not libcrypto().verify(vector.PUBLIC, vector.MESSAGE, flipped)


@given(bit=st.integers(0, len(vector.MESSAGE) * 8 - 1))
def test_any_flipped_bit_of_a_message_is_noticed(bit: int) -> None:
    flipped = flip(vector.MESSAGE, bit)
    assert not libcrypto().verify(vector.PUBLIC, flipped, vector.SIGNATURE)


@given(bit=st.integers(0, 65 * 8 - 1))
def test_any_flipped_bit_of_a_key_is_noticed(bit: int) -> None:
    flipped = flip(vector.PUBLIC, bit)
    assert not libcrypto().verify(flipped, vector.MESSAGE, vector.SIGNATURE)


@settings(max_examples=15)
@given(
    bit=st.integers(0, 64 * 8 - 1),
    message=st.binary(max_size=200),
    key=st.sampled_from(vector.AWKWARD_PRIVATE_KEYS),
)
def test_providers_agree_on_good_and_bad(bit: int, message: bytes, key: bytes) -> None:
    one, other = libcrypto(), gmssl()
    public_key = one.public_key(key)
    good = one.sign(key, public_key, message)
    bad = flip(good, bit)
    assert one.verify(public_key, message, good)
    assert other.verify(public_key, message, good)
    assert not one.verify(public_key, message, bad)
    assert not other.verify(public_key, message, bad)


@given(key=st.binary(max_size=80), signature=st.binary(max_size=80))
def test_garbage_is_an_answer_not_an_error(key: bytes, signature: bytes) -> None:
    for provider in (libcrypto(), gmssl()):
        assert not provider.verify(key, b"", signature)


def test_every_signature_has_its_own_nonce(provider: Provider) -> None:
    count = 8 if provider.name == "gmssl" else 300
    made = {
        provider.sign(vector.PRIVATE, vector.PUBLIC, vector.MESSAGE)[:32]
        for _ in range(count)
    }
    assert len(made) == count


def test_portable_provider_rejects_bad_nonces() -> None:
    def draws() -> Iterator[bytes]:
        return chain([bytes(32), N.to_bytes(32, "big")], repeat(vector.NONCE))

    drawn = draws()
    provider = GmsslProvider(lambda size: next(drawn)[:size])
    made = provider.sign(vector.PRIVATE, vector.PUBLIC, vector.MESSAGE)
    assert made == vector.SIGNATURE


@pytest.mark.parametrize("number", [0, N - 1, N])
def test_bad_private_keys_are_malformed(provider: Provider, number: int) -> None:
    private_key = number.to_bytes(32, "big")
    with pytest.raises(Malformed):
        provider.sign(private_key, vector.PUBLIC, b"")
    with pytest.raises(Malformed):
        provider.public_key(private_key)


def test_signing_for_a_point_off_the_curve_is_malformed(provider: Provider) -> None:
    with pytest.raises(Malformed):
        provider.sign(vector.PRIVATE, vector.PUBLIC[:-1] + b"\0", b"")


def test_keys_may_be_evicted_while_threads_use_them() -> None:
    try:
        provider = LibcryptoProvider(open_libcrypto(), public_keys_max=2)
    except Unavailable:
        pytest.skip("this machine's libcrypto has no SM2")
    keys = [
        (private_key, provider.public_key(private_key))
        for private_key in vector.AWKWARD_PRIVATE_KEYS
    ]
    signed = [(pair[1], provider.sign(*pair, b"m")) for pair in keys]

    def check(number: int) -> bool:
        public_key, signature = signed[number % len(signed)]
        return provider.verify(public_key, b"m", signature)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(check, range(400)))


def test_default_provider_is_sound_and_always_the_same() -> None:
    chosen = sm2.default_provider()
    assert chosen is sm2.default_provider()
    assert chosen.verify(vector.PUBLIC, vector.MESSAGE, vector.SIGNATURE)


def test_self_test_refuses_a_provider_that_always_agrees() -> None:
    assert sm2._passes(gmssl())
    assert not sm2._passes(RewiredProvider(gmssl(), lambda *_: True))


def test_self_test_refuses_a_provider_that_never_agrees() -> None:
    assert not sm2._passes(RewiredProvider(gmssl(), lambda *_: False))


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
