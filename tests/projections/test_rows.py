"""What verdicts become in the tables, and what the reads give back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import Connection

from ledger.admission import Admission, Verdict
from ledger.events import ZERO_DIGEST
from ledger.license import License
from ledger.registry import Registry
from ledger.workdays import day_start
from projections import audit_trail, chain, license, timeline
from projections.text import WITHHELD
from tests.projections.made import (
    DAY,
    HOLDER,
    KEY,
    TYPE,
    accepted,
    digest_of,
    license_id,
    make_event,
    make_license,
    refused,
)

pytestmark = pytest.mark.postgres
A1 = license_id("A1")


def _write(conn: Connection[Any], verdicts: Sequence[Verdict]) -> None:
    with conn.transaction(), conn.cursor() as cur:
        audit_trail.write(cur, verdicts)
        taken = [verdict for verdict in verdicts if verdict.accepted]
        chain.write(cur, taken)
        timeline.write(cur, taken, Admission(Registry(), {}))
        license.write(cur, taken)


def _two_acts() -> list[Verdict]:
    secret = b"\x01\x00" + bytes(150)
    fields = [{"name": "area", "value": "210100"}, {"name": "grade", "value": "B"}]
    first = make_event(A1, fields=[*fields, {"name": "name", "value": secret}])
    before = make_license(first, position=4)
    second = make_event(
        A1,
        sequence=2,
        act="CHANGE",
        effective_at=day_start(DAY + 3),
        fields=[{"name": "grade", "value": "A"}, {"name": "name", "value": secret[1:]}],
        decision={
            "number": "辽1号",
            "date": "2026-09-07",
            "reason_code": "moved",
            "document": "",
            "reason": b"",
        },
        matter={**first["matter"], "source_ref": "row-2"},
    )
    after = make_license(second, position=6, valid_until=None)
    return [
        accepted(first, position=4, after=before),
        accepted(second, position=6, before=before, after=after, flags=("late",)),
    ]


def test_each_record_has_one_audit_row(conn: Connection[Any]) -> None:
    event = make_event(A1, act="RE\x00NEW", sequence=9)
    verdicts = [
        *_two_acts(),
        refused("gap", position=5, event=event),
        refused("malformed", position=7),
    ]
    _write(conn, verdicts)
    rows = [audit_trail.verdict_at(conn, position) for position in range(3, 8)]
    assert [row and row.verdict for row in rows] == [
        None,
        "accepted",
        "gap",
        "accepted",
        "malformed",
    ]
    gap, unreadable = rows[2], rows[4]
    assert gap is not None
    assert gap.act == "RE\\u0000NEW"
    assert gap.signers == [KEY.hex()]
    assert gap.handled_by == ["op-1", "", "ap-1"]
    assert unreadable is not None
    assert (unreadable.digest, unreadable.subject, unreadable.act) == (None,) * 3
    assert audit_trail.count_by_refusal(conn) == {"gap": 1, "malformed": 1}
    assert [row.position for row in audit_trail.audit_of(conn, A1)] == [4, 5, 6]
    assert audit_trail.verdict_in(conn, "events-0", 7) == unreadable


def test_a_refused_citizen_number_reaches_no_column(conn: Connection[Any]) -> None:
    subject = license_id("11010519491231002X")
    _write(
        conn,
        [refused("clear_personal_data", position=0, event=make_event(subject))],
    )
    row = audit_trail.verdict_at(conn, 0)
    assert row is not None
    assert row.subject == WITHHELD
    text = conn.execute("SELECT t::text FROM audit_trail AS t").fetchone()
    assert text is not None
    assert "11010519491231002X" not in text[0]


def test_the_accepted_record_answers_for_a_digest(conn: Connection[Any]) -> None:
    first, _ = _two_acts()
    repeat = refused("duplicate", position=2, event=first.event, ordinal=2)
    repeat.digest = first.digest
    _write(conn, [repeat, first])
    found = audit_trail.verdict_of(conn, first.digest)
    assert found is not None
    assert (found.position, found.verdict) == (4, "accepted")
    assert audit_trail.verdict_of(conn, bytes(32)) is None


def test_the_timeline_says_what_changed_and_hides_what_is_encrypted(
    conn: Connection[Any],
) -> None:
    _write(conn, _two_acts())
    issue, change = timeline.timeline_of(conn, A1)
    closed = {"encrypted": True}
    assert issue.changed == {
        "area": [None, "210100"],
        "certificate_identifier": [None, f"{A1}.001.X"],
        "grade": [None, "B"],
        "holders": [None, [HOLDER.hex()]],
        "name": [None, closed],
        "valid_from": [None, "2026-09-04"],
        "valid_until": [None, "2027-09-04"],
        "version": [None, 1],
    }
    assert change.changed == {
        "certificate_identifier": [f"{A1}.001.X", f"{A1}.002.X"],
        "grade": ["B", "A"],
        "name": [closed, closed],
        "valid_until": ["2027-09-04", None],
        "version": [1, 2],
    }
    assert (issue.state_before, issue.state_after) == ("NONE", "VALID")
    assert (change.decision_number, change.reason_code) == ("辽1号", "moved")
    assert (change.effective_day, change.flags) == (DAY + 3, ["late"])
    assert timeline.count_by_act(conn) == {"ISSUE": 1, "CHANGE": 1}


def test_a_license_keeps_its_origin_and_shows_its_last_state(
    conn: Connection[Any],
) -> None:
    first, second = _two_acts()
    _write(conn, [first])
    _write(conn, [second])
    row = license.find(conn, A1)
    assert row is not None
    assert (row.type_code, row.serial) == (TYPE, "A1")
    assert (row.source_system, row.source_ref) == ("chicago", "row-1")
    assert (row.area, row.version, row.sequence, row.last_position) == (
        "210100",
        2,
        2,
        6,
    )
    assert row.folded == second.after
    assert row.holders == [{"kind": "099", "ref": HOLDER.hex(), "code": ""}]
    assert row.fields["grade"] == "A"
    assert row.fields["name"]["event"] == digest_of(A1)[:16].hex()
    assert license.find_by_source(conn, "chicago", "A1") == [row]
    assert license.find_by_source(conn, "boston", "A1") == []
    assert license.find(conn, license_id("A2")) is None


def test_chains_come_back_as_admission_left_them(conn: Connection[Any]) -> None:
    verdicts = _two_acts()
    _write(conn, verdicts)
    state = chain.load(conn, [A1])["license", A1]
    assert state.acts == [verdict.act for verdict in verdicts]
    assert license.load(conn, [A1]) == {A1: verdicts[-1].after}
    assert chain.head_of(conn, "license", A1) == (2, verdicts[-1].digest)
    assert chain.head_of(conn, "license", license_id("A2")) == (0, ZERO_DIGEST)


@pytest.mark.parametrize("count", [3, 40])
def test_many_rows_go_in_as_few_do(conn: Connection[Any], count: int) -> None:
    """Few rows and many take different ways into a table."""
    events = [make_event(license_id(f"B{n}")) for n in range(count)]
    opened = [accepted(event, position=at) for at, event in enumerate(events)]
    _write(conn, opened)
    renewed = [
        accepted(
            make_event(event["subject"], sequence=2, act="RENEW"),
            position=count + at,
            before=opened[at].after,
        )
        for at, event in enumerate(events)
    ]
    _write(conn, renewed)
    for at, event in enumerate(events):
        row = license.find(conn, event["subject"])
        assert row is not None
        assert (row.sequence, row.last_position) == (2, count + at)
        assert row.source_ref == "row-1"
    folded: dict[str, License] = license.load(conn, [e["subject"] for e in events])
    assert folded == {
        e["subject"]: v.after for e, v in zip(events, renewed, strict=True)
    }
