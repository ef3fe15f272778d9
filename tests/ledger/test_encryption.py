from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from ledger import encryption
from ledger.encryption import Opened
from ledger.errors import Malformed, Untrusted

ORIGIN = bytes(range(16))
EVENT_ID = bytes(range(16, 32))
HOLDER_REFS = (b"\xa1" * 32, b"\xa2" * 32, b"\xa3" * 32)
SECRET = b"\x5e" * 32
EVENT_KEY = encryption.event_key(SECRET, EVENT_ID)
VALUE = b"\x02\x10" + "张三丰".encode()[:8]
PLACE: dict[str, Any] = {
    "origin": ORIGIN,
    "event_id": EVENT_ID,
    "holder_ref": HOLDER_REFS[1],
    "name": "holder_name",
}
HEAD_SIZE = 1 + 1 + 12 + 32


def encrypt(
    value: bytes = VALUE,
    *,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    **changed: Any,
) -> bytes:
    arguments = {
        "event_key": EVENT_KEY,
        "holder_index": 1,
        "avro_value": value,
        "random_bytes": random_bytes,
    }
    return encryption.encrypt_field(**{**arguments, **PLACE, **changed})


def decrypt(blob: bytes, **changed: Any) -> Opened:
    arguments = {"event_key": EVENT_KEY, **PLACE, "blob": blob, **changed}
    return encryption.decrypt_field(**arguments)


def disclosed(blob: bytes, opened: Opened, **changed: Any) -> bool:
    arguments = {"salt": opened.salt, "avro_value": opened.avro_value, **PLACE}
    return encryption.check_disclosure(blob=blob, **{**arguments, **changed})


def open_as_reader(blob: bytes) -> Opened:
    """Opens as a reader does: the holder is the one that the bytes name."""
    index = encryption.holder_index_of(blob)
    if index >= len(HOLDER_REFS):
        raise Malformed("no such holder")
    return decrypt(blob, holder_ref=HOLDER_REFS[index])


def test_hmac_sm3_is_the_known_one() -> None:
    assert encryption.hmac_sm3(b"\x0b" * 32, b"Hi There").hex() == (
        "c0ba18c68b90c88bc07de794bfc7d2c8d19ec31ed8773bc2b390c9604e0be11e"
    )


def test_sm4_block_is_the_published_one() -> None:
    block = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    encryptor = Cipher(algorithms.SM4(block), modes.ECB()).encryptor()  # noqa: S305
    assert encryptor.update(block).hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    nonce = bytes.fromhex("00001234567800000000ABCD")
    aad = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plaintext = b"".join(bytes((b,)) * 8 for b in bytes.fromhex("AABBCCDDEEFFEEAA"))
    ciphertext = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    made = encryption.sm4_gcm_encrypt(
        key=key, nonce=nonce, plaintext=plaintext, aad=aad
    )
    assert made == ciphertext
    opened = encryption.sm4_gcm_decrypt(
        key=key, nonce=nonce, ciphertext=ciphertext, aad=aad
    )
    assert opened == plaintext


def test_keys_are_derived_under_their_contexts() -> None:
    event_key = encryption.hmac_sm3(SECRET, b"license-ledger/event-key/v1\0" + EVENT_ID)
    assert event_key == EVENT_KEY
    field_key = encryption.hmac_sm3(EVENT_KEY, b"license-ledger/field/v1\0name")[:16]
    assert encryption.field_key(EVENT_KEY, "name") == field_key


def test_layout_is_the_documented_one() -> None:
    """Built again here by hand from fixed salt and nonce."""
    draws = {32: b"\x11" * 32, 12: b"\x22" * 12}
    blob = encrypt(random_bytes=draws.__getitem__)
    parts = (ORIGIN, EVENT_ID, HOLDER_REFS[1], b"holder_name")
    aad = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    plaintext = draws[32] + len(VALUE).to_bytes(4, "big") + VALUE
    plaintext += bytes(64 - len(plaintext))
    cipher = Cipher(
        algorithms.SM4(encryption.field_key(EVENT_KEY, "holder_name")),
        modes.GCM(draws[12]),
    ).encryptor()
    cipher.authenticate_additional_data(aad)
    ciphertext = cipher.update(plaintext) + cipher.finalize()
    commitment = encryption.hmac_sm3(draws[32], aad + VALUE)
    assert blob == b"\x01\x01" + draws[12] + commitment + ciphertext + cipher.tag


