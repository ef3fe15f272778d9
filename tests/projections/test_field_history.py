"""The field history: what each act did to each field, and what stood before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from projections import field_history
from projections.migrate import migrate
from tests.builders import World, province
from tests.projections.archived import FIRST, SECOND, THIRD, add_archived
from tests.projections.made import accepted, make_event, make_license
from tests.projections.made import license_id as made_id

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def world() -> World:
    made = province(partitions=3)
    add_archived(made)
    return made


@pytest.fixture
def history(dsn: str, world: World) -> Iterator[Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        migrate(conn)
        verdicts = [s.verdict for s in world.records if s.verdict.after]
        with conn.transaction(), conn.cursor() as cur:
            field_history.write(cur, verdicts, world.admission)
        yield conn


def told(
    conn: Connection[Any], world: World, serial: str, field: str
) -> list[tuple[Any, ...]]:
    """Act, old, new, stands of each row; positions count from the opening act's."""
    license_id = world.license_id(serial)
    first = world.chain(license_id).acts[0].position
    return [
        (
            row.act,
            row.old,
            row.old_position and row.old_position - first,
            row.new,
            row.new_position and row.new_position - first,
            row.stands,
        )
        for row in field_history.of_field(conn, license_id, field)
    ]


def test_a_change_names_what_stood_before_and_who_said_it(
    history: Connection[Any], world: World
) -> None:
    assert told(history, world, "H1", "scope") == [
        ("CHANGE", "一般项目", 0, "另一项目", 2, True),
        ("RESTORE", "另一项目", 2, "一般项目", 0, True),
    ]


def test_a_restore_that_leaves_nothing_says_so(
    history: Connection[Any], world: World
) -> None:
    assert told(history, world, "H1", "grade") == [
        ("CHANGE", None, None, "A", 2, True),
        ("RESTORE", "A", 2, None, None, True),
    ]


def test_terms_tell_who_said_them(history: Connection[Any], world: World) -> None:
    assert told(history, world, "H1", "valid_until") == [
        ("RENEW", "2031-03-01", 0, "2036-03-01", 3, True)
    ]


def test_a_value_of_the_past_is_kept_and_does_not_stand(
    history: Connection[Any], world: World
) -> None:
    assert told(history, world, "H2", "scope") == [
        ("CHANGE", "一般项目", 0, "新项目", 1, True),
        ("CHANGE", "新项目", 1, "旧项目", 2, False),
    ]
    assert told(history, world, "H2", "valid_until")[1] == (
        *("CHANGE", "2035-03-01", 1, "2033-03-01", 2, False),
    )
    assert told(history, world, "H2", "grade") == [("CHANGE", None, None, "B", 2, True)]


def test_a_correction_is_told_and_so_is_its_own(
    history: Connection[Any], world: World
) -> None:
    assert told(history, world, "H3", "scope") == [
        ("CORRECT", "一般项目", 0, "更正项目", 1, True),
        ("CORRECT", "更正项目", 1, "再更正项目", 4, True),
    ]
    assert told(history, world, "H3", "grade") == [
        ("CHANGE", None, None, "C", 2, True),
        ("CHANGE", "C", 2, None, 3, True),
    ]


def test_holders_are_a_field_by_their_refs(
    history: Connection[Any], world: World
) -> None:
    first, second, third = (one["ref"].hex() for one in (FIRST, SECOND, THIRD))
    assert [row[1:] for row in told(history, world, "H1", "holders")] == [
        ([first], 0, [first, second], 1, True),
        ([first, second], 1, [second], 2, True),
        ([second], 2, [first, second], 1, True),
    ]
    assert told(history, world, "H2", "holders")[1] == (
        *("CHANGE", [third], 1, [second], 2, False),
    )


def test_a_field_that_nothing_touched_has_no_row(
    history: Connection[Any], world: World
) -> None:
    assert told(history, world, "M2", "scope") == []
    assert field_history.of_license(history, world.license_id("M2")) == []


def test_encrypted_values_stay_closed_and_can_be_opened(conn: Connection[Any]) -> None:
    secret = b"\x01\x00" + bytes(150)
    opening = make_event(made_id("A1"), fields=[{"name": "name", "value": secret}])
    before = make_license(opening, position=4)
    change = make_event(
        made_id("A1"),
        sequence=2,
        act="CHANGE",
        event_id=bytes(15) + b"\x09",
        fields=[{"name": "name", "value": secret[1:]}],
    )
    after = make_license(change, position=6)
    with conn.transaction(), conn.cursor() as cur:
        field_history.write(
            cur,
            [accepted(change, position=6, before=before, after=after)],
            province().admission,
        )
    [row] = field_history.of_field(conn, made_id("A1"), "name")
    assert (row.old["event"], row.old["holder"]) == (opening["event_id"].hex(), 0)
    assert row.new["event"] == change["event_id"].hex()
    assert set(row.new) == {"encrypted", "event", "holder"}
    assert (row.old_position, row.new_position) == (4, 6)
