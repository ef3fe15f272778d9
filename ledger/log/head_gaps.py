"""The gaps of a log on Kafka, beside the seal head that they are complete up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from ledger.log.offset_gaps import Gap, OffsetGaps, check_same
from ledger.log.postgres import require_autocommit, translated
from ledger.sources import SEALS

if TYPE_CHECKING:
    import psycopg

_KNOWN: Final = """
SELECT CASE WHEN %(source)s::text = %(seals)s::text THEN h.seals_next
    ELSE coalesce((s.nexts ->> %(source)s::text)::bigint, 0) END
FROM head.head AS h LEFT JOIN head.seal AS s USING (seal_no)
"""
_GAPS: Final = """
SELECT ordinal, kafka_offset FROM head.gap WHERE source = %(source)s::text
ORDER BY ordinal
"""
_NOTE: Final = """
WITH noted AS (
    INSERT INTO head.gap (source, ordinal, kafka_offset)
    VALUES (%(source)s::text, %(ordinal)s::bigint, %(kafka_offset)s::bigint)
    ON CONFLICT DO NOTHING RETURNING kafka_offset
)
SELECT kafka_offset FROM noted UNION ALL
SELECT kafka_offset FROM head.gap
WHERE source = %(source)s::text AND ordinal = %(ordinal)s::bigint
"""


class HeadGaps(OffsetGaps):
    """Table ``head.gap`` of one database; everything that is sealed was scanned.

    The connection becomes its own, in autocommit mode (else Malformed). Errors: see
    ``ledger.log.postgres.translated``.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        require_autocommit(connection)
        self._cursor = connection.cursor(binary=True)

    @override
    def known(self, source: str) -> tuple[int, Sequence[Gap]]:
        values = {"source": source, "seals": SEALS}
        with translated("looking for gaps"):
            # In this order: the gaps below a head were noted before it was committed.
            row = self._cursor.execute(_KNOWN, values).fetchone()
            rows = self._cursor.execute(_GAPS, values).fetchall()
        return (int(row[0]) if row else 0), [Gap(*one) for one in rows]

    @override
    def note(self, source: str, gap: Gap) -> None:
        values = {
            "source": source,
            "ordinal": gap.ordinal,
            "kafka_offset": gap.offset,
        }
        with translated("noting a gap"):
            row = self._cursor.execute(_NOTE, values).fetchone()
        if row is not None:
            check_same(source, Gap(gap.ordinal, int(row[0])), gap)