@given(st.binary(max_size=300))
def test_what_goes_in_comes_out(value: bytes) -> None:
    assert decrypt(encrypt(value)).avro_value == value


@pytest.mark.parametrize(
    ("size", "blocks"), [(0, 1), (1, 1), (28, 1), (29, 2), (92, 2), (93, 3)]
)
def test_lengths_come_in_blocks_of_64(size: int, blocks: int) -> None:
    assert len(encrypt(bytes(size))) == HEAD_SIZE + 64 * blocks + 16


def test_value_does_not_stand_in_the_bytes() -> None:
    value = b"110101199003077758"
    blob = encrypt(value)
    assert value not in blob
    assert value.decode() not in repr(decrypt(blob))


def test_same_value_never_gives_the_same_bytes() -> None:
    blobs = [encrypt() for _ in range(200)]
    assert len({blob[2:14] for blob in blobs}) == 200
    assert len({encryption.commitment_of(blob) for blob in blobs}) == 200
    assert len({decrypt(blob).salt for blob in blobs}) == 200


OTHER_PLACES = [
    {"origin": bytes(16)},
    {"event_id": bytes(16)},
    {"holder_ref": HOLDER_REFS[0]},
    {"name": "holder_nam"},
    {"name": "holder_name2"},
    {"name": ""},
]


@pytest.mark.parametrize("changed", OTHER_PLACES)
def test_field_does_not_open_at_another_place(changed: dict[str, Any]) -> None:
    with pytest.raises(Untrusted):
        decrypt(encrypt(), **changed)


@pytest.mark.parametrize("changed", OTHER_PLACES)
def test_disclosure_does_not_hold_at_another_place(changed: dict[str, Any]) -> None:
    blob = encrypt()
    assert disclosed(blob, decrypt(blob))
    assert not disclosed(blob, decrypt(blob), **changed)


def test_place_parts_cannot_be_shifted_into_each_other() -> None:
    blob = encrypt()
    shifted = {"origin": ORIGIN + EVENT_ID[:1], "event_id": EVENT_ID[1:]}
    with pytest.raises(Untrusted):
        decrypt(blob, **shifted)
    assert not disclosed(blob, decrypt(blob), **shifted)


@pytest.mark.parametrize(
    ("secret", "event_id"), [(SECRET, bytes(16)), (b"\x5f" * 32, EVENT_ID)]
)
def test_field_does_not_open_with_another_key(secret: bytes, event_id: bytes) -> None:
    with pytest.raises(Untrusted):
        decrypt(encrypt(), event_key=encryption.event_key(secret, event_id))


