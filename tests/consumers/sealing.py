"""What the sealer's tests share: keys whose rotation stands in registry records."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.events import Seal
from ledger.signing import Signer
from tests.ledger.seal_maker import SIGNERS, SOURCES

FOUND = b"the founding record"
ROTATE = b"the sealer key changes here"


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
