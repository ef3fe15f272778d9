"""Notifications are seen without waiting, each once, and none before the LISTEN is lost."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ledger.errors import Malformed, Unavailable
from ledger.log.notices import Notices
from tests.deploy.waiting import until

pytestmark = pytest.mark.postgres


@pytest.fixture
def notices(dsn: str) -> Iterator[Notices]:
    made = Notices(psycopg.connect(dsn, autocommit=True), ("ledger_verdicts", "other"))
    yield made
    made.close()


@pytest.fixture
def other(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_first_question_says_look_for_yourself(notices: Notices) -> None:
    assert [notices.pending() for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("channel", ["ledger_verdicts", "other"])
def test_notification_is_pending_once(
    notices: Notices, other: psycopg.Connection, channel: str
) -> None:
    notices.pending()
    other.execute("SELECT pg_notify(%s, 'a'), pg_notify(%s, 'b')", (channel, channel))
    until(notices.pending)  # what PostgreSQL sends may be on its way
    assert [notices.pending() for _ in range(2)] == [False, False]


def test_other_channels_wake_nobody(
    notices: Notices, other: psycopg.Connection
) -> None:
    notices.pending()
    other.execute("NOTIFY strangers")
    assert not notices.pending()


def test_lost_connection_is_unavailable(
    notices: Notices, other: psycopg.Connection
) -> None:
    notices.pending()
    other.execute(
        "SELECT pg_terminate_backend(%s)", (notices._connection.info.backend_pid,)
    )
    with pytest.raises(Unavailable):
        _ask_for_ever(notices)


def test_connection_must_commit_by_itself(dsn: str) -> None:
    with psycopg.connect(dsn) as connection, pytest.raises(Malformed):
        Notices(connection, ("a",))


def _ask_for_ever(notices: Notices) -> None:
    while True:
        notices.pending()
