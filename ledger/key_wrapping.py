"""Knows the bytes the key store keeps: wrapped values, and tags to find them by.

A wrapped value is ``nonce 12 ‖ ciphertext ‖ tag 16``, SM4-GCM (RFC 8998); the
authenticated data names column and row, so that nobody can move one to another place. A
tag is HMAC-SM3 under the store's pepper: codes of people are few enough to be searched
through, and a plain hash would give them away.
"""

from __future__ import annotations

from typing import Final

from ledger.encryption import (
    NONCE_SIZE,
    hmac_sm3,
    sm4_gcm_decrypt,
    sm4_gcm_encrypt,
)
from ledger.errors import Malformed, Untrusted
from ledger.holders import is_person_kind, normalise_holder_code
from ledger.sm2_curve import RandomBytes

REF_SIZE: Final = 32

_WRAP_CONTEXT: Final = b"license-ledger/key-store/wrap/v1\0"
_HOLDER_CONTEXT: Final = b"license-ledger/key-store/holder/v1\0"
_PAIR_CONTEXT: Final = b"license-ledger/key-store/pair/v1\0"

_KEY_SIZES: Final = (16, 32)
_BLOCK: Final = 64
_TEXT_MAX: Final = 200


class Wrapping:
    """Wraps and unwraps the values of one key store under one key of 16 or 32 bytes.

    Nonces are random, so one wrapping key serves up to 2³² values (NIST SP 800-38D
    §8.3); re-wrap before that. Raises Malformed for a key of another size.
    """

    def __init__(self, wrapping_key: bytes, random_bytes: RandomBytes) -> None:
        if len(wrapping_key) not in _KEY_SIZES:
            raise Malformed(
                "bad wrapping key",
                code="wrong_wrapping_key",
                expected="16 or 32 bytes",
                found=f"{len(wrapping_key)} bytes",
            )
        # The size is hashed too: HMAC takes a key and the same key with zeros for one.
        size = bytes((len(wrapping_key),))
        self._key = hmac_sm3(wrapping_key, _WRAP_CONTEXT + size)[:16]
        self._random_bytes = random_bytes

    def wrap(self, column: str, row: bytes, value: bytes) -> bytes:
        """Encrypts a value for one place: its column and the key of its row."""
        nonce = self._random_bytes(NONCE_SIZE)
        return nonce + sm4_gcm_encrypt(
            key=self._key, nonce=nonce, plaintext=value, aad=_aad(column, row)
        )

    def unwrap(self, column: str, row: bytes, wrapped: bytes) -> bytes:
        """Opens it again; raises Untrusted for another key, another place, other bytes."""
        try:
            return sm4_gcm_decrypt(
                key=self._key,
                nonce=wrapped[:NONCE_SIZE],
                ciphertext=wrapped[NONCE_SIZE:],
                aad=_aad(column, row),
            )
        except (Malformed, Untrusted) as error:
            raise Untrusted(
                "the key store holds a value that does not open",
                code="key_store_damaged",
                expected="a value wrapped by this key for this place",
                where=f"{column} {row.hex()}",
            ) from error

    def same_as(self, other: Wrapping) -> bool:
        """Whether both use the same key."""
        return self._key == other._key


def holder_bytes(kind: str, code: str) -> bytes:
    """Kind and normalised code, padded to whole blocks so that lengths say little.

    Raises Malformed for a kind without three digits, and for a code that is empty, no
    text, or above 200 bytes; the message never holds the code.
    """
    is_person_kind(kind)
    text = _text("holder code", normalise_holder_code(kind, code))
    if not text:
        raise Malformed("an empty holder code names nobody")
    filled = kind.encode() + len(text).to_bytes(2, "big") + text
    return filled + bytes(-len(filled) % _BLOCK)


def read_holder(value: bytes) -> tuple[str, str]:
    """The kind and code inside `holder_bytes`."""
    size = int.from_bytes(value[3:5], "big")
    return value[:3].decode(), value[5 : 5 + size].decode()


def holder_tag(pepper: bytes, holder: bytes) -> bytes:
    """What a holder is found again by, 32 bytes; takes `holder_bytes`."""
    return hmac_sm3(pepper, _HOLDER_CONTEXT + holder)


def pair_bytes(holder_ref: bytes, license_id: str) -> bytes:
    """A holder and a license; ``license_id`` is '' where no license is meant.

    Raises Malformed for a ref of another size than 32, a license_id above 200 bytes.
    """
    if len(holder_ref) != REF_SIZE:
        raise Malformed(
            "bad holder_ref", expected="32 bytes", found=f"{len(holder_ref)} bytes"
        )
    return holder_ref + _text("license_id", license_id)


def read_pair(value: bytes) -> tuple[bytes, str]:
    """The holder_ref and license_id inside `pair_bytes`."""
    return value[:REF_SIZE], value[REF_SIZE:].decode()


def pair_tag(pepper: bytes, pair: bytes) -> bytes:
    """What a pair's secret is found by, 32 bytes; takes `pair_bytes`."""
    return hmac_sm3(pepper, _PAIR_CONTEXT + pair)


def _aad(column: str, row: bytes) -> bytes:
    return column.encode() + b"\0" + row


def _text(what: str, text: str) -> bytes:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        # Not `from error`: its message would quote what may be personal data.
        raise Malformed(f"bad {what}", expected="Unicode text") from None
    if len(encoded) > _TEXT_MAX:
        raise Malformed(
            f"bad {what}",
            expected=f"at most {_TEXT_MAX} bytes",
            found=f"{len(encoded)} bytes",
        )
    return encoded