@given(data=st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    blob = encrypt()
    flipped = flip(blob, data.draw(st.integers(0, len(blob) * 8 - 1)))
    with pytest.raises((Untrusted, Malformed)):
        open_as_reader(flipped)


@given(st.binary(max_size=300))
def test_garbage_does_not_open(blob: bytes) -> None:
    with pytest.raises((Untrusted, Malformed)):
        open_as_reader(blob)
    assert not disclosed(blob, Opened(salt=bytes(32), avro_value=b""))


@given(data=st.data())
def test_disclosure_of_another_value_or_salt_does_not_hold(
    data: st.DataObject,
) -> None:
    blob = encrypt()
    opened = decrypt(blob)
    bit = data.draw(st.integers(0, (32 + len(VALUE)) * 8 - 1))
    both = flip(opened.salt + opened.avro_value, bit)
    assert not disclosed(blob, Opened(salt=both[:32], avro_value=both[32:]))


def test_salt_of_another_length_discloses_nothing() -> None:
    """HMAC pads keys with zeros: a longer salt could give the same commitment."""
    blob = encrypt(random_bytes=bytes)
    opened = decrypt(blob)
    assert disclosed(blob, opened)
    assert not disclosed(blob, opened, salt=opened.salt + b"\0")
    assert not disclosed(blob, opened, salt=opened.salt[:-1])


def rebuilt(plaintext: bytes, commitment: bytes) -> bytes:
    """A field made by a publisher that does not keep to the rules."""
    parts = (ORIGIN, EVENT_ID, HOLDER_REFS[1], b"holder_name")
    ciphertext = encryption.sm4_gcm_encrypt(
        key=encryption.field_key(EVENT_KEY, "holder_name"),
        nonce=bytes(12),
        plaintext=plaintext,
        aad=b"".join(len(part).to_bytes(4, "big") + part for part in parts),
    )
    return b"\x01\x01" + bytes(12) + commitment + ciphertext


def test_wrong_commitment_is_noticed_under_a_right_tag() -> None:
    filled = bytes(32) + len(VALUE).to_bytes(4, "big") + VALUE
    blob = rebuilt(filled + bytes(64 - len(filled)), bytes(32))
    with pytest.raises(Untrusted, match="commitment"):
        decrypt(blob)


@pytest.mark.parametrize(
    "plaintext",
    [
        bytes(32) + (29).to_bytes(4, "big") + bytes(28),
        bytes(32) + b"\xff" * 32,
        bytes(32) + (1).to_bytes(4, "big") + b"vX" + bytes(26),
        bytes(32) + (1).to_bytes(4, "big") + b"v" + bytes(27 + 64),
    ],
    ids=["length too long", "length huge", "padding not zero", "padding too long"],
)
def test_other_padding_is_noticed_under_a_right_tag(plaintext: bytes) -> None:
    with pytest.raises(Untrusted, match="padded"):
        decrypt(rebuilt(plaintext, bytes(32)))


@pytest.mark.parametrize("blocks", [1, 2, 15])
def test_shape_needs_whole_blocks(blocks: int) -> None:
    blob = b"\x01\x00" + bytes(12 + 32 + 64 * blocks + 16)
    assert encryption.encrypted_shape_ok(blob, 1)
    assert not encryption.encrypted_shape_ok(blob[:-1], 1)
    assert not encryption.encrypted_shape_ok(blob + b"\0", 1)
    assert not encryption.encrypted_shape_ok(b"\x02" + blob[1:], 1)
    assert not encryption.encrypted_shape_ok(b"\x00" + blob[1:], 1)


@pytest.mark.parametrize("size", [0, 1, 2, HEAD_SIZE, HEAD_SIZE + 16])
def test_shape_needs_at_least_one_block(size: int) -> None:
    assert not encryption.encrypted_shape_ok(b"\x01" * size, 255)


def test_shape_needs_a_holder() -> None:
    blob = encrypt(holder_index=2)
    assert encryption.encrypted_shape_ok(blob, 3)
    assert not encryption.encrypted_shape_ok(blob, 2)
    assert not encryption.encrypted_shape_ok(blob, 0)
    assert encryption.holder_index_of(blob) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"event_key": bytes(31)},
        {"origin": bytes(15)},
        {"event_id": bytes(17)},
        {"holder_ref": bytes(31)},
        {"holder_index": 255},
        {"holder_index": -1},
        {"random_bytes": lambda size: bytes(size - 1)},
    ],
)
def test_wrong_sizes_are_malformed(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        encrypt(**changed)


@pytest.mark.parametrize(("secret", "event_id"), [(31, 16), (33, 16), (32, 15)])
def test_event_keys_of_wrong_sizes_are_malformed(secret: int, event_id: int) -> None:
    with pytest.raises(Malformed):
        encryption.event_key(bytes(secret), bytes(event_id))


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
