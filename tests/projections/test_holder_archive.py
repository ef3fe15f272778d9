"""The holder archive: who held what, told event by event, whatever came late or undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ledger.admission import Verdict
from ledger.events import Holder
from projections import holder_archive
from projections.holder_archive import HolderRow
from projections.migrate import migrate
from tests.builders import World, province
from tests.projections.archived import (
    FIRST,
    MOVING_CODE,
    SECOND,
    THIRD,
    add_archived,
    person,
)
from tests.projections.made import accepted, make_event, make_license
from tests.projections.made import license_id as made_id
from tests.sample_province import HOLDER_ENTRY, OTHER_CITY

pytestmark = pytest.mark.postgres
SOMEBODY, COMPANY = bytes([1]) * 32, bytes([2]) * 32


@pytest.fixture(scope="module")
def world() -> World:
    made = province(partitions=3)
    made.issue("C1")
    add_archived(made)
    return made


@pytest.fixture
def archive(dsn: str, world: World) -> Iterator[Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        migrate(conn)
        write(conn, [v for v in (sent.verdict for sent in world.records) if v.after])
        yield conn


def write(conn: Connection[Any], verdicts: Sequence[Verdict]) -> None:
    with conn.transaction(), conn.cursor() as cur:
        holder_archive.write(cur, verdicts)


def told(
    conn: Connection[Any], holder: Holder, license_id: str
) -> list[tuple[str, int | None]]:
    """What the events said of a holder and a license: act, place."""
    return [
        (row.act, row.place)
        for row in holder_archive.of_ref(conn, holder["ref"])
        if row.license_id == license_id
    ]


def test_each_event_that_moves_a_holder_leaves_a_row(
    archive: Connection[Any], world: World
) -> None:
    one = world.license_id("H1")
    assert told(archive, FIRST, one) == [
        ("ISSUE", 0),
        ("CHANGE", None),
        ("RESTORE", 0),
    ]
    assert told(archive, SECOND, one) == [
        ("CHANGE", 1),
        ("CHANGE", 0),
        ("RESTORE", 1),
    ]


def test_a_holder_of_a_past_that_came_late_is_found(
    archive: Connection[Any], world: World
) -> None:
    one = world.license_id("H2")
    assert told(archive, SECOND, one) == [("CHANGE", None)]
    assert told(archive, THIRD, one) == [("CHANGE", 0)]
    assert told(archive, FIRST, one) == [("ISSUE", 0), ("CHANGE", None)]


def test_the_wrong_holder_leaves_with_the_correction(
    archive: Connection[Any], world: World
) -> None:
    one = world.license_id("H3")
    assert told(archive, FIRST, one) == [("ISSUE", 0), ("CORRECT", None)]
    assert told(archive, SECOND, one) == [("CORRECT", 0)]


def test_the_last_rows_are_the_holders_that_the_fold_has(
    archive: Connection[Any], world: World
) -> None:
    last: dict[str, dict[bytes, HolderRow]] = {}
    holders = [FIRST, SECOND, THIRD, HOLDER_ENTRY]
    for holder in holders:
        for row in holder_archive.of_ref(archive, holder["ref"]):
            last.setdefault(row.license_id, {})[row.ref] = row
    for (_, subject), state in world.chains.items():
        assert state.license is not None
        assert held(last[subject]) == state.license.holders


def held(rows: Mapping[bytes, HolderRow]) -> tuple[tuple[str, bytes, str], ...]:
    placed = {row.place: row for row in rows.values() if row.place is not None}
    return tuple((row.kind, row.ref, row.code) for _, row in sorted(placed.items()))


def test_an_organisation_is_found_by_its_code(
    archive: Connection[Any], world: World
) -> None:
    kind, code = HOLDER_ENTRY["kind"], HOLDER_ENTRY["code"]
    [row] = holder_archive.of_code(archive, kind, code)
    assert (row.license_id, row.ref) == (world.license_id("C1"), HOLDER_ENTRY["ref"])
    assert holder_archive.of_code(archive, "099", code) == []
    assert holder_archive.of_code(archive, "111", "") == []


def test_nobody_has_an_empty_archive(archive: Connection[Any]) -> None:
    assert holder_archive.of_ref(archive, person("nobody")["ref"]) == []


def test_links_and_transfers_are_told_of_both_ends(
    archive: Connection[Any], world: World
) -> None:
    one, two, three = (world.license_id(serial) for serial in ("M1", "M2", "M3"))
    found = holder_archive.descents_of(archive, [two])
    assert [(row.license_id, row.act, row.other) for row in found] == [
        (one, "LINK", two),
        (three, "LINK", two),
    ]
    assert holder_archive.descents_of(archive, [one]) == found[:1]
    left = world.license_id("T1", code=MOVING_CODE)
    came = world.license_id("T1", OTHER_CITY, MOVING_CODE)
    moves = holder_archive.descents_of(archive, [left])
    assert [(row.license_id, row.act, row.other) for row in moves] == [
        (left, "TRANSFER_OUT", ""),
        (came, "TRANSFER_IN", left),
    ]
    assert holder_archive.descents_of(archive, [came]) == moves[1:]


def test_a_code_that_is_mended_moves_its_holder_to_itself(
    conn: Connection[Any],
) -> None:
    subject = made_id("A1")
    entry = {"kind": "099", "ref": COMPANY, "code": "OLD"}
    opening = make_event(subject, holders=[entry])
    before = make_license(opening, position=1)
    mended = make_event(
        subject, sequence=2, act="CORRECT", holders=[{**entry, "code": "NEW"}]
    )
    write(
        conn,
        [
            accepted(opening, position=1, after=before),
            accepted(mended, position=2, before=before),
        ],
    )
    [old] = holder_archive.of_code(conn, "099", "OLD")
    [new] = holder_archive.of_code(conn, "099", "NEW")
    assert (old.position, new.position) == (1, 2)
    assert (old.place, new.place) == (0, 0)


def test_an_act_that_leaves_holders_alone_leaves_no_row(conn: Connection[Any]) -> None:
    opening = make_event(made_id("A1"), holders=[person("one"), person("two")])
    before = make_license(opening, position=1)
    renewed = make_event(
        made_id("A1"), sequence=2, act="RENEW", holders=opening["holders"]
    )
    write(conn, [accepted(renewed, position=2, before=before)])
    assert holder_archive.of_ref(conn, person("one")["ref"]) == []
