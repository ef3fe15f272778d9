"""The sealer's own view of the registry: who signs the next seal, from the log alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.admission import Admission, Place
from ledger.errors import Untrusted
from ledger.events import Seal
from ledger.registry import Registry
from ledger.seal import placed_ranges
from ledger.signing import Signer
from ledger.sources import REGISTRY, base_of
from projections.founding import SealerKeys

SignerOf = Callable[[bytes], Signer]
"""public key -> its signer; raises Unavailable when this process lacks that key."""


class SealingKeys(SealerKeys):
    """Folds the registry records of each seal, and finds the key that signs the next.

    ``founding`` is the registry as the founding record alone makes it.
    """

    def __init__(self, founding: Registry, signer_of: SignerOf) -> None:
        folded = Registry()
        super().__init__(folded, founding)
        self._admission = Admission(folded, {})
        self._signer_of = signer_of

    def signer(self) -> Signer:
        """The signer of ``sealer_key()``; Unavailable if this process lacks that key."""
        return self._signer_of(self.sealer_key())

    def follow(self, seal: Seal, records: Sequence[bytes]) -> None:
        """Takes the registry records of one seal, every such seal once and in order."""
        placed = next(p for p in placed_ranges(seal) if base_of(p.source) == REGISTRY)
        for offset, data in enumerate(records):
            place = Place(
                source=placed.source,
                ordinal=placed.start + offset,
                position=placed.position + offset,
                seal_no=seal["seal_no"],
                sealed_at=seal["sealed_at"],
            )
            # One at a time: a record may switch on the schema of the next.
            opened = self._admission.open([data])[0]
            self._admission.admit(data, opened, place)
            if placed.source not in self.sources():
                raise Untrusted(
                    "the registry goes on in a source that does not succeed it",
                    code="not_founded_rightly",
                    expected=f"{placed.source}, record 0, that it does",
                    where=f"position {placed.position}",
                )
