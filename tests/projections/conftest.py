"""A connection to freshly migrated tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from projections.migrate import migrate


@pytest.fixture
def conn(dsn: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        yield connection
