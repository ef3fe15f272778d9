"""PostgreSQL for tests: one server for a test process, one fresh database for a test.

`--test-dsn` or LICENSE_LEDGER_TEST_DSN names a server to use instead; its role must be
allowed to create databases. Tests that kill servers start their own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from console.embedded import EmbeddedPostgres

# A test that outlives a power cut is nobody's concern; a quick one is.
_UNSAFE_AND_QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "256MB",
    "shared_buffers": "64MB",
    "autovacuum": "off",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--test-dsn",
        default=os.environ.get("LICENSE_LEDGER_TEST_DSN"),
        help="PostgreSQL >= 15 to test on instead of the embedded one",
    )


def pytest_report_header(config: pytest.Config) -> str:
    outside: str | None = config.getoption("--test-dsn")
    if not outside:
        return "postgres: embedded, one per process"
    shown = conninfo_to_dict(outside)
    shown.pop("password", None)
    return f"postgres: {make_conninfo('', **shown)}"


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server for the whole test process."""
    outside: str | None = request.config.getoption("--test-dsn")
    if outside:
        yield outside
        return
    directory = Path(tempfile.mkdtemp(prefix="license-ledger-test-"))
    try:
        with EmbeddedPostgres(directory, settings=_UNSAFE_AND_QUICK) as server:
            yield server.dsn
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def dsn(postgres_server: str) -> Iterator[str]:
    """The address of an empty database that is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    database = sql.Identifier(name)
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(database))
        yield make_conninfo(postgres_server, dbname=name)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
