"""What the sealer asks of its keys, and that they hear of each seal once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from typing_extensions import override

from ledger.events import Seal
from ledger.seal_reader import KeysInForce
from ledger.signing import Signer


class SealerKeys(KeysInForce, Protocol):
    """What the registry says of the sealer, and the key that signs for it."""

    def signer(self) -> Signer:
        """The signer of ``sealer_key()``; Unavailable if this process lacks that key."""
        ...

    def follow(self, seal: Seal, records: Sequence[bytes]) -> None:
        """Takes the registry records of one seal, every such seal once and in order."""
        ...


class FollowedKeys(SealerKeys):
    """Other keys, and how far they have come; a seal they have heard of is passed over.

    A recovery that fails on its way and is done again tells them everything again.
    """

    def __init__(self, keys: SealerKeys) -> None:
        self._keys = keys
        self.last = -1

    @override
    def sealer_key(self) -> bytes:
        return self._keys.sealer_key()

    @override
    def ended_sealer_keys(self) -> Sequence[bytes]:
        return self._keys.ended_sealer_keys()

    @override
    def sources(self) -> Sequence[str]:
        return self._keys.sources()

    @override
    def signer(self) -> Signer:
        return self._keys.signer()

    @override
    def follow(self, seal: Seal, records: Sequence[bytes]) -> None:
        if seal["seal_no"] > self.last:
            self._keys.follow(seal, records)
            self.last = seal["seal_no"]
