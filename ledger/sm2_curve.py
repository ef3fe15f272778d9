"""The curve of GB/T 32918.5-2017 and what makes a key or signature well formed on it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from ledger.errors import Malformed

RandomBytes = Callable[[int], bytes]

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX: Final = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY: Final = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

DEFAULT_ID: Final = b"1234567812345678"
"""The signer's ID that GB/T 35276 and GM/T 0009 use where nobody chose another."""

PRIVATE_KEY_SIZE: Final = 32
PUBLIC_KEY_SIZE: Final = 65
SIGNATURE_SIZE: Final = 64

_Z_PREFIX: Final = (
    (len(DEFAULT_ID) * 8).to_bytes(2, "big")
    + DEFAULT_ID
    + b"".join(number.to_bytes(32, "big") for number in (A, B, GX, GY))
)


def point_on_curve(public_key: bytes) -> bool:
    """Says whether these bytes are ``04‖X‖Y`` of a point of the curve.

    The cofactor is 1, so every such point has order n; the point at infinity has no
    such form.
    """
    if len(public_key) != PUBLIC_KEY_SIZE or public_key[0] != 0x04:
        return False
    x = int.from_bytes(public_key[1:33], "big")
    y = int.from_bytes(public_key[33:], "big")
    return x < P and y < P and (y * y - (x * x + A) * x - B) % P == 0


def demand_private_key(private_key: bytes) -> None:
    """Raises Malformed unless these are 32 bytes of [1, n−2] (GB/T 32918.1 §6.1)."""
    number = int.from_bytes(private_key, "big")
    if len(private_key) != PRIVATE_KEY_SIZE or not 1 <= number <= N - 2:
        raise Malformed("bad private key", expected="32 bytes in [1, n−2]")


def demand_public_key(public_key: bytes) -> None:
    """Raises Malformed unless `point_on_curve`."""
    if not point_on_curve(public_key):
        raise Malformed("bad public key", expected="04‖X‖Y of a point on the curve")


def signature_numbers(signature: bytes) -> tuple[int, int] | None:
    """Gives r and s of a raw signature ``r‖s``, or None where no key can have made it.

    GB/T 32918.2 §7.1: r and s lie in [1, n−1] and r + s is not 0 modulo n.
    """
    if len(signature) != SIGNATURE_SIZE:
        return None
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (1 <= r < N and 1 <= s < N) or r + s == N:
        return None
    return r, s


def der_from_numbers(r: int, s: int) -> bytes:
    """Writes SEQUENCE {INTEGER r, INTEGER s} in DER (GB/T 35276 §7.3)."""
    return _tagged(0x30, _integer(r) + _integer(s))


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def raw_from_der(der: bytes) -> bytes:
    """Reads such a SEQUENCE strictly into ``r‖s``; raises Malformed for anything else.

    Writing it again must give the very same bytes, which leaves no room for long
    forms, padding, negative numbers or bytes behind the end.
    """
    r_size = der[3] if len(der) > 3 else 0
    r = int.from_bytes(der[4 : 4 + r_size], "big")
    s = int.from_bytes(der[6 + r_size :], "big")
    fits = r < 1 << 256 and s < 1 << 256
    if not fits or der_from_numbers(r, s) != der:
        raise Malformed("bad signature", expected="DER SEQUENCE {r, s}")
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def message_digest(public_key: bytes, message: bytes) -> bytes:
    """Gives e = SM3(Z ‖ M) for the default ID (GB/T 32918.2 §5.5, §6.1)."""
    z = hashlib.new("sm3", _Z_PREFIX + public_key[1:]).digest()
    return hashlib.new("sm3", z + message).digest()


def draw_number(random_bytes: RandomBytes, *, largest: int) -> int:
    """Draws a number in [1, largest] by rejection, so that no value is favoured.

    ``largest`` is just below 2**256: a second draw is needed once in 2**32 times.
    """
    while True:
        number = int.from_bytes(random_bytes(32), "big")
        if 1 <= number <= largest:
            return number
