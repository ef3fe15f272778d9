"""Knows how a tree grows by appending: its right edge is all that it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.errors import Malformed
from ledger.merkle import check_hashes, fold_right, known, parents
from ledger.proof_arguments import SIZE_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactRange:
    """The right edge of a tree: the roots of its perfect subtrees, largest first.

    Enough to append in O(log n) and to give the root; ``size`` and ``hashes`` are all
    there is to store. Raises Malformed if the two do not belong together.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()
    algorithm: str = "sm3"

    def __post_init__(self) -> None:
        """Refuses a number or length of hashes that the size does not imply."""
        known(self.algorithm)
        if not 0 <= self.size <= SIZE_MAX:
            raise Malformed("tree size out of range", found=str(self.size))
        if len(self.hashes) != self.size.bit_count():
            raise Malformed(
                "wrong number of subtree hashes",
                expected=str(self.size.bit_count()),
                found=str(len(self.hashes)),
            )
        check_hashes(self.hashes)

    def append(self, leaf_hash: bytes) -> CompactRange:
        """Returns the range with one more leaf hash."""
        return self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> CompactRange:
        """Returns the range with these leaf hashes behind the present ones."""
        row = list(leaf_hashes)
        size = self.size + len(row)
        check_hashes(row)
        old, new = list(self.hashes), []
        height = 0
        while row:
            if self.size >> height & 1:
                row.insert(0, old.pop())
            if len(row) & 1:
                new.append(row.pop())
            row = parents(row, self.algorithm)
            height += 1
        hashes = (*old, *reversed(new))
        return CompactRange(size=size, hashes=hashes, algorithm=self.algorithm)

    def root(self) -> bytes:
        """Returns the tree's root."""
        return fold_right(self.hashes, self.algorithm)
