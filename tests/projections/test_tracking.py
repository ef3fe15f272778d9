"""Tracking rows: only the owner who knows the place moves a source on."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import WaitInterruptedError
from psycopg import Connection

from projections.tracking import CHANNEL, Fenced, Tracking

pytestmark = pytest.mark.postgres


@pytest.fixture
def tracking(conn: Connection[Any]) -> Tracking:
    return Tracking(conn, schema="views")


def _advance(tracking: Tracking, conn: Connection[Any], expected: int, to: int) -> None:
    with conn.transaction(), conn.cursor() as cur:
        tracking.advance(cur, "events-0", expected, to)


def test_a_source_moves_from_where_it_stands(
    conn: Connection[Any], tracking: Tracking
) -> None:
    _advance(tracking, conn, 0, 5)
    _advance(tracking, conn, 5, 9)
    assert tracking.ordinals() == {"events-0": 9}
    assert tracking.max_tracking_id("events-0") == 9
    assert tracking.has_tracking_id("events-0", 9)
    assert not tracking.has_tracking_id("events-0", 10)


@pytest.mark.parametrize("expected", [0, 4, 6, 500])
def test_any_other_expectation_is_fenced(
    conn: Connection[Any], tracking: Tracking, expected: int
) -> None:
    _advance(tracking, conn, 0, 5)
    with pytest.raises(Fenced) as caught:
        _advance(tracking, conn, expected, expected + 1)
    assert caught.value.where == "events-0"
    assert tracking.ordinals() == {"events-0": 5}


def test_a_source_without_a_row_can_only_start_at_its_start(
    conn: Connection[Any], tracking: Tracking
) -> None:
    with pytest.raises(Fenced):
        _advance(tracking, conn, 3, 4)
    assert tracking.ordinals() == {}


def test_a_rolled_back_advance_leaves_no_trace(
    conn: Connection[Any], tracking: Tracking
) -> None:
    with conn.transaction(force_rollback=True), conn.cursor() as cur:
        tracking.advance(cur, "events-0", 0, 5)
    assert tracking.ordinals() == {}


def test_waiting_ends_with_the_notification(
    dsn: str, conn: Connection[Any], tracking: Tracking
) -> None:
    def advance_later() -> None:
        with psycopg.connect(dsn, autocommit=True) as other:
            other.execute("SET search_path TO views")
            _advance(Tracking(other, schema="views"), other, 0, 3)
            other.execute(f"NOTIFY {CHANNEL}")

    thread = threading.Thread(target=advance_later)
    thread.start()
    tracking.wait("events-0", 3, timeout=30.0)
    thread.join()
    assert tracking.ordinals() == {"events-0": 3}


def test_waiting_gives_up_in_the_end(conn: Connection[Any], tracking: Tracking) -> None:
    with pytest.raises(TimeoutError):
        tracking.wait("events-0", 1, timeout=0.05)


def test_waiting_can_be_interrupted(conn: Connection[Any], tracking: Tracking) -> None:
    interrupt = threading.Event()
    interrupt.set()
    with pytest.raises(WaitInterruptedError):
        tracking.wait("events-0", 1, timeout=30.0, interrupt=interrupt)
