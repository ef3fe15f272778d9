"""The seal head in PostgreSQL: the last seal, all seals, the tiles of the tree, verdicts.

All of it follows from the log and can be made again; what it adds is that only one
sealer at a time can move it. Verdicts come in from the projectors and wait here until a
seal carries them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from ledger.errors import LedgerError, Untrusted
from ledger.events import VerdictRange
from ledger.log.head_rows import (
    Carried,
    Head,
    tile_values,
    tip_of,
    verdict_of,
    verdict_size,
    verdict_values,
)
from ledger.log.head_sql import (
    CARRIED_BY,
    COMMIT,
    CREATE,
    LOAD,
    OFFER,
    OFFERED,
    PUBLISH,
    PUBLISHED,
    REGISTRY_SEALS,
    SEAL,
    SEAL_OF_POSITION,
    SEALS,
    TILE,
    TILES,
    TILES_AT,
    TIP,
    WRITE_CARRIED,
    WRITE_TILES,
)
from ledger.log.postgres import CLOCK, chunked, require_autocommit, translated
from ledger.tiles import ReadTile, Tile, read_edge, root_from_tiles
from ledger.tip import Tip

VERDICTS_CHANNEL: Final = "ledger_verdicts"
_PAGE = 256
_DURABLE = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""


class Fenced(LedgerError):  # noqa: N818 - what happened to the sealer
    """Another sealer moved the head: this one must exit, and nothing it signed counts."""

    family = "unavailable"
    default_code = "fenced"
    exit_code = 4


class HeadStore:
    """Schema ``head`` of one database.

    The connection stays its owner's, who closes it; it must be in autocommit mode (else
    Malformed) and belongs to one thread. Errors: see ``ledger.log.postgres.translated``.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        require_autocommit(connection)
        self._connection = connection
        self._cursor = connection.cursor(binary=True, row_factory=tuple_row)
        self._durable = False

    def create(self) -> None:
        """Makes schema, tables and the head before seal 0 where they are not there."""
        with translated("creating the head"), self._connection.transaction():
            self._connection.execute(CREATE)

    def load(self) -> Head:
        """Reads the head; Untrusted if its own parts contradict each other."""
        row = self._one(LOAD, {})
        if row is None:
            raise Untrusted(
                "the head is gone",
                code="head_damaged",
                expected="one row",
                where="head.head",
            )
        seal_no, digest, published, seals_next, data, *rest = row
        tip = Tip() if seal_no < 0 else tip_of(seal_no, rest)
        if tip.digest != digest or published not in (seal_no, seal_no - 1):
            raise Untrusted(
                "the head and its last seal differ",
                code="head_damaged",
                where=f"seal {seal_no}",
            )
        if root_from_tiles(tip.tree_size, self.tile) != tip.root:
            raise Untrusted(
                "the tiles and the last root differ",
                code="head_damaged",
                where=f"seal {seal_no}",
            )
        return Head(
            tip=tip,
            seal=data or b"",
            published=published,
            seals_next=seals_next,
            edge=read_edge(tip.tree_size, self.tile),
        )

    def commit(
        self,
        expected: Tip,
        tip: Tip,
        *,
        seal: bytes,
        tiles: Sequence[Tile],
        verdicts: Sequence[VerdictRange],
        registry: bool,
    ) -> None:
        """Moves the head from ``expected`` to ``tip``, all or nothing, durably.

        ``registry``: whether the seal covers registry records. Raises Fenced if the
        head was not at ``expected``. After Unavailable the caller must load again: the
        move may have happened.
        """
        tile_chunks = list(chunked(tiles, lambda tile: len(tile.hashes))) or [[]]
        verdict_chunks = list(chunked(verdicts, verdict_size)) or [[]]
        values = {
            "expected_no": expected.seal_no,
            "expected_digest": expected.digest,
            "seal_no": tip.seal_no,
            "digest": tip.digest,
            "sealed_at": tip.sealed_at,
            "tree_size": tip.tree_size,
            "root": tip.root,
            "nexts": Jsonb(dict(tip.nexts)),
            "verdict_nexts": Jsonb(dict(tip.verdict_nexts)),
            "registry": registry,
            "data": seal,
            **tile_values(tile_chunks[0]),
            **verdict_values(verdict_chunks[0]),
        }
        with translated(f"committing seal {tip.seal_no}"):
            self._make_durable()
            if len(tile_chunks) == len(verdict_chunks) == 1:
                self._swap(values)
                return
            with self._connection.transaction():
                self._swap(values)
                for tile_chunk in tile_chunks[1:]:
                    self._cursor.execute(WRITE_TILES, tile_values(tile_chunk))
                for chunk in verdict_chunks[1:]:
                    carried = {"seal_no": tip.seal_no, **verdict_values(chunk)}
                    self._cursor.execute(WRITE_CARRIED, carried)

    def mark_published(self, seal_no: int, *, seals_next: int) -> None:
        """Notes that the log holds this seal before ordinal ``seals_next`` of ``seals``.

        Losing the note in a crash does no harm: the log is asked again at the start.
        """
        values = {"seal_no": seal_no, "seals_next": seals_next}
        with translated(f"publishing seal {seal_no}"):
            self._cursor.execute(PUBLISH, values, prepare=True)

    def clock(self) -> int:
        """PostgreSQL's clock, UTC µs."""
        row = self._one(CLOCK, {})
        return int(row[0]) if row else 0

    def published(self) -> bytes | None:
        """The last seal whose bytes are in the log; None before seal 0."""
        return self._value(PUBLISHED, {})

    def seal_bytes(self, seal_no: int) -> bytes | None:
        """One seal, the last one even before it is in the log; None if there is none."""
        return self._value(SEAL, {"seal_no": seal_no})

    def tip(self, seal_no: int) -> Tip | None:
        """Where sealed order stood after a seal, for a reader that goes on from it."""
        if seal_no == -1:
            return Tip()
        row = self._one(TIP, {"seal_no": seal_no})
        return None if row is None else tip_of(seal_no, row)

    def seal_of_position(self, position: int) -> int | None:
        """The number of the published seal that covers a position."""
        row = self._one(SEAL_OF_POSITION, {"position": position})
        return None if row is None else int(row[0])

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of one tile joined; empty if there is none."""
        return self._value(TILE, {"level": level, "index": index}) or b""

    def tiles_at(self, places: Sequence[tuple[int, int]]) -> ReadTile:
        """The same for these (level, index) alone, fetched in one question."""
        levels, indexes = [level for level, _ in places], [index for _, index in places]
        rows = self._all(TILES_AT, {"levels": levels, "indexes": indexes})
        found = {(level, index): hashes for level, index, hashes in rows}
        return lambda level, index: found.get((level, index), b"")

    def tiles(self) -> Iterator[Tile]:
        """All tiles by level and index."""
        level, index = -1, -1
        while rows := self._all(TILES, {"level": level, "index": index, "n": _PAGE}):
            for level, index, hashes in rows:
                yield Tile(level=level, index=index, hashes=hashes)

    def seals(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """All seals from number ``start`` on: (number, bytes)."""
        while rows := self._all(SEALS, {"start": start, "n": _PAGE}):
            yield from rows
            start = rows[-1][0] + 1

    def registry_seals(self, start: int = 0) -> Iterator[bytes]:
        """The seals from ``start`` on that cover registry records."""
        while rows := self._all(REGISTRY_SEALS, {"start": start, "n": _PAGE}):
            yield from (data for _, data in rows)
            start = rows[-1][0] + 1

    def offered(self, *, limit: int) -> list[VerdictRange]:
        """Verdicts that no seal carries yet, by position, so per source in order."""
        return [verdict_of(row) for row in self._all(OFFERED, {"limit": limit})]

    def carried_by(self, seal_no: int, source: str, position: int) -> Carried | None:
        """The verdicts that cover a position of this seal; None if none are known."""
        values = {"seal_no": seal_no, "source": source, "position": position}
        row = self._one(CARRIED_BY, values)
        if row is None:
            return None
        return Carried(verdict=verdict_of(row[:-1]), seal_no=row[-1])

    def _swap(self, values: Mapping[str, object]) -> None:
        self._cursor.execute(COMMIT, values, prepare=True)
        if self._cursor.fetchone() is None:
            raise Fenced(
                "another sealer moved the head",
                expected=f"seal {values['expected_no']}",
                found="another one",
                where="head.head",
            )

    def _make_durable(self) -> None:
        if not self._durable:
            self._cursor.execute(_DURABLE)
            self._durable = True

    def _one(self, query: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        with translated("reading the head"):
            return self._cursor.execute(query, values, prepare=True).fetchone()

    def _all(self, query: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with translated("reading the head"):
            return self._cursor.execute(query, values, prepare=True).fetchall()

    def _value(self, query: str, values: Mapping[str, object]) -> bytes | None:
        row = self._one(query, values)
        return None if row is None else row[0]


def offer_verdicts(
    cursor: psycopg.Cursor[Any], verdicts: Sequence[VerdictRange]
) -> None:
    """Hands verdicts to the sealer, inside the projector's own transaction.

    Per source in order of position. Offering the same again does nothing; other
    verdicts on the same records raise Untrusted. The sealer is woken by the commit.
    """
    own = cursor.connection.cursor(binary=True, row_factory=tuple_row)
    with translated("offering verdicts"), own:
        for chunk in chunked(verdicts, verdict_size):
            own.execute(OFFER, verdict_values(chunk), prepare=True)
            row = own.fetchone()
            if row is not None and row[1] is not None:
                raise Untrusted(
                    "the verdicts differ from those offered before",
                    code="verdict_differs",
                    where=f"seal {row[1]}, {row[2]}, position {row[3]}",
                )
