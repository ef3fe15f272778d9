"""What the consistency scan (一致性检查) asks of the tables, page by page.

No answer is held as a whole: a province has two hundred million licenses, and a scan of
it runs in the memory of one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from projections.holder_archive import DESCENT, DescentRow

PAGE = 500
_BEFORE_ALL = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """One holder who holds several licenses of one type that allows only one.

    ``positions``: the events that made it a holder of each. States are as the tables
    tell them; a license that an act moved after the day asked about is here too.
    """

    ref: bytes
    type_code: str
    license_ids: list[str]
    positions: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NonstandardRow:
    """A license whose identifier is not as GB/T 36904 has it, and the act that gave it."""

    license_id: str
    identifier: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """Where one record lies, and its verdict."""

    position: int
    source: str
    ordinal: int
    verdict: str


_DESCENTS = DESCENT.select("WHERE position > %s ORDER BY position LIMIT %s")
_NONSTANDARD = """
SELECT license_id, identifier,
       (SELECT min(t.position) FROM timeline t
        WHERE t.license_id = l.license_id AND t.version = l.version) AS position
FROM license l
WHERE flags @> '{nonstandard_identifier}'::text[] AND license_id > %s
ORDER BY license_id LIMIT %s
"""
_RECORDS = (
    "SELECT position, source, ordinal, verdict FROM audit_trail "
    "WHERE position >= %s ORDER BY position LIMIT %s"
)
# Ordered as the primary key is, so that holders pass by one after the other.
_HELD = """
WITH held AS (
    SELECT DISTINCT ON (ref, license_id) ref, license_id, place, position
    FROM holder_archive ORDER BY ref, license_id, position DESC
)
SELECT held.ref, l.type_code,
       array_agg(l.license_id ORDER BY l.license_id) AS license_ids,
       array_agg(held.position ORDER BY l.license_id) AS positions
FROM held JOIN license l USING (license_id)
WHERE held.place IS NOT NULL AND l.type_code = ANY(%(types)s::text[])
  AND l.opened_day <= %(day)s
  AND (l.settled_day > %(day)s OR (l.terminal = '' AND (
        l.valid_until IS NULL OR l.valid_until >= %(day)s OR l.renewal_pending)))
GROUP BY held.ref, l.type_code HAVING count(*) > 1
ORDER BY held.ref, l.type_code
"""
_EVER_HELD = (
    "SELECT EXISTS (SELECT FROM holder_archive "
    "WHERE ref = ANY(%s::bytea[]) AND license_id = %s)"
)


def descents(conn: Connection[Any]) -> Iterator[list[DescentRow]]:
    """Pages of every act that joins licenses, in sealed order."""
    last = _BEFORE_ALL
    while True:
        with conn.cursor(row_factory=class_row(DescentRow)) as cur:
            page = cur.execute(_DESCENTS, (last, PAGE)).fetchall()
        if not page:
            return
        yield page
        last = page[-1].position


def nonstandard(conn: Connection[Any]) -> Iterator[NonstandardRow]:
    """Licenses with nonstandard identifiers, by license_id."""
    last = ""
    while True:
        with conn.cursor(row_factory=class_row(NonstandardRow)) as cur:
            page = cur.execute(_NONSTANDARD, (last, PAGE)).fetchall()
        if not page:
            return
        yield from page
        last = page[-1].license_id


def records(conn: Connection[Any], *, start: int) -> Iterator[list[RecordRow]]:
    """Pages of all records from a position on, in sealed order."""
    while True:
        with conn.cursor(row_factory=class_row(RecordRow)) as cur:
            page = cur.execute(_RECORDS, (start, PAGE)).fetchall()
        if not page:
            return
        yield page
        start = page[-1].position + 1


def held_together(
    conn: Connection[Any], types: Sequence[str], *, day: int
) -> Iterator[HeldRow]:
    """Holders, as they are now, of several licenses of one of these types."""
    with (
        conn.transaction(),
        conn.cursor(name="scan_held", row_factory=class_row(HeldRow)) as cur,
    ):
        cur.itersize = PAGE
        cur.execute(_HELD, {"types": list(types), "day": day})
        yield from cur


def ever_held(conn: Connection[Any], refs: Sequence[bytes], license_id: str) -> bool:
    """Whether any of these holders was ever one of this license."""
    row = conn.execute(_EVER_HELD, (list(refs), license_id)).fetchone()
    return bool(row and row[0])
