from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from ledger.errors import Malformed, Unavailable, Unknown, Untrusted
from ledger.log.postgres import PostgresLog
from tests.ledger.log.logs import postgres_logs

pytestmark = pytest.mark.postgres
ALL = 1_000_000_000


@pytest.fixture
def open_log(dsn: str) -> Iterator[Callable[[], PostgresLog]]:
    with postgres_logs(dsn) as opened:
        yield opened


@pytest.fixture
def log(open_log: Callable[[], PostgresLog]) -> PostgresLog:
    return open_log()


@pytest.fixture
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def kill(admin: psycopg.Connection, log: PostgresLog) -> None:
    pid = log._connection.info.backend_pid
    admin.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_creating_again_keeps_what_is_there(log: PostgresLog) -> None:
    log.append("events-0", [b"a"])
    log.create(["events-0", "events-7"])
    log.append("events-7", [b"b"])
    assert log.ends() == {"events-0": 1, "events-7": 1}


def test_connection_must_be_in_autocommit_mode(dsn: str) -> None:
    with (
        psycopg.connect(dsn) as connection,
        pytest.raises(Malformed, match="autocommit"),
    ):
        PostgresLog(connection)


def test_database_without_log_is_unknown(dsn: str) -> None:
    log = PostgresLog(psycopg.connect(dsn, autocommit=True))
    with pytest.raises(Unknown, match="no ledger"):
        log.append("events-0", [b"a"])
    with pytest.raises(Unknown, match="no ledger"):
        log.ends()
    log.close()


def test_append_survives_the_store_even_where_commits_do_not_wait(
    log: PostgresLog,
) -> None:
    log._connection.execute("SET synchronous_commit = off")
    log.append("events-0", [b"a"])
    row = log._connection.execute("SHOW synchronous_commit").fetchone()
    assert row == ("on",)


def test_half_of_a_large_append_is_never_there(
    log: PostgresLog, admin: psycopg.Connection
) -> None:
    # The second statement of the append breaks on this.
    admin.execute("ALTER TABLE log.record ADD CHECK (ordinal < 2)")
    with pytest.raises(psycopg.IntegrityError):
        log.append("events-0", [bytes(400_000)] * 3)
    assert log.ends() == {}
    assert log.append("events-0", [bytes(400_000)] * 2) == [0, 1]


def test_lost_connection_is_unavailable_until_a_new_one(
    open_log: Callable[[], PostgresLog], admin: psycopg.Connection
) -> None:
    log = open_log()
    log.append("events-0", [b"a"])
    kill(admin, log)
    for _ in range(2):
        with pytest.raises(Unavailable, match="events-0"):
            log.append("events-0", [b"b"])
    with pytest.raises(Unavailable):
        log.wait(0.01)
    with pytest.raises(Unavailable):
        log.ends()
    again = open_log()
    assert again.append("events-0", [b"b"]) == [1]
    assert again.read("events-0", 0, limit=ALL, size_max=ALL) == [b"a", b"b"]


def test_connection_lost_while_waiting_is_unavailable(
    log: PostgresLog, admin: psycopg.Connection
) -> None:
    log.wait(0.0)
    kill(admin, log)
    with pytest.raises(Unavailable):
        log.wait(60.0)


def test_hole_in_the_records_is_untrusted(
    log: PostgresLog, admin: psycopg.Connection
) -> None:
    log.append("events-0", [b"a", b"b", b"c"])
    admin.execute("DELETE FROM log.record WHERE ordinal = 1")
    assert log.read("events-0", 0, limit=1, size_max=ALL) == [b"a"]
    for start in (0, 1):
        with pytest.raises(Untrusted, match="events-0"):
            log.read("events-0", start, limit=ALL, size_max=ALL)


def test_start_tells_what_is_gone(log: PostgresLog, admin: psycopg.Connection) -> None:
    log.append("events-0", [b"a", b"b"])
    admin.execute("DELETE FROM log.record WHERE ordinal = 0")
    assert log.start("events-0") == 1
    admin.execute("DELETE FROM log.record")
    assert log.start("events-0") == 2


def test_own_appends_do_not_end_the_wait_but_told_channels_do(
    dsn: str, open_log: Callable[[], PostgresLog], admin: psycopg.Connection
) -> None:
    connection = psycopg.connect(dsn, autocommit=True)
    log = PostgresLog(connection, wake_on=("ledger_verdicts",))
    log.wait(0.0)
    log.append("events-0", [b"a"])
    log.wait(0.01)
    admin.execute("NOTIFY ledger_verdicts")
    # Without the wake-up this would take a minute.
    log.wait(60.0)
    log.close()
    assert connection.closed
