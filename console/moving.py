"""Brings what no seal covers of a damaged source into the one that succeeds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from console.ledger import Ledger
from console.log_repair import remains_of
from ledger.log.contract import RECORD_SIZE_MAX
from ledger.log.head_gaps import HeadGaps
from ledger.log.offset_gaps import ordinal_of
from ledger.log.placing import leaves_of_source
from ledger.merkle import leaf_hash
from ledger.sources import predecessors_of

_PAGE: Final = 512
_PAGE_SIZE: Final = 1024 * 1024


class Mover:
    """Compares by leaf hash: what is sealed, or was moved before, is not moved again.

    Memory: some 100 bytes for each record that is not sealed.
    """

    def __init__(self, ledger: Ledger, told: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._settings = ledger.settings
        self._told = told

    def move(self, source: str, successor: str) -> int:
        """Appends to ``successor`` what no seal covers of ``source``; how many records."""
        with remains_of(self._settings, source) as remains:
            if not remains.there:
                return 0
            left = self._unsealed(source, remains.start, remains.read())
            self._forget_moved(source, successor, left)
            return self._append(successor, left, remains.read()) if left else 0

    def _unsealed(
        self, source: str, start: int, records: Iterator[bytes]
    ) -> set[bytes]:
        """The leaf hashes of those that are not sealed at the same place."""
        gaps = HeadGaps(self._ledger.connect()).known(source)[1]
        sealed = leaves_of_source(
            self._ledger.head, source, ordinal_of(gaps, start) if start else 0
        )
        leaves = map(leaf_hash, records)
        return {leaf for leaf in leaves if leaf != next(sealed, None)}

    def _forget_moved(self, source: str, successor: str, left: set[bytes]) -> None:
        """Drops what is sealed elsewhere, or was moved by an interrupted call."""
        names = [*predecessors_of(successor), successor]
        for name in names[names.index(source) :]:
            if left:
                left.difference_update(leaves_of_source(self._ledger.head, name))
        with remains_of(self._settings, successor) as moved:
            if left:
                left.difference_update(map(leaf_hash, moved.read()))

    def _append(
        self, successor: str, left: set[bytes], records: Iterator[bytes]
    ) -> int:
        page: list[bytes] = []
        size = count = 0
        for record in records:
            leaf = leaf_hash(record)
            if leaf not in left:
                continue
            left.remove(leaf)
            if len(record) > RECORD_SIZE_MAX:
                self._told(f"left behind: a record of {len(record)} bytes, malformed")
                continue
            page.append(record)
            size += len(record)
            count += 1
            if len(page) >= _PAGE or size >= _PAGE_SIZE:
                self._ledger.log.append(successor, page)
                page, size = [], 0
        if page:
            self._ledger.log.append(successor, page)
        return count
