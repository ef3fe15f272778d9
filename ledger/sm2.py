"""Where SM2 with SM3 comes from: libcrypto where it has SM2, gmssl elsewhere."""

from __future__ import annotations

import secrets  # noqa: TID251 - the nonces of the portable provider
from functools import cache
from typing import Final, Protocol

from ledger.errors import Unavailable
from ledger.sm2_curve import RandomBytes
from ledger.sm2_gmssl import GmsslProvider
from ledger.sm2_libcrypto import LibcryptoProvider, open_libcrypto

# GB/T 32918.5-2017 annex A: what a provider must get right before we trust it.
_KNOWN_MESSAGE: Final = b"message digest"
_KNOWN_PRIVATE_KEY: Final = bytes.fromhex(
    "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
)
_KNOWN_PUBLIC_KEY: Final = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_KNOWN_SIGNATURE: Final = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


class Provider(Protocol):
    """SM2 with SM3 under the default ID, for keys given as bytes.

    Private keys are 32 bytes in [1, n−2], public keys ``04‖X‖Y``, signatures raw
    ``r‖s``. Any thread may call at any time. ``verify`` answers False to whatever is
    not a signature of that message by that key, malformed arguments included, and two
    providers never answer differently: verdicts depend on it. ``sign`` and
    ``public_key`` raise Malformed for keys that are none; all raise Unavailable when
    the machinery fails, and the caller may try again.
    """

    @property
    def name(self) -> str:
        """A word for people."""
        ...

    def sign(self, private_key: bytes, public_key: bytes, message: bytes) -> bytes:
        """Signs with a fresh random nonce; the key pair must match."""
        ...

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Says whether the signature holds."""
        ...

    def generate(self, random_bytes: RandomBytes) -> tuple[bytes, bytes]:
        """Makes a (private, public) key pair from ``random_bytes``."""
        ...

    def public_key(self, private_key: bytes) -> bytes:
        """Computes the public key of a private one."""
        ...


@cache
def default_provider() -> Provider:
    """Chooses libcrypto if it passes a self-test on this machine, else gmssl."""
    try:
        provider = LibcryptoProvider(open_libcrypto())
        if _passes(provider):
            return provider
    except (Unavailable, OSError):
        pass
    return GmsslProvider(secrets.token_bytes)


def _passes(provider: Provider) -> bool:
    fresh = provider.sign(_KNOWN_PRIVATE_KEY, _KNOWN_PUBLIC_KEY, _KNOWN_MESSAGE)
    return (
        provider.public_key(_KNOWN_PRIVATE_KEY) == _KNOWN_PUBLIC_KEY
        and provider.verify(_KNOWN_PUBLIC_KEY, _KNOWN_MESSAGE, _KNOWN_SIGNATURE)
        and provider.verify(_KNOWN_PUBLIC_KEY, _KNOWN_MESSAGE, fresh)
        and not provider.verify(_KNOWN_PUBLIC_KEY, b"another", _KNOWN_SIGNATURE)
    )
