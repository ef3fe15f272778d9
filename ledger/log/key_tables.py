"""Knows the key store's tables: which bytes lie where, none of which it can read.

`ledger.log.key_store` wraps, unwraps and decides; here is its SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from ledger.errors import Unknown
from ledger.log.postgres import translated

if TYPE_CHECKING:
    import psycopg

# A destroyed pair keeps its row, without the secret: the primary key itself sees to it
# that no second secret is ever written for it.
CREATE: Final[tuple[LiteralString, ...]] = (
    # Two callers at once: IF NOT EXISTS alone lets one of them fail.
    "SELECT pg_advisory_xact_lock(hashtextextended('license-ledger keys', 0))",
    "CREATE SCHEMA IF NOT EXISTS keys",
    """
    CREATE TABLE IF NOT EXISTS keys.store (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        generation bigint NOT NULL,
        pepper bytea NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS keys.holder (
        ref bytea PRIMARY KEY,
        tag bytea NOT NULL UNIQUE,
        holder bytea NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS keys.secret (
        tag bytea PRIMARY KEY,
        secret bytea,
        destroyed bytea,
        CHECK ((secret IS NULL) <> (destroyed IS NULL))
    )
    """,
    """
    CREATE INDEX IF NOT EXISTS secret_destroyed ON keys.secret (tag)
    WHERE destroyed IS NOT NULL
    """,
)
_FOUND = """
INSERT INTO keys.store (generation, pepper) VALUES (1, %(pepper)b::bytea)
ON CONFLICT DO NOTHING
"""
_STORE = "SELECT generation, pepper FROM keys.store"
_SET_STORE = "UPDATE keys.store SET generation = generation + 1, pepper = %(pepper)b"
# The new owner of a key publishes under it at once: the row must outlive a crash.
_DURABLE = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""
_LOCK = "LOCK TABLE keys.store, keys.holder, keys.secret IN SHARE ROW EXCLUSIVE MODE"

# A LIMIT keeps the planner to one index look-up per key: for a batch it would rather read
# the whole of a table up to a million rows. Rows go in by order of tag, so that callers with the same rows wait for each other and
# never in a circle. The generation is read when the table's lock is granted: a store that
# was wrapped anew meanwhile takes nothing wrapped by the old key.
_FIND_REFS = """
SELECT (SELECT ref FROM keys.holder WHERE holder.tag = given.tag LIMIT 1)
FROM unnest(%(tags)b::bytea[]) WITH ORDINALITY AS given (tag, place) ORDER BY place
"""
_ADD_HOLDERS = """
INSERT INTO keys.holder (tag, ref, holder)
SELECT tag, ref, holder
FROM unnest(%(tags)b::bytea[], %(refs)b::bytea[], %(holders)b::bytea[])
    AS given (tag, ref, holder)
WHERE (SELECT generation FROM keys.store) = %(generation)s::bigint
ORDER BY tag ON CONFLICT (tag) DO NOTHING RETURNING tag
"""
_HOLDER_OF = "SELECT holder FROM keys.holder WHERE ref = %(ref)b::bytea"
_FORGET = "DELETE FROM keys.holder WHERE ref = %(ref)b::bytea"
_FIND_SECRETS = """
SELECT found.secret, found.destroyed, CASE WHEN found.destroyed IS NULL THEN
    (SELECT true FROM keys.holder WHERE holder.ref = given.ref LIMIT 1) END
FROM unnest(%(tags)b::bytea[], %(refs)b::bytea[]) WITH ORDINALITY
    AS given (tag, ref, place)
LEFT JOIN LATERAL (
    SELECT secret, destroyed IS NOT NULL FROM keys.secret
    WHERE secret.tag = given.tag LIMIT 1
) AS found (secret, destroyed) ON true
ORDER BY place
"""
_ADD_SECRETS = """
INSERT INTO keys.secret (tag, secret)
SELECT tag, secret
FROM unnest(%(tags)b::bytea[], %(secrets)b::bytea[]) AS given (tag, secret)
WHERE (SELECT generation FROM keys.store) = %(generation)s::bigint
ORDER BY tag ON CONFLICT (tag) DO NOTHING RETURNING tag
"""
_DESTROY = """
INSERT INTO keys.secret (tag, destroyed)
SELECT tag, destroyed
FROM unnest(%(tags)b::bytea[], %(destroyed)b::bytea[]) AS given (tag, destroyed)
WHERE (SELECT generation FROM keys.store) = %(generation)s::bigint
ORDER BY tag ON CONFLICT (tag) DO UPDATE
SET secret = NULL, destroyed = excluded.destroyed WHERE secret.destroyed IS NULL
RETURNING tag
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedColumn:
    """A column of wrapped values: its name, one page of (row key, value), and new values."""

    name: str
    page: LiteralString
    update: LiteralString


HOLDER: Final = WrappedColumn(
    name="keys.holder.holder",
    page="""
SELECT ref, holder FROM keys.holder WHERE ref > %(after)b::bytea
ORDER BY ref LIMIT %(limit)s::bigint
""",
    update="""
UPDATE keys.holder SET holder = given.value
FROM unnest(%(keys)b::bytea[], %(values)b::bytea[]) AS given (key, value)
WHERE ref = given.key
""",
)
SECRET: Final = WrappedColumn(
    name="keys.secret.secret",
    page="""
SELECT tag, secret FROM keys.secret
WHERE tag > %(after)b::bytea AND secret IS NOT NULL
ORDER BY tag LIMIT %(limit)s::bigint
""",
    update="""
UPDATE keys.secret SET secret = given.value
FROM unnest(%(keys)b::bytea[], %(values)b::bytea[]) AS given (key, value)
WHERE tag = given.key
""",
)
DESTROYED: Final = WrappedColumn(
    name="keys.secret.destroyed",
    page="""
SELECT tag, destroyed FROM keys.secret
WHERE tag > %(after)b::bytea AND destroyed IS NOT NULL
ORDER BY tag LIMIT %(limit)s::bigint
""",
    update="""
UPDATE keys.secret SET destroyed = given.value
FROM unnest(%(keys)b::bytea[], %(values)b::bytea[]) AS given (key, value)
WHERE tag = given.key
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRow:
    """What is known of one pair; ``strange``: neither it nor its holder is known."""

    secret: bytes | None
    destroyed: bool
    strange: bool


class KeyTables:
    """The statements of one cursor with tuple rows, on a connection in autocommit mode.

    Everything raises Unavailable for a database that does not answer, Unknown where the
    tables were never made. Bulk calls take what fits one statement, some thousand rows.
    """

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self._cursor = cursor

    def create(self, pepper: bytes) -> None:
        """Makes what is not there yet; a store that is there keeps its pepper."""
        with (
            translated("creating the key store"),
            self._cursor.connection.transaction(),
        ):
            for statement in CREATE:
                self._cursor.execute(statement)
            self._cursor.execute(_FOUND, {"pepper": pepper})

    def open(self) -> tuple[int, bytes]:
        """Makes commits durable; gives the generation and the wrapped pepper."""
        with translated("opening the key store"):
            self._cursor.execute(_DURABLE)
        return self.store()

    def store(self) -> tuple[int, bytes]:
        """The generation and the wrapped pepper; Unknown without them."""
        found = self._fetch(_STORE)
        if not found:
            raise Unknown(
                "this database holds no key store", code="database_without_ledger"
            )
        return int(found[0][0]), bytes(found[0][1])

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One transaction in which nobody else writes."""
        with translated("wrapping anew"), self._cursor.connection.transaction():
            self._cursor.execute(_LOCK)
            yield

    def set_store(self, pepper: bytes) -> None:
        """Replaces the wrapped pepper and counts the generation on."""
        with translated("wrapping anew"):
            self._cursor.execute(_SET_STORE, {"pepper": pepper})

    def find_refs(self, tags: Sequence[bytes]) -> list[bytes | None]:
        """The holder_ref of each tag, None where there is none."""
        return [ref for (ref,) in self._fetch(_FIND_REFS, tags=list(tags))]

    def add_holders(
        self, rows: Sequence[tuple[bytes, bytes, bytes]], *, generation: int
    ) -> set[bytes]:
        """Adds (tag, ref, wrapped holder); gives the tags that were new."""
        tags, refs, holders = (list(column) for column in zip(*rows, strict=True))
        found = self._fetch(
            _ADD_HOLDERS, tags=tags, refs=refs, holders=holders, generation=generation
        )
        return {tag for (tag,) in found}

    def holder_of(self, ref: bytes) -> bytes | None:
        """The wrapped holder behind a ref."""
        found = self._fetch(_HOLDER_OF, ref=ref)
        return bytes(found[0][0]) if found else None

    def forget(self, ref: bytes) -> None:
        """Deletes the holder behind a ref."""
        with translated("writing the key store"):
            self._cursor.execute(_FORGET, {"ref": ref})

    def find_secrets(
        self, tags: Sequence[bytes], refs: Sequence[bytes]
    ) -> list[SecretRow]:
        """What is known of each pair."""
        found = self._fetch(_FIND_SECRETS, tags=list(tags), refs=list(refs))
        return [
            SecretRow(
                secret=secret,
                destroyed=bool(destroyed),
                strange=destroyed is None and not assigned,
            )
            for secret, destroyed, assigned in found
        ]

    def add_secrets(
        self, rows: Sequence[tuple[bytes, bytes]], *, generation: int
    ) -> set[bytes]:
        """Adds (tag, wrapped secret); gives the tags that were new."""
        tags, secrets = (list(column) for column in zip(*rows, strict=True))
        found = self._fetch(
            _ADD_SECRETS, tags=tags, secrets=secrets, generation=generation
        )
        return {tag for (tag,) in found}

    def destroy(
        self, rows: Sequence[tuple[bytes, bytes]], *, generation: int
    ) -> set[bytes]:
        """Takes (tag, wrapped pair), drops the secret; gives the tags that had changed."""
        tags, destroyed = (list(column) for column in zip(*rows, strict=True))
        found = self._fetch(
            _DESTROY, tags=tags, destroyed=destroyed, generation=generation
        )
        return {tag for (tag,) in found}

    def pages(
        self, column: WrappedColumn, *, limit: int
    ) -> Iterator[list[tuple[bytes, bytes]]]:
        """All (row key, value) of a column by row key, some at a time."""
        after = b""
        while rows := self._fetch(column.page, after=after, limit=limit):
            yield [(bytes(key), bytes(value)) for key, value in rows]
            after = rows[-1][0]

    def update(
        self, column: WrappedColumn, rows: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Replaces values of a column."""
        keys, values = (list(part) for part in zip(*rows, strict=True))
        with translated("writing the key store"):
            self._cursor.execute(column.update, {"keys": keys, "values": values})

    def vacuum(self) -> None:
        """Frees the space of dead rows, so that it may be written over."""
        with translated("vacuuming the key store"):
            self._cursor.execute("VACUUM keys.store, keys.holder, keys.secret")

    def _fetch(self, statement: LiteralString, **values: Any) -> list[tuple[Any, ...]]:
        # Never prepared: a plan made while a table was small reads all of it later.
        with translated("the key store"):
            return self._cursor.execute(statement, values, prepare=False).fetchall()
