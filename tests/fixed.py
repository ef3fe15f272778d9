"""Keys and chance that come out the same every time, for golden files and worlds."""

from __future__ import annotations

import hashlib
from functools import cache

from ledger.signing import SoftwareSigner, generate
from ledger.sm2_gmssl import GmsslProvider


class Chance:
    """Bytes that look random and depend on the name alone; `random_bytes` of a test."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            block = self._name + self._drawn.to_bytes(8, "big")
            out += hashlib.new("sm3", block).digest()
            self._drawn += 1
        return out[:size]


@cache
def key_pair(name: str) -> tuple[bytes, bytes]:
    """The private and public key of this name."""
    return generate(Chance(f"key of {name}"))


@cache
def signer(name: str) -> SoftwareSigner:
    """The signer of this name; its signatures differ from run to run."""
    return SoftwareSigner(*key_pair(name))


def repeating_signer(name: str) -> SoftwareSigner:
    """The same key, with nonces that repeat: the same calls give the same signatures."""
    provider = GmsslProvider(Chance(f"nonces of {name}"))
    return SoftwareSigner(*key_pair(name), provider=provider)
