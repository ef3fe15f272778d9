"""Knows the tables of log and head row by row, for whoever compares them with the log.

Daily work never asks for most of this. Nothing is believed here: a row is given as it is
stored. All calls on one connection, inside the caller's transaction, are one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ledger.events import VerdictRange
from ledger.log.head_rows import verdict_values
from ledger.log.offset_gaps import Gap
from ledger.log.postgres import chunked

if TYPE_CHECKING:
    import psycopg

_ENDS: Final = "SELECT name, next FROM log.source"
_SPANS: Final = """
SELECT source, count(*), min(ordinal), max(ordinal) FROM log.record GROUP BY source
"""
_HOLE: Final = """
SELECT place FROM (
    SELECT ordinal, row_number() OVER (ORDER BY ordinal) - 1 AS place
    FROM log.record WHERE source = %(source)s::text
) AS counted WHERE ordinal <> place ORDER BY ordinal LIMIT 1
"""
_GAPS: Final = """
SELECT source, ordinal, "offset" FROM head.gap ORDER BY source, ordinal
"""
_HEAD: Final = "SELECT seal_no, digest, published, seals_next FROM head.head"
_SEALS: Final = """
SELECT seal_no, digest, sealed_at, tree_size, root, nexts, verdict_nexts, registry, data
FROM head.seal WHERE seal_no >= %(first)s::bigint AND seal_no < %(end)s::bigint
"""
_STRAY_SEAL: Final = """
SELECT seal_no FROM head.seal WHERE seal_no < 0 OR seal_no >= %(end)s::bigint
ORDER BY seal_no LIMIT 1
"""
_SIZE: Final = "SELECT tree_size FROM head.seal WHERE seal_no = %(seal_no)s::bigint"
_SEAL_DATA: Final = "SELECT data FROM head.seal WHERE seal_no = %(seal_no)s::bigint"
_TILE: Final = """
SELECT hashes FROM head.tile
WHERE level = %(level)s::integer AND index = %(index)s::bigint
"""
_TILE_KEYS: Final = "SELECT level, index FROM head.tile ORDER BY level, index"
_VERDICTS: Final = """
SELECT v.count, v.root, v.refused, v.carried_in
FROM unnest(%(seal_nos)s::bigint[], %(sources)s::text[], %(firsts)s::bigint[])
    WITH ORDINALITY AS given (seal_no, source, first, place)
LEFT JOIN head.verdict AS v USING (seal_no, source, first) ORDER BY place
"""
_VERDICT_COUNT: Final = "SELECT count(*) FROM head.verdict"
_VERDICT_KEYS: Final = """
SELECT seal_no, source, first, carried_in FROM head.verdict ORDER BY first
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How many records of a source are stored, and the ordinals of first and last."""

    count: int
    first: int
    last: int


class StoredTables:
    """Schemas ``log`` and ``head`` of one database; raises what psycopg raises.

    The connection gives rows as tuples.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = connection.cursor(binary=True)

    def ends(self) -> dict[str, int]:
        """Every source with the ordinal that its next record will get."""
        return dict(self._all(_ENDS))

    def spans(self) -> dict[str, Span]:
        """Every source that has records with the places that they take."""
        return {
            source: Span(count=count, first=first, last=last)
            for source, count, first, last in self._all(_SPANS)
        }

    def hole(self, source: str) -> int | None:
        """The first ordinal of a source that is not stored but has one behind it."""
        row = self._one(_HOLE, source=source)
        return None if row is None else int(row[0])

    def gaps(self) -> Mapping[str, Sequence[Gap]]:
        """None: a log in tables has no markers between its records."""
        return {}

    def noted_gaps(self) -> Iterator[tuple[str, Gap]]:
        """Every row of the gaps that a log on Kafka was found to have."""
        for source, ordinal, offset in self._all(_GAPS):
            yield source, Gap(ordinal, offset)

    def head(self) -> tuple[int, bytes, int, int] | None:
        """(seal_no, digest, published, seals_next), None when the row is gone."""
        return self._one(_HEAD)

    def seals(self, first: int, end: int) -> dict[int, tuple[Any, ...]]:
        """Seal number -> digest, sealed_at, tree_size, root, nexts … data."""
        return {row[0]: row[1:] for row in self._all(_SEALS, first=first, end=end)}

    def seal_data(self, seal_no: int) -> bytes | None:
        """The bytes of one seal, None if there is no such row."""
        row = self._one(_SEAL_DATA, seal_no=seal_no)
        return None if row is None else bytes(row[0])

    def size_after(self, seal_no: int) -> int | None:
        """The size of the tree after a seal, None if there is no such row."""
        row = self._one(_SIZE, seal_no=seal_no)
        return None if row is None else int(row[0])

    def stray_seal(self, end: int) -> int | None:
        """The number of a row that is none of the seals below ``end``."""
        row = self._one(_STRAY_SEAL, end=end)
        return None if row is None else int(row[0])

    def tile(self, level: int, index: int) -> bytes | None:
        """The hashes of one tile, None if there is no such row."""
        row = self._one(_TILE, level=level, index=index)
        return None if row is None else bytes(row[0])

    def tile_keys(self) -> Iterator[tuple[int, int]]:
        """(level, index) of every tile."""
        return iter(self._all(_TILE_KEYS))

    def verdicts(
        self, asked: Sequence[VerdictRange]
    ) -> Iterator[tuple[VerdictRange, tuple[Any, ...]]]:
        """Each range with (count, root, refused, carried_in) of its row, or Nones."""
        for chunk in chunked(asked, lambda _: 100):
            values = verdict_values(chunk)
            keys = {name: values[name] for name in ("seal_nos", "sources", "firsts")}
            yield from zip(chunk, self._all(_VERDICTS, **keys), strict=True)

    def verdict_count(self) -> int:
        """How many rows of verdicts there are."""
        row = self._one(_VERDICT_COUNT)
        return int(row[0]) if row else 0

    def verdict_keys(self) -> Iterator[tuple[int, str, int, int | None]]:
        """(seal_no, source, first, carried_in) of every row, by ``first``."""
        return iter(self._all(_VERDICT_KEYS))

    def _all(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        return self._cursor.execute(query.encode(), values, prepare=True).fetchall()

    def _one(self, query: str, **values: object) -> tuple[Any, ...] | None:
        return self._cursor.execute(query.encode(), values, prepare=True).fetchone()
