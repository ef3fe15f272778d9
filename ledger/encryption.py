"""Knows how one field of one event is encrypted, opened, and shown without its key.

An encrypted field (加密字段) is ``0x01 ‖ index into holders ‖ nonce 12 ‖ commitment 32
‖ ciphertext ‖ tag 16``, SM4-GCM (RFC 8998) over ``salt 32 ‖ u32 length ‖ Avro value``,
zero-padded to a multiple of 64 so that lengths say little. The commitment lets whoever
has (salt, value) prove this one field to anybody, and ties the bytes to one value: GCM
alone can be made to open under two keys.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ledger.errors import Malformed, Unavailable, Untrusted
from ledger.sm2_curve import RandomBytes

KEY_SIZE: Final = 16
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16

_VERSION: Final = 0x01
_SALT_SIZE: Final = 32
_BLOCK: Final = 64
_COMMITMENT_AT: Final = 2 + NONCE_SIZE
_CIPHERTEXT_AT: Final = _COMMITMENT_AT + 32
_HOLDERS_MAX: Final = 255

_EVENT_KEY_CONTEXT: Final = b"license-ledger/event-key/v1\0"
_FIELD_KEY_CONTEXT: Final = b"license-ledger/field/v1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an encrypted field held; both together prove it to a third party.

    ``avro_value`` is the Value datum with its union index, no header. Neither is shown
    by repr: they may be personal data.
    """

    salt: bytes = field(repr=False)
    avro_value: bytes = field(repr=False)


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """HMAC (RFC 2104) with SM3, 32 bytes."""
    return hmac.digest(key, message, "sm3")


def event_key(secret: bytes, event_id: bytes) -> bytes:
    """Derives the key of one event, 32 bytes.

    ``secret`` is the key store's for this (holder, license), 32 bytes; ``event_id``
    has 16. The event's publisher gets this key and never the secret.
    """
    _demand_size("secret", secret, 32)
    _demand_size("event_id", event_id, 16)
    return hmac_sm3(secret, _EVENT_KEY_CONTEXT + event_id)


def field_key(event_key: bytes, name: str) -> bytes:
    """Derives the SM4 key of one field of one event, 16 bytes."""
    _demand_size("event key", event_key, 32)
    return hmac_sm3(event_key, _FIELD_KEY_CONTEXT + name.encode())[:KEY_SIZE]


def encrypt_field(
    *,
    event_key: bytes,
    origin: bytes,
    event_id: bytes,
    holder_ref: bytes,
    holder_index: int,
    name: str,
    avro_value: bytes,
    random_bytes: RandomBytes,
) -> bytes:
    """Encrypts one value under its holder; ``holder_ref`` is holders[holder_index].

    Salt and nonce are fresh from ``random_bytes``. Raises Malformed for keys or
    identifiers of another size and for an index above 254.
    """
    _demand_size("origin", origin, 16)
    _demand_size("event_id", event_id, 16)
    _demand_size("holder_ref", holder_ref, 32)
    if not 0 <= holder_index < _HOLDERS_MAX:
        raise Malformed("bad holder index", expected="0..254", found=str(holder_index))
    salt, nonce = random_bytes(_SALT_SIZE), random_bytes(NONCE_SIZE)
    _demand_size("salt", salt, _SALT_SIZE)
    aad = _aad(origin, event_id, holder_ref, name)
    ciphertext = sm4_gcm_encrypt(
        key=field_key(event_key, name),
        nonce=nonce,
        plaintext=_padded(salt, avro_value),
        aad=aad,
    )
    head = bytes((_VERSION, holder_index)) + nonce
    return head + hmac_sm3(salt, aad + avro_value) + ciphertext


def decrypt_field(
    *,
    event_key: bytes,
    origin: bytes,
    event_id: bytes,
    holder_ref: bytes,
    name: str,
    blob: bytes,
) -> Opened:
    """Opens one field; ``holder_ref`` is that of holders[`holder_index_of` (blob)].

    (1) shape; (2) tag; (3) padding; (4) commitment. Raises Malformed at step 1 and
    Untrusted after it: another key, another place, or bytes that were changed.
    """
    # Step 1.
    _demand_shape(blob)
    # Step 2.
    aad = _aad(origin, event_id, holder_ref, name)
    plaintext = sm4_gcm_decrypt(
        key=field_key(event_key, name),
        nonce=blob[2:_COMMITMENT_AT],
        ciphertext=blob[_CIPHERTEXT_AT:],
        aad=aad,
    )
    # Step 3.
    salt, rest = plaintext[:_SALT_SIZE], plaintext[_SALT_SIZE:]
    avro_value = rest[4 : 4 + int.from_bytes(rest[:4], "big")]
    if _padded(salt, avro_value) != plaintext:
        raise Untrusted(
            "an encrypted field is padded wrongly", code="key_store_damaged", where=name
        )
    # Step 4.
    if not hmac.compare_digest(hmac_sm3(salt, aad + avro_value), commitment_of(blob)):
        raise Untrusted(
            "an encrypted field does not meet its commitment",
            code="key_store_damaged",
            where=name,
        )
    return Opened(salt=salt, avro_value=avro_value)


