"""The named peer: ``eventsourcing`` saving events on the same PostgreSQL.

Its events are neither signed nor admitted nor projected; one save is one commit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from psycopg.conninfo import conninfo_to_dict

SCHEMA = "bench_peer"


class Permit(Aggregate):
    """An aggregate with the eight fields of a bench event."""

    class Created(Aggregate.Created):
        """The one event that is saved."""

        fields: dict[str, str]

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields


@contextmanager
def application(dsn: str) -> Iterator[Application[UUID]]:
    """The library's own application on the server behind ``dsn``."""
    parts = conninfo_to_dict(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts.get("dbname", "postgres")),
        "POSTGRES_HOST": str(parts.get("host", "")),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts.get("user", "postgres")),
        "POSTGRES_PASSWORD": str(parts.get("password", "") or "none"),
        "POSTGRES_SCHEMA": SCHEMA,
    }
    app: Application[UUID] = Application(env={**os.environ, **env})
    try:
        yield app
    finally:
        app.close()


def save_rate(dsn: str, *, events: int) -> float:
    """Events per second, each saved by itself."""
    with application(dsn) as app:
        made = [
            Permit({f"field_{n}": uuid4().hex for n in range(8)}) for _ in range(events)
        ]
        started = time.perf_counter()
        for permit in made:
            app.save(permit)
        return events / (time.perf_counter() - started)
