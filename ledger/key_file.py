"""Knows the form in which keys and other secrets rest: JSON text under a passphrase.

scrypt (RFC 7914) makes the SM4-GCM key; everything else in the file is authenticated
with the secret, so a file can be neither relabelled nor weakened. Bytes in, bytes out:
where files lie, with which mode, is the caller's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ledger import encryption, signing
from ledger.errors import Malformed, Untrusted
from ledger.sm2_curve import RandomBytes

FORMAT: Final = "license-ledger/key-file@v1"
FILE_SIZE_MAX: Final = 65_536

_SALT_SIZE: Final = 16
_COST: Final = {"n": 2**14, "r": 8, "p": 1}  # 16 MiB and about 50 ms
_MEMORY_MAX: Final = 64 * 2**20
_MEMBERS: Final = {"format", "purpose", "label", "kdf", "cipher", "nonce", "ciphertext"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """One signing key and what it is for.

    ``purpose`` is root, act, seal or witness; ``authority`` the USCC it signs for,
    empty for root, sealer and witness keys; ``private`` 32 and ``public`` 65 bytes.
    """

    purpose: str
    authority: str
    private: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a file says in clear. Only opening it proves that nobody changed this."""

    purpose: str
    label: Mapping[str, str]


def wrap(
    secret: bytes,
    passphrase: bytes,
    *,
    purpose: str,
    random_bytes: RandomBytes,
    label: Mapping[str, str] | None = None,
) -> bytes:
    """Encrypts a secret for rest; ``label`` stands beside it in clear.

    Raises Malformed for an empty passphrase.
    """
    if not passphrase:
        raise Malformed(
            "an empty passphrase protects nothing", code="passphrase_missing"
        )
    document: dict[str, Any] = {
        "format": FORMAT,
        "purpose": purpose,
        "label": dict(label or {}),
        "kdf": {"name": "scrypt", **_COST, "salt": random_bytes(_SALT_SIZE).hex()},
        "cipher": "sm4-gcm",
        "nonce": random_bytes(encryption.NONCE_SIZE).hex(),
    }
    ciphertext = encryption.sm4_gcm_encrypt(
        key=_derive(passphrase, document["kdf"]["salt"]),
        nonce=bytes.fromhex(document["nonce"]),
        plaintext=secret,
        aad=_aad(document),
    )
    document["ciphertext"] = ciphertext.hex()
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def unwrap(data: bytes, passphrase: bytes, *, purpose: str) -> bytes:
    """Opens such a file; raises Malformed, saying which, for a file that is broken or
    of another purpose, and for a wrong passphrase.

    A changed file and a wrong passphrase cannot be told apart.
    """
    document = _read(data)
    if document["purpose"] != purpose:
        raise Malformed(
            "a key file of another purpose",
            code="bad_key_file",
            expected=purpose,
            found=ascii(document["purpose"])[:40],
        )
    ciphertext = bytes.fromhex(document.pop("ciphertext"))
    try:
        return encryption.sm4_gcm_decrypt(
            key=_derive(passphrase, document["kdf"]["salt"]),
            nonce=bytes.fromhex(document["nonce"]),
            ciphertext=ciphertext,
            aad=_aad(document),
        )
    except Untrusted as error:
        raise Malformed(
            "wrong passphrase",
            code="wrong_passphrase",
            expected="the passphrase that this file was written with",
            found="one that does not open it (or the file was changed)",
        ) from error


def read_label(data: bytes) -> Label:
    """Reads what the file says in clear, without a passphrase and without proof."""
    document = _read(data)
    return Label(purpose=document["purpose"], label=document["label"])


def write_key_pair(
    pair: KeyPair, passphrase: bytes, *, random_bytes: RandomBytes
) -> bytes:
    """Encrypts the private key; authority and public key stand in clear."""
    return wrap(
        pair.private,
        passphrase,
        purpose=pair.purpose,
        random_bytes=random_bytes,
        label={"authority": pair.authority, "public_key": pair.public.hex()},
    )


def read_key_pair(data: bytes, passphrase: bytes, *, purpose: str) -> KeyPair:
    """Opens a key file of this purpose; raises Malformed as `unwrap` does."""
    private = unwrap(data, passphrase, purpose=purpose)
    label = read_label(data).label
    public = signing.public_from_private(private)
    if label.get("public_key") != public.hex() or "authority" not in label:
        raise Malformed("not the file of a key pair", code="bad_key_file")
    return KeyPair(
        purpose=purpose, authority=label["authority"], private=private, public=public
    )


def _read(data: bytes) -> dict[str, Any]:
    """Reads a file into its members, each of the right form."""
    if len(data) > FILE_SIZE_MAX:
        raise Malformed(
            "bad key file",
            code="bad_key_file",
            expected=f"at most {FILE_SIZE_MAX} bytes",
        )
    try:
        document = json.loads(data)
        _check(document)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Malformed("bad key file", code="bad_key_file", expected=FORMAT) from error
    return dict(document)


def _check(document: dict[str, Any]) -> None:
    """Raises ValueError, TypeError or KeyError for anything that `wrap` cannot write.

    The cost in the file is the one we use: a file cannot make us work for hours.
    """
    label, kdf = document["label"], document["kdf"]
    if not (isinstance(label, dict) and isinstance(kdf, dict)):
        raise TypeError("label and kdf are objects")
    texts = (document["purpose"], *label.keys(), *label.values())
    fits = (
        document.keys() == _MEMBERS
        and document["format"] == FORMAT
        and document["cipher"] == "sm4-gcm"
        and all(type(text) is str for text in texts)
        and {**kdf, "salt": ""} == {"name": "scrypt", **_COST, "salt": ""}
        and len(bytes.fromhex(kdf["salt"])) == _SALT_SIZE
        and len(bytes.fromhex(document["nonce"])) == encryption.NONCE_SIZE
        and len(bytes.fromhex(document["ciphertext"])) >= encryption.TAG_SIZE
    )
    if not fits:
        raise ValueError("not as written by wrap")


def _derive(passphrase: bytes, salt: str) -> bytes:
    return hashlib.scrypt(
        passphrase,
        salt=bytes.fromhex(salt),
        n=_COST["n"],
        r=_COST["r"],
        p=_COST["p"],
        maxmem=_MEMORY_MAX,
        dklen=encryption.KEY_SIZE,
    )


def _aad(document: Mapping[str, Any]) -> bytes:
    """Everything but the ciphertext, in one spelling."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
