"""What the sealer's tests share: keys whose rotation stands in registry records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ledger.events import Seal
from ledger.log.contract import source_names
from ledger.signing import Signer, SoftwareSigner, public_from_private

PARTITIONS = 2
SOURCES = source_names(PARTITIONS)
ORIGIN = "ledger.example/0123456789abcdef0123456789abcdef"
NOW = 1_780_000_000_000_000
FOUND = b"the founding record"
ROTATE = b"the sealer key changes here"


def make_signer(number: int) -> SoftwareSigner:
    private = hashlib.sha256(b"test key %d" % number).digest()
    return SoftwareSigner(private, public_from_private(private))


SIGNERS = tuple(make_signer(number) for number in range(4))


class RotatingKeys:
    """Key 0 until the registry says ROTATE, then key 1, and so on."""

    def __init__(self, signers: Sequence[Signer] = SIGNERS) -> None:
        self.signers = signers
        self.changes = 0
        self.followed: list[tuple[int, list[bytes]]] = []

    def sealer_key(self) -> bytes:
        return self.signer().public_key

    def ended_sealer_keys(self) -> Sequence[bytes]:
        return [signer.public_key for signer in self.signers[: self.changes]]

    def sources(self) -> Sequence[str]:
        return SOURCES

    def signer(self) -> Signer:
        return self.signers[self.changes]

    def follow(self, seal: Seal, records: Sequence[bytes]) -> None:
        self.followed.append((seal["seal_no"], list(records)))
        self.changes += records.count(ROTATE)
