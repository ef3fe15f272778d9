"""A real SM2 provider whose answer to ``verify`` a test may replace or watch."""

from __future__ import annotations

from collections.abc import Callable

from ledger.sm2 import Provider
from ledger.sm2_curve import RandomBytes


class RewiredProvider:
    def __init__(
        self, inner: Provider, verify: Callable[[bytes, bytes, bytes], bool]
    ) -> None:
        self.name = inner.name
        self._inner = inner
        self._verify = verify

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        return self._verify(public_key, message, signature)

    def sign(self, private_key: bytes, public_key: bytes, message: bytes) -> bytes:
        return self._inner.sign(private_key, public_key, message)

    def generate(self, random_bytes: RandomBytes) -> tuple[bytes, bytes]:
        return self._inner.generate(random_bytes)

    def public_key(self, private_key: bytes) -> bytes:
        return self._inner.public_key(private_key)
