"""Accepted records in sealed order, and up to where no more of them can come between."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from ledger.log.head import HeadStore
from projections.tracking import Tracking

_COLUMNS = (
    "SELECT position, source, ordinal, recorded_at, leaf, digest, chain, subject, "
    "sequence, act FROM audit_trail WHERE verdict = 'accepted' "
)
_BETWEEN = (
    _COLUMNS + "AND position >= %(start)s AND position < %(end)s "
    "AND (%(topics)s::text[] IS NULL OR chain || '/' || act = ANY(%(topics)s)) "
    "ORDER BY position LIMIT %(limit)s"
)
_OF_CHAIN = (
    _COLUMNS + "AND subject = %(subject)s "
    "AND sequence > %(gt)s AND sequence <= %(lte)s "
    "ORDER BY CASE WHEN %(desc)s THEN -sequence ELSE sequence END LIMIT %(limit)s"
)
_LAST = (
    "SELECT position FROM audit_trail WHERE verdict = 'accepted' AND position < %s "
    "ORDER BY position DESC LIMIT 1"
)
_ALL = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRow:
    """One accepted record: its place, and what says whose chain it is in."""

    position: int
    source: str
    ordinal: int
    recorded_at: int
    leaf: bytes
    digest: bytes
    chain: str
    subject: str
    sequence: int
    act: str


def between(
    conn: Connection[Any],
    start: int,
    end: int,
    *,
    limit: int,
    topics: Sequence[str] = (),
) -> list[AcceptedRow]:
    """Accepted records from position ``start`` to before ``end``, in sealed order.

    ``topics``: only these, each ``chain/ACT``; all without any.
    """
    values = {
        "start": start,
        "end": end,
        "limit": limit,
        "topics": list(topics) or None,
    }
    with conn.cursor(binary=True, row_factory=class_row(AcceptedRow)) as cur:
        return cur.execute(_BETWEEN, values).fetchall()


def of_chain(
    conn: Connection[Any],
    subject: str,
    *,
    gt: int | None = None,
    lte: int | None = None,
    desc: bool = False,
    limit: int | None = None,
) -> list[AcceptedRow]:
    """The accepted records of one subject by their sequence, which is its chain."""
    values = {
        "subject": subject,
        "gt": 0 if gt is None else gt,
        "lte": _ALL if lte is None else lte,
        "desc": desc,
        "limit": limit,
    }
    with conn.cursor(binary=True, row_factory=class_row(AcceptedRow)) as cur:
        return cur.execute(_OF_CHAIN, values).fetchall()


def last_before(conn: Connection[Any], end: int) -> int | None:
    """The position of the last accepted record before ``end``."""
    row = conn.execute(_LAST, (end,)).fetchone()
    return None if row is None else int(row[0])


class Settled:
    """How far every source is projected, whoever projects it.

    Behind that, one projector may have written later positions while another has still
    to write earlier ones. ``conn`` and ``head`` belong to the caller's thread.
    """

    def __init__(self, conn: Connection[Any], head: HeadStore, *, schema: str) -> None:
        self._tracking = Tracking(conn, schema=schema)
        self._head = head
        self._seal_no = -1

    def end(self) -> int:
        """The position before which nothing comes any more.

        It is the tree's size after the last seal up to which all sources are projected;
        a source that brings nothing is projected as far as it goes.
        """
        projected = self._tracking.ordinals()

        def beyond(seal_no: int) -> bool:
            tip = self._head.tip(seal_no)
            return tip is None or any(
                n > projected.get(source, 0) for source, n in tip.nexts.items()
            )

        # Tables that were emptied begin again; else only what is new is looked at.
        low = -1 if beyond(self._seal_no) else self._seal_no
        step = 1
        while not beyond(low + step):
            low += step
            step *= 2
        low += bisect_left(range(low + 1, low + step), x=True, key=beyond)
        self._seal_no = low
        tip = self._head.tip(low)
        return 0 if tip is None else tip.tree_size
