from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import key_file
from ledger.errors import Malformed
from ledger.key_file import KeyPair
from tests.ledger import sm2_vectors as vector

PASSPHRASE = "一个口令".encode()
PAIR = KeyPair(
    purpose="act",
    authority="11210000999990010U",
    private=vector.PRIVATE,
    public=vector.PUBLIC,
)
SECRET = b"the key store's wrapping key"
WRAPPED = key_file.wrap(
    SECRET, PASSPHRASE, purpose="key-store", random_bytes=secrets.token_bytes
)


def changed(**members: Any) -> bytes:
    return json.dumps({**json.loads(WRAPPED), **members}).encode()


def changed_kdf(**members: Any) -> bytes:
    return changed(kdf={**json.loads(WRAPPED)["kdf"], **members})


def test_secret_comes_back_with_the_passphrase() -> None:
    assert key_file.unwrap(WRAPPED, PASSPHRASE, purpose="key-store") == SECRET


def test_file_is_text_that_says_how_it_was_made() -> None:
    document = json.loads(WRAPPED)
    kdf = document["kdf"]
    assert document["format"] == "license-ledger/key-file@v1"
    assert document["cipher"] == "sm4-gcm"
    assert (kdf["name"], kdf["n"], kdf["r"], kdf["p"]) == ("scrypt", 16384, 8, 1)


def test_secret_does_not_stand_in_the_file() -> None:
    data = key_file.write_key_pair(PAIR, PASSPHRASE, random_bytes=secrets.token_bytes)
    assert vector.PRIVATE not in data
    assert vector.PRIVATE.hex().encode() not in data.lower()
    assert PASSPHRASE not in data


def test_two_files_of_one_secret_share_neither_salt_nor_nonce() -> None:
    again = key_file.wrap(
        SECRET, PASSPHRASE, purpose="key-store", random_bytes=secrets.token_bytes
    )
    one, two = json.loads(WRAPPED), json.loads(again)
    assert one["kdf"]["salt"] != two["kdf"]["salt"]
    assert one["nonce"] != two["nonce"]
    assert one["ciphertext"] != two["ciphertext"]


def test_key_pair_comes_back() -> None:
    data = key_file.write_key_pair(PAIR, PASSPHRASE, random_bytes=secrets.token_bytes)
    assert key_file.read_key_pair(data, PASSPHRASE, purpose="act") == PAIR


def test_key_pair_without_authority_comes_back() -> None:
    pair = KeyPair(
        purpose="seal", authority="", private=vector.PRIVATE, public=vector.PUBLIC
    )
    data = key_file.write_key_pair(pair, PASSPHRASE, random_bytes=secrets.token_bytes)
    assert key_file.read_key_pair(data, PASSPHRASE, purpose="seal") == pair


def test_label_is_read_without_a_passphrase() -> None:
    data = key_file.write_key_pair(PAIR, PASSPHRASE, random_bytes=secrets.token_bytes)
    read = key_file.read_label(data)
    assert read.purpose == "act"
    assert read.label == {
        "authority": PAIR.authority,
        "public_key": vector.PUBLIC.hex(),
    }


def test_private_key_is_not_in_repr() -> None:
    assert repr(vector.PRIVATE) not in repr(PAIR)
    assert vector.PRIVATE.hex() not in repr(PAIR)


def test_wrong_passphrase_is_said() -> None:
    with pytest.raises(Malformed, match="wrong passphrase") as caught:
        key_file.unwrap(WRAPPED, b"another", purpose="key-store")
    assert "another" not in str(caught.value)


def test_empty_passphrase_is_malformed() -> None:
    with pytest.raises(Malformed, match="empty passphrase"):
        key_file.wrap(b"s", b"", purpose="p", random_bytes=secrets.token_bytes)


def test_file_of_another_purpose_is_said() -> None:
    with pytest.raises(Malformed, match="another purpose"):
        key_file.unwrap(WRAPPED, PASSPHRASE, purpose="act")


def test_relabelled_file_does_not_open() -> None:
    with pytest.raises(Malformed, match="wrong passphrase"):
        key_file.unwrap(changed(purpose="act"), PASSPHRASE, purpose="act")
    data = changed(label={"authority": "someone"})
    with pytest.raises(Malformed, match="wrong passphrase"):
        key_file.unwrap(data, PASSPHRASE, purpose="key-store")


def test_secret_that_is_no_key_is_no_key_pair() -> None:
    data = key_file.wrap(
        vector.PRIVATE, PASSPHRASE, purpose="act", random_bytes=secrets.token_bytes
    )
    with pytest.raises(Malformed, match="not the file of a key pair"):
        key_file.read_key_pair(data, PASSPHRASE, purpose="act")


BROKEN = {
    "nothing": b"",
    "not JSON": b"{",
    "not UTF-8": b"\xff\xfe\xfd",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "nested": b"[" * 60_000,
    "too large": b" " * 70_000,
    "a huge number": b"1" * 60_000,
    "no members": b"{}",
    "format": changed(format="license-ledger/key-file@v2"),
    "one member more": changed(more=1),
    "cipher": changed(cipher="none"),
    "purpose": changed(purpose=1),
    "label": changed(label=[]),
    "label value": changed(label={"authority": 1}),
    "kdf": changed(kdf="scrypt"),
    "kdf name": changed_kdf(name="pbkdf2"),
    "weak cost": changed_kdf(n=2),
    "huge cost": changed_kdf(n=2**40),
    "cost of another type": changed_kdf(n="16384"),
    "salt": changed_kdf(salt="00"),
    "salt type": changed_kdf(salt=1),
    "nonce": changed(nonce="zz"),
    "nonce size": changed(nonce="00"),
    "ciphertext": changed(ciphertext="00"),
    "ciphertext type": changed(ciphertext=None),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_broken_file_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="bad key file"):
        key_file.unwrap(data, PASSPHRASE, purpose="key-store")
    with pytest.raises(Malformed, match="bad key file"):
        key_file.read_label(data)


@pytest.mark.parametrize("data", [changed_kdf(r=8.0), changed_kdf(p=True)])
def test_cost_spelled_otherwise_does_not_open(data: bytes) -> None:
    with pytest.raises(Malformed):
        key_file.unwrap(data, PASSPHRASE, purpose="key-store")


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_opens_nothing_else(data: st.DataObject) -> None:
    flipped = bytearray(WRAPPED)
    bit = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    try:
        opened = key_file.unwrap(bytes(flipped), PASSPHRASE, purpose="key-store")
    except Malformed:
        return
    assert opened == SECRET  # white space, or the case of a hex digit
