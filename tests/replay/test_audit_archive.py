"""An audit of log and archive: what either has lost or changed is named, and why it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.log.archive import Archive
from ledger.log.archive_segment import frames_of
from ledger.seal import SEAL_RECORDS_MAX
from replay.findings import Check
from tests.ledger.log.archives import held, segments
from tests.replay.audited import AuditedLedger, small_history

pytestmark = pytest.mark.postgres


@pytest.fixture
def ledger(dsn: str, tmp_path: Path) -> Iterator[AuditedLedger]:
    made = AuditedLedger(dsn, tmp_path, small_history(), archived=True)
    made.fill()
    made.archive = tmp_path / "kept"
    archive = Archive(made.archive)
    for start in range(0, size(made), 7):
        archive.write(start, sealed(made)[start : start + 7])
    archive.close()
    yield made
    made.close()


def size(ledger: AuditedLedger) -> int:
    return ledger.head.load().tip.tree_size


def sealed(ledger: AuditedLedger) -> list[bytes]:
    """All records in sealed order."""
    places = ledger.conn.execute(
        "SELECT source, ordinal FROM views.audit_trail ORDER BY position"
    ).fetchall()
    return [
        ledger.log.read(source, ordinal, limit=1, size_max=1)[0]
        for source, ordinal in places
    ]


def rewrite(ledger: AuditedLedger, at: int, records: list[bytes]) -> None:
    """Puts other records into the archive from a position on."""
    assert ledger.archive is not None
    archive = Archive(ledger.archive)
    archive.truncate(at)
    archive.write(archive.end, records)
    archive.close()


def place(ledger: AuditedLedger, position: int) -> str:
    row = ledger.conn.execute(
        "SELECT source, ordinal FROM views.audit_trail WHERE position = %s", (position,)
    ).fetchone()
    assert row is not None
    return f"archive, position {position} ({row[0]}, record {row[1]}): "


def test_every_sealed_record_is_compared(ledger: AuditedLedger) -> None:
    document = ledger.audit()
    assert document["result"] == "pass"
    step = document["steps"][Check.ARCHIVE - 1]
    assert step["number"] == Check.ARCHIVE
    assert step["checked"] == document["records"] == size(ledger) > 20
    assert all(step["checked"] for step in document["steps"])


def test_sealer_keeps_the_archive_that_an_audit_asks_for(
    dsn: str, tmp_path: Path
) -> None:
    ledger = AuditedLedger(dsn, tmp_path, small_history(), archived=True)
    ledger.fill()
    assert ledger.failures() == {}
    ledger.append([ledger.world.issue("W1")])
    ledger.seal()
    assert ledger.failures() == {}
    document = ledger.audit()
    assert document["steps"][Check.ARCHIVE - 1]["checked"] == size(ledger)
    ledger.close()


def test_record_that_differs_is_named(ledger: AuditedLedger) -> None:
    records = sealed(ledger)
    rewrite(ledger, 10, [b"another", *records[11:]])
    assert ledger.failures() == {
        Check.ARCHIVE: place(ledger, 10) + "the log has another record"
    }


def test_swapped_records_are_both_found(ledger: AuditedLedger) -> None:
    records = sealed(ledger)
    rewrite(ledger, 10, [records[11], records[10], *records[12:]])
    step = ledger.audit()["steps"][Check.ARCHIVE - 1]
    assert step["failed"] == 2
    assert step["first_failure"] == place(ledger, 10) + "the log has another record"


def test_missing_end_is_named_and_counted(ledger: AuditedLedger) -> None:
    end = size(ledger)
    rewrite(ledger, end - 3, [])
    step = ledger.audit()["steps"][Check.ARCHIVE - 1]
    assert step["failed"] == 3
    assert step["checked"] == end - 3
    assert step["first_failure"] == place(ledger, end - 3) + "is missing"


def test_damaged_record_is_named_and_all_others_compared(
    ledger: AuditedLedger,
) -> None:
    """Damage before a write that ended is found by whoever opens the file."""
    assert ledger.archive is not None
    rewrite(ledger, 0, sealed(ledger))
    (path,) = segments(ledger.archive)
    data = bytearray(path.read_bytes())
    data[len(data) - len(frames_of(0, sealed(ledger)[9:])) + 100] ^= 1
    path.write_bytes(data)
    step = ledger.audit()["steps"][Check.ARCHIVE - 1]
    assert step["first_failure"] == place(ledger, 9) + "is missing"
    archive = Archive(ledger.archive, segment_size=100)
    archive.write(9, sealed(ledger)[9:])
    archive.write(archive.end, [b"of a seal under way"])
    archive.close()
    second = segments(ledger.archive)[1]
    data = bytearray(second.read_bytes())
    data[data.index(sealed(ledger)[20])] ^= 1
    second.write_bytes(data)
    step = ledger.audit()["steps"][Check.ARCHIVE - 1]
    assert step["failed"] == 1
    assert step["checked"] == size(ledger) - 1
    assert (
        place(ledger, 20) + "a record of the archive is damaged"
        in step["first_failure"]
    )
    assert f"{second.name}, position 20" in step["first_failure"]


def test_archive_that_cannot_be_walked_is_one_finding(ledger: AuditedLedger) -> None:
    assert ledger.archive is not None
    (path,) = segments(ledger.archive)
    data = bytearray(path.read_bytes())
    data[data.index(sealed(ledger)[3])] ^= 1
    path.write_bytes(data)
    failures = ledger.failures()
    assert failures.keys() == {Check.ARCHIVE}
    assert f"{path.name}, position 3" in failures[Check.ARCHIVE]


def test_records_of_a_seal_under_way_are_no_finding(ledger: AuditedLedger) -> None:
    end = size(ledger)
    rewrite(ledger, end, [b"x"] * SEAL_RECORDS_MAX)
    assert ledger.failures() == {}
    rewrite(ledger, end, [b"x"] * (SEAL_RECORDS_MAX + 1))
    assert ledger.failures() == {
        Check.ARCHIVE: f"archive, position {end}: {SEAL_RECORDS_MAX + 1} records are "
        "in no seal"
    }


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM log.record WHERE source = 'events-0' AND ordinal < 3",
        "DELETE FROM log.record WHERE source = 'events-1' AND ordinal = 2",
        "DELETE FROM log.record WHERE source = 'events-0' AND ordinal > 1",
        "DELETE FROM log.record WHERE source = 'registry'",
        "DELETE FROM log.record WHERE source <> 'seals'",
    ],
)
def test_loss_of_the_log_is_its_own_and_drowns_nothing_else(
    ledger: AuditedLedger, statement: str
) -> None:
    before = ledger.audit()
    ledger.conn.execute(statement.encode())
    document = ledger.audit()
    assert {s["number"] for s in document["steps"] if s["failed"]} == {Check.LOG}
    for name in ("records", "accepted", "refused", "root"):
        assert document[name] == before[name]
    ledger.archive = None
    assert ledger.audit()["root"] != before["root"]


def test_loss_of_both_is_said_of_both(ledger: AuditedLedger) -> None:
    records = sealed(ledger)
    source = ledger.conn.execute(
        "SELECT source, ordinal FROM views.audit_trail WHERE position = 10"
    ).fetchone()
    assert source is not None
    ledger.conn.execute(
        "DELETE FROM log.record WHERE source = %s AND ordinal = %s", source
    )
    rewrite(ledger, 10, [b"another", *records[11:]])
    failures = ledger.failures()
    assert {Check.LOG, Check.ROOTS} <= failures.keys()
    assert "is not the record that was sealed" in failures[Check.ROOTS]
    rewrite(ledger, 10, [])
    failures = ledger.failures()
    assert {Check.LOG, Check.ROOTS, Check.ARCHIVE} <= failures.keys()
    assert failures[Check.ARCHIVE] == place(ledger, 10) + "is missing"


def test_an_audit_changes_nothing_in_the_archive(ledger: AuditedLedger) -> None:
    assert ledger.archive is not None
    (path,) = segments(ledger.archive)
    path.write_bytes(path.read_bytes() + b"the beginning of a write")
    before = path.read_bytes()
    assert ledger.failures() == {}
    assert path.read_bytes() == before
    archive = Archive(ledger.archive)
    assert held(archive) == sealed(ledger)
    archive.close()
