"""What lies between the data records of a Kafka partition, and is no record.

Transaction markers take offsets. The ordinal of a record is its offset less the markers
before it; so whoever knows where the markers lie finds any record without reading from 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from typing_extensions import override

from ledger.errors import Untrusted


class Gap(NamedTuple):
    """Record ``ordinal`` lies at ``offset``, and there are markers right before it."""

    ordinal: int
    offset: int


class OffsetGaps(Protocol):
    """Remembers gaps per source for readers that do not start at 0.

    A gap is noted before a head that covers it is committed, so that up to what is
    sealed the list is complete. Noting one again does nothing.
    """

    def known(self, source: str) -> tuple[int, Sequence[Gap]]:
        """Up to which ordinal (exclusive) all gaps are known, and the gaps, in order."""
        ...

    def note(self, source: str, gap: Gap) -> None:
        """Remembers a gap; Untrusted when another offset is known for this record."""
        ...


class MemoryGaps(OffsetGaps):
    """Knows nothing at first: whoever asks it reads from 0 and believes nobody."""

    def __init__(self) -> None:
        self._gaps: dict[str, dict[int, Gap]] = {}

    @override
    def known(self, source: str) -> tuple[int, Sequence[Gap]]:
        return 0, sorted(self._gaps.get(source, {}).values())

    @override
    def note(self, source: str, gap: Gap) -> None:
        held = self._gaps.setdefault(source, {}).setdefault(gap.ordinal, gap)
        check_same(source, held, gap)


def check_same(source: str, held: Gap, found: Gap) -> None:
    """Raises Untrusted when a record is not where it was."""
    if held != found:
        raise Untrusted(
            "a record of the log has moved: its topic was changed or made again",
            code="log_record_changed",
            expected=f"offset {held.offset}",
            found=f"offset {found.offset}",
            where=f"{source}, record {found.ordinal}",
        )


def offset_of(gaps: Sequence[Gap], ordinal: int) -> int:
    """The offset of a record up to which all gaps are known."""
    at = bisect_right(gaps, ordinal, key=lambda gap: gap.ordinal) - 1
    return ordinal if at < 0 else ordinal + gaps[at].offset - gaps[at].ordinal


def ordinal_of(gaps: Sequence[Gap], offset: int) -> int:
    """How many records lie before an offset up to which all gaps are known."""
    at = bisect_right(gaps, offset - 1, key=lambda gap: gap.offset)
    before = offset if not at else offset - gaps[at - 1].offset + gaps[at - 1].ordinal
    return before if at == len(gaps) else min(before, gaps[at].ordinal)