def check_disclosure(
    *,
    origin: bytes,
    event_id: bytes,
    holder_ref: bytes,
    name: str,
    blob: bytes,
    salt: bytes,
    avro_value: bytes,
) -> bool:
    """Says whether (salt, value) is what this field of this event holds; no key needed.

    ``blob`` must come from a record whose signatures were verified.
    """
    if len(salt) != _SALT_SIZE or not encrypted_shape_ok(blob, _HOLDERS_MAX):
        return False
    computed = hmac_sm3(salt, _aad(origin, event_id, holder_ref, name) + avro_value)
    return hmac.compare_digest(computed, commitment_of(blob))


def commitment_of(blob: bytes) -> bytes:
    """Reads the commitment, 32 bytes; raises Malformed for another shape."""
    _demand_shape(blob)
    return blob[_COMMITMENT_AT:_CIPHERTEXT_AT]


def holder_index_of(blob: bytes) -> int:
    """Reads which of the event's holders it is about; raises Malformed likewise."""
    _demand_shape(blob)
    return blob[1]


def encrypted_shape_ok(blob: bytes, holders: int) -> bool:
    """Says whether bytes can be an encrypted field of an event with so many holders.

    All that can be said without a key: version, index, and a length of whole blocks.
    """
    blocks = len(blob) - _CIPHERTEXT_AT - TAG_SIZE
    return (
        blocks >= _BLOCK
        and blocks % _BLOCK == 0
        and blob[0] == _VERSION
        and blob[1] < min(holders, _HOLDERS_MAX)
    )


def sm4_gcm_encrypt(*, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """SM4-GCM (RFC 8998), gives ``ciphertext ‖ tag``; never reuse (key, nonce).

    Raises Malformed for sizes other than 16 and 12.
    """
    encryptor = _sm4_gcm(key, modes.GCM(_nonce(nonce))).encryptor()
    encryptor.authenticate_additional_data(aad)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def sm4_gcm_decrypt(
    *, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes
) -> bytes:
    """Opens ``ciphertext ‖ tag``; raises Untrusted when the tag does not hold."""
    if len(ciphertext) < TAG_SIZE:
        raise Malformed("bad ciphertext", expected=f"at least {TAG_SIZE} bytes")
    body, tag = ciphertext[:-TAG_SIZE], ciphertext[-TAG_SIZE:]
    decryptor = _sm4_gcm(key, modes.GCM(_nonce(nonce), tag)).decryptor()
    decryptor.authenticate_additional_data(aad)
    try:
        return decryptor.update(body) + decryptor.finalize()
    except InvalidTag as error:
        raise Untrusted(
            "an encrypted value or its key is not the right one",
            code="key_store_damaged",
        ) from error


def _sm4_gcm(key: bytes, mode: modes.GCM) -> Cipher[modes.GCM]:
    _demand_size("SM4 key", key, KEY_SIZE)
    try:
        return Cipher(algorithms.SM4(key), mode)
    except UnsupportedAlgorithm as error:
        raise Unavailable(
            "no SM4-GCM here",
            code="crypto_missing",
            expected="cryptography built with SM4",
        ) from error


def _nonce(nonce: bytes) -> bytes:
    _demand_size("nonce", nonce, NONCE_SIZE)
    return nonce


def _aad(origin: bytes, event_id: bytes, holder_ref: bytes, name: str) -> bytes:
    parts = (origin, event_id, holder_ref, name.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _padded(salt: bytes, avro_value: bytes) -> bytes:
    filled = salt + len(avro_value).to_bytes(4, "big") + avro_value
    return filled + bytes(-len(filled) % _BLOCK)


def _demand_shape(blob: bytes) -> None:
    if not encrypted_shape_ok(blob, _HOLDERS_MAX):
        raise Malformed("not an encrypted field", found=f"{len(blob)} bytes")


def _demand_size(what: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise Malformed(
            f"bad {what}", expected=f"{size} bytes", found=f"{len(value)} bytes"
        )
