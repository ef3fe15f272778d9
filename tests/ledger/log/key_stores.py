"""Key stores for tests: one database, opened as often as there are processes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg

from ledger.log.key_store import KeyRequest, KeyStore

WRAPPING_KEY = bytes(range(32))
NOW_US = 1_763_900_000_123_456
LICENSE = "1.2.156.3005.2.11210000000000000X.11210000999990010U.000001"
OTHER = "1.2.156.3005.2.11210000000000000X.11210000999990010U.000002"
PERSON = ("111", "11010519491231002X")
EVENT_ID = bytes(range(16))
LONG_S = 60.0

Rows = dict[str, list[tuple[Any, ...]]]


def store_on(
    connection: psycopg.Connection[Any], wrapping_key: bytes = WRAPPING_KEY
) -> KeyStore:
    return KeyStore(
        connection,
        wrapping_key=wrapping_key,
        clock=lambda: NOW_US,
        random_bytes=secrets.token_bytes,
    )


class Stores:
    """Opens key stores of one database, each over its own connection."""

    def __init__(self, dsn: str, stack: ExitStack) -> None:
        self._dsn = dsn
        self._stack = stack
        self.connection = self.connect()

    def connect(self) -> psycopg.Connection[Any]:
        return self._stack.enter_context(psycopg.connect(self._dsn, autocommit=True))

    def unconfirmed(self, wrapping_key: bytes = WRAPPING_KEY) -> KeyStore:
        return store_on(self.connect(), wrapping_key)

    def open(self, wrapping_key: bytes = WRAPPING_KEY) -> KeyStore:
        store = self.unconfirmed(wrapping_key)
        store.confirm([])
        return store

    def rows(self) -> Rows:
        return {
            "store": self.connection.execute("SELECT * FROM keys.store").fetchall(),
            "holder": self.connection.execute("SELECT * FROM keys.holder").fetchall(),
            "secret": self.connection.execute("SELECT * FROM keys.secret").fetchall(),
        }

    def put_back(self, rows: Rows) -> None:
        """What restoring a backup does."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute("TRUNCATE keys.store, keys.holder, keys.secret")
            cursor.executemany(
                "INSERT INTO keys.store VALUES (%s, %s, %s)", rows["store"]
            )
            cursor.executemany(
                "INSERT INTO keys.holder VALUES (%s, %s, %s)", rows["holder"]
            )
            cursor.executemany(
                "INSERT INTO keys.secret VALUES (%s, %s, %s)", rows["secret"]
            )

    def await_blocked(self, store: KeyStore) -> None:
        """Returns once that store's connection waits for another's lock."""
        pid = connection_of(store).info.backend_pid
        blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        while self.connection.execute(blocked, [pid]).fetchone() != (True,):
            pass


@contextmanager
def created(dsn: str) -> Iterator[Stores]:
    with ExitStack() as stack:
        stores = Stores(dsn, stack)
        stores.unconfirmed().create()
        yield stores


def connection_of(store: KeyStore) -> psycopg.Connection[Any]:
    return store._tables._cursor.connection


def issue_one(store: KeyStore, ref: bytes, license_id: str = LICENSE) -> bytes:
    """Issues for one pair and gives the event_id."""
    (issued,) = store.issue([KeyRequest(license_id=license_id, holder_refs=(ref,))])
    return issued.event_id
