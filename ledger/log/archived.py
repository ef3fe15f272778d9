"""A log that reads from the archive what is sealed and the log can no longer give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from typing_extensions import override

from ledger.errors import Unknown, Untrusted
from ledger.log.archive_reader import ArchiveReader
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.placing import leaves_of, range_of
from ledger.merkle import leaf_hash
from ledger.seal import Placed
from ledger.sources import SEALS


class ArchivedLog(EventLog):
    """Another log, whose lost records ``read`` finds in the archive, if they are sealed.

    It never hides a loss: ``start`` and ``ends`` say what the log itself says, and so
    whoever halts at a damaged log still does. An ordinal becomes a position by the seals
    of ``head``; what the archive gives is compared with the tree's leaves, and Untrusted
    when it is another record. ``archive`` opens it, once it is needed. The sources in
    ``closed`` were succeeded: they are read from the archive alone. ``head`` must belong
    to the caller's thread, and stays its owner's like the archive; ``close`` closes the
    log alone.
    """

    def __init__(
        self,
        log: EventLog,
        archive: Callable[[], ArchiveReader],
        head: HeadStore,
        *,
        closed: Collection[str] = (),
    ) -> None:
        self._log = log
        self._closed = frozenset(closed)
        self._open = archive
        self._opened: ArchiveReader | None = None
        self._head = head
        self._last: Placed | None = None

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        return self._log.append_all(batches)

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        if source in self._closed:
            return self._archived(source, start, limit=limit, size_max=size_max)
        try:
            page = self._log.read(source, start, limit=limit, size_max=size_max)
        except (Unknown, Untrusted):
            page = self._archived(source, start, limit=limit, size_max=size_max)
            if not page:
                raise
            return page
        return page or self._archived(source, start, limit=limit, size_max=size_max)

    @override
    def start(self, source: str) -> int:
        return self._log.start(source)

    @override
    def ends(self) -> Mapping[str, int]:
        return self._log.ends()

    @override
    def clock(self) -> int | None:
        return self._log.clock()

    @override
    def wait(self, timeout_s: float) -> None:
        self._log.wait(timeout_s)

    @override
    def close(self) -> None:
        self._log.close()

    def _archived(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        """Sealed records from ``start`` on, of one seal at most; none if there are none.

        The seals themselves are in the head, not here.
        """
        if source == SEALS or limit < 1:
            return []
        placed = self._range(source, start)
        if placed is None:
            return []
        position = placed.position + start - placed.start
        limit = min(limit, placed.end - start)
        # Opened when it is needed: its own damage must stop nobody else.
        self._opened = self._opened or self._open()
        page = self._opened.read(position, limit=limit, size_max=size_max)
        leaves = leaves_of(self._head, position, position + len(page))
        for at, (record, leaf) in enumerate(zip(page, leaves, strict=True), position):
            if leaf_hash(record) != leaf:
                raise Untrusted(
                    "the archive holds another record than the one sealed",
                    code="archive_damaged",
                    expected=leaf.hex(),
                    found=leaf_hash(record).hex(),
                    where=f"position {at}",
                )
        return page

    def _range(self, source: str, ordinal: int) -> Placed | None:
        """What is sealed stays where it is, so the last range answers many questions."""
        last = self._last
        if (
            last is None
            or last.source != source
            or not (last.start <= ordinal < last.end)
        ):
            last = range_of(self._head, source, ordinal)
            self._last = last or self._last
        return last
