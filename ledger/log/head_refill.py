"""The head after ``seals`` was filled again: its seals may lie elsewhere in it now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import Unavailable
from ledger.log.head_sql import NOTE_GAP
from ledger.log.offset_gaps import Gap
from ledger.log.postgres import translated
from ledger.sources import SEALS

if TYPE_CHECKING:
    import psycopg

_PLACE: Final = """
UPDATE head.head SET published = seal_no, seals_next = %(seals_next)s
WHERE seal_no = %(seal_no)s AND digest = %(digest)s
"""
_FORGET: Final = "DELETE FROM head.gap WHERE source = %(source)s"


def note_refilled(
    conn: psycopg.Connection[Any],
    *,
    seal_no: int,
    digest: bytes,
    seals_next: int,
    gaps: Sequence[Gap],
) -> None:
    """Says that seal ``seal_no``, the last one, lies before ordinal ``seals_next``.

    ``gaps``: all of ``seals`` up to there. All or nothing; inside the caller's
    transaction when there is one. Raises Unavailable when the head has moved.
    """
    with translated("noting where the seals are"), conn.transaction():
        values = {"seal_no": seal_no, "digest": digest, "seals_next": seals_next}
        if conn.execute(_PLACE, values).rowcount != 1:
            raise Unavailable(
                "another sealer moved the head",
                code="fenced",
                expected=f"seal {seal_no}",
            )
        conn.execute(_FORGET, {"source": SEALS})
        for gap in gaps:
            conn.execute(
                NOTE_GAP,
                {"source": SEALS, "ordinal": gap.ordinal, "offset": gap.offset},
            )
