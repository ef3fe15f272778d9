"""The gaps of a log on Kafka, kept beside the seal head that covers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from ledger.log.head_sql import GAP, GAPS, KNOWN, NOTE_GAP
from ledger.log.offset_gaps import Gap, OffsetGaps, check_same
from ledger.log.postgres import require_autocommit, translated

if TYPE_CHECKING:
    import psycopg


class HeadGaps(OffsetGaps):
    """Table ``head.gap``; what is sealed, and what is read of ``seals``, is complete.

    A sealer scans a source before it seals it, and each gap is committed here, durably,
    before the head that covers it is. So a crash in between leaves gaps too many: they
    are found at the same place again. The connection stays its owner's, in autocommit
    mode (else Malformed). Errors: see ``ledger.log.postgres.translated``.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        require_autocommit(connection)
        self._cursor = connection.cursor(binary=True)

    @override
    def known(self, source: str) -> tuple[int, Sequence[Gap]]:
        values = {"source": source}
        with translated(f"reading the gaps of {source}"):
            # In this order: a gap below what is sealed was there before it was sealed.
            row = self._cursor.execute(KNOWN, values).fetchone()
            gaps = self._cursor.execute(GAPS, values).fetchall()
        return (row[0] if row else 0), [Gap(*gap) for gap in gaps]

    @override
    def note(self, source: str, gap: Gap) -> None:
        values = {"source": source, "ordinal": gap.ordinal, "offset": gap.offset}
        with translated(f"noting a gap of {source}"):
            row = self._cursor.execute(GAP, values).fetchone()
            if row is None:  # so whoever may only read waits for the sealer to note it
                self._cursor.execute(NOTE_GAP, values)
                row = self._cursor.execute(GAP, values).fetchone()
        check_same(source, gap if row is None else Gap(gap.ordinal, row[0]), gap)
