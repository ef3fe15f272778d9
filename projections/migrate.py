"""Which SQL files make the derived tables, and which of them a schema has had already.

Files of ``migrations/`` run in the order of their names, each in its own transaction and
once per schema. A name that ends in ``_indexes`` waits until a bulk load is done.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from psycopg import Connection, sql

from ledger.errors import Unavailable, Untrusted
from projections.tracking import Tracking

VIEWS = "views"
_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text COLLATE "C" PRIMARY KEY,
    sm3  text NOT NULL
)
"""
_APPLIED = "SELECT name, sm3 FROM schema_migration"
_APPLY = "INSERT INTO schema_migration (name, sm3) VALUES (%s, %s)"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('license-ledger/migrate'))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One SQL file: its name without suffix, its text, and the SM3 of that text."""

    name: str
    text: str
    sm3: str

    @property
    def deferred(self) -> bool:
        """Whether it makes indexes, which a bulk load makes last."""
        return self.name.endswith("_indexes")


def migrations() -> list[Migration]:
    """All SQL files in the order in which they run."""
    found = []
    for file in files("projections.migrations").iterdir():
        if file.name.endswith(".sql"):
            data = file.read_bytes()
            found.append(
                Migration(
                    name=file.name.removesuffix(".sql"),
                    text=data.decode(),
                    sm3=hashlib.new("sm3", data).hexdigest(),
                )
            )
    return sorted(found, key=lambda migration: migration.name)


def use_schema(conn: Connection[Any], schema: str) -> None:
    """Sends the unqualified table names of this connection to ``schema``."""
    conn.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))


def migrate(
    conn: Connection[Any], *, schema: str = VIEWS, indexes: bool = True
) -> list[str]:
    """Brings a schema up to date and names what it applied.

    ``conn`` is in autocommit mode and uses the schema afterwards. Without ``indexes``
    only the tables are made; a later call adds the rest. Raises Untrusted when a file
    that was applied before has another text now.
    """
    conn.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
    )
    use_schema(conn, schema)
    with conn.transaction():
        conn.execute(_LOCK)
        conn.execute(_RECORD)
    done = []
    for migration in migrations():
        if (indexes or not migration.deferred) and _apply(conn, migration):
            done.append(migration.name)
    Tracking(conn, schema=schema).create_table()
    return done


def require_current(conn: Connection[Any], *, schema: str = VIEWS) -> None:
    """Raises Unavailable unless exactly this program's files made the tables.

    Derived tables are never brought up to date in place: they are made again from the
    log, which takes no decision and loses nothing.
    """
    if stale(conn, schema=schema):
        raise Unavailable(
            "the derived tables were made by another version of this program",
            expected="`license-ledger rebuild --swap`, which makes them again from the "
            "log, while nothing else runs on this ledger",
            found="other files in schema_migration",
            where=f"schema {schema}",
        )


def stale(conn: Connection[Any], *, schema: str = VIEWS) -> bool:
    """Whether other files than this program's made the tables of a schema."""
    record = sql.Identifier(schema, "schema_migration")
    applied = conn.execute(sql.SQL("SELECT name, sm3 FROM {}").format(record))
    return dict(applied.fetchall()) != {one.name: one.sm3 for one in migrations()}


def _apply(conn: Connection[Any], migration: Migration) -> bool:
    with conn.transaction():
        conn.execute(_LOCK)
        applied = dict(conn.execute(_APPLIED).fetchall())
        before = applied.get(migration.name)
        if before is None:
            conn.execute(migration.text.encode())
            conn.execute(_APPLY, (migration.name, migration.sm3))
            return True
    if before != migration.sm3:
        raise Untrusted(
            "a migration that was applied before has another text now",
            code="migration_changed",
            expected=before,
            found=migration.sm3,
            where=migration.name,
        )
    return False
