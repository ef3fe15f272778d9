"""The archive against the log: every sealed record, in the order of positions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ledger.admission import Verdict
from ledger.errors import Untrusted
from ledger.log.archive_reader import ArchiveReader
from ledger.merkle import leaf_hash
from ledger.seal import SEAL_RECORDS_MAX, placed_ranges
from ledger.sources import REGISTRY
from replay.audited_head import Taken
from replay.findings import Check, Findings

_PAGE = 4_096
_PAGE_SIZE = 4 * 1024 * 1024


class AuditedArchive:
    """Compares what was judged with what is archived; without an archive, nothing.

    How many records it had is asked before all else: a ledger at work makes it grow.
    """

    def __init__(self, folder: Path | None, findings: Findings) -> None:
        self._archive: ArchiveReader | None = None
        self._findings = findings
        self._end = 0
        if folder is not None:
            self._open(folder)

    def take(self, verdicts: Sequence[Verdict]) -> None:
        """Compares the records of consecutive positions."""
        at = 0
        while self._archive is not None and at < len(verdicts):
            found = self._read(self._archive, verdicts[at], len(verdicts) - at)
            for verdict, record in zip(verdicts[at:], found, strict=False):
                self._findings.checked(Check.ARCHIVE)
                if leaf_hash(record) != verdict.leaf:
                    self._fail(verdict, "the log has another record")
            at += max(1, len(found))

    def finish(self, size: int) -> None:
        """Looks for records behind the sealed ones; a seal under way has some."""
        if self._end > size + SEAL_RECORDS_MAX:
            self._findings.fail(
                Check.ARCHIVE,
                f"archive, position {size}: {self._end - size} records are in no seal",
            )

    def lent(
        self, taken: Sequence[Taken], source: str, start: int, limit: int
    ) -> list[bytes]:
        """Records that the log lacks, so that everything behind is judged; maybe none.

        ``taken``: the seals that are judged now. What is lent is compared like all
        else with the sealed root.
        """
        position, count = _place(taken, source, start)
        limit = min(limit, count)
        if self._archive is None or not limit:
            return []
        try:
            return self._archive.read(position, limit=limit, size_max=_PAGE_SIZE)
        except Untrusted:
            return [] if limit == 1 else self.lent(taken, source, start, limit // 2)

    def _open(self, folder: Path) -> None:
        try:
            self._archive = ArchiveReader(folder)
            self._end = self._archive.end
        except Untrusted as error:
            self._findings.fail(Check.ARCHIVE, f"archive: {error}")

    def _read(self, archive: ArchiveReader, first: Verdict, limit: int) -> list[bytes]:
        limit = min(limit, _PAGE)
        try:
            found = archive.read(first.position, limit=limit, size_max=_PAGE_SIZE)
        except Untrusted as error:
            if limit > 1:
                return self._read(archive, first, limit // 2)
            self._fail(first, str(error))
            return []
        if not found:
            self._fail(first, "is missing")
        return found

    def _fail(self, verdict: Verdict, what: str) -> None:
        self._findings.fail(
            Check.ARCHIVE,
            f"archive, position {verdict.position} ({verdict.source}, record "
            f"{verdict.ordinal}): {what}",
        )


def _place(taken: Sequence[Taken], source: str, start: int) -> tuple[int, int]:
    """The position of a record, and how many of its seal's range follow from there."""
    for seal, _, _ in taken:
        for placed in placed_ranges(seal):
            if placed.source == source and placed.start <= start < placed.end:
                return placed.position + start - placed.start, placed.end - start
    # Asked before any seal is read: position 0 is the founding record's.
    return (0, 1) if (source, start) == (REGISTRY, 0) else (0, 0)
