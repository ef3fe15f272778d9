"""What an audit says of a ledger that is whole, at work, or broken in one place."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typing_extensions import override

import schemas
from console.auditing import audit_ledger
from console.founding import found_ledger
from console.key_ring import KeyRing
from console.settings import Settings
from console.wiring import open_ledger
from ledger.log.contract import EventLog
from ledger.log.journal import CheckpointJournal
from ledger.sources import SEALS
from replay.audit import audit
from replay.audited_keys import Pair
from replay.findings import NAMES, Check
from tests.replay.audited import AuditedLedger, small_history

pytestmark = pytest.mark.postgres


@pytest.fixture
def ledger(dsn: str, tmp_path: Path) -> Iterator[AuditedLedger]:
    made = AuditedLedger(dsn, tmp_path, small_history())
    made.fill()
    yield made
    made.close()


def test_a_whole_ledger_passes_and_everything_was_counted(
    ledger: AuditedLedger,
) -> None:
    document = ledger.audit()
    tip = ledger.head.load().tip
    records = len(ledger.world.records)
    accepted = sum(sent.code == "accepted" for sent in ledger.world.records)
    assert document["result"] == "pass"
    assert document["records"] == records == tip.tree_size
    assert document["accepted"] == accepted
    assert document["refused"] == records - accepted > 0
    assert document["root"] == tip.root.hex()
    steps = document["steps"]
    assert [step["number"] for step in steps] == list(range(1, 13))
    assert [step["name"] for step in steps] == list(NAMES.values())
    assert [s["number"] for s in steps if not s["checked"]] == [Check.ARCHIVE]
    assert not any(step["failed"] or step["first_failure"] for step in steps)
    checked = {step["number"]: step["checked"] for step in steps}
    assert checked[Check.LOG] == records + ledger.end_of(SEALS)
    assert checked[Check.SEALS] == checked[Check.ROOTS] == tip.seal_no + 1
    assert checked[Check.RECORDS] == records
    assert ledger.said == []


def test_an_audit_changes_nothing(ledger: AuditedLedger) -> None:
    def stored() -> dict[str, Any]:
        tables = ledger.conn.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return {
            f"{schema}.{table}": ledger.conn.execute(
                sql.SQL("TABLE {}").format(sql.Identifier(schema, table))
            ).fetchall()
            for schema, table in tables
        }

    before, journal = stored(), ledger.journal.read_bytes()
    ledger.audit()
    assert stored() == before
    assert ledger.journal.read_bytes() == journal


def test_an_audit_of_many_small_steps_finds_the_same(
    ledger: AuditedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ledger.audit()
    monkeypatch.setattr("replay.audit.RECORDS_MAX", 1)
    monkeypatch.setattr("projections.batches.CHAINS_KEPT", 1)
    assert ledger.audit() == expected
    ledger.append([ledger.world.issue("W1")])
    ledger.seal()
    assert ledger.failures() == {}
    ledger.settle()
    assert ledger.failures() == {}


def test_two_audits_at_once_do_not_disturb_each_other(ledger: AuditedLedger) -> None:
    with psycopg.connect(ledger.dsn, autocommit=True) as conn:
        inner: list[dict[str, Any]] = []

        def destroyed() -> set[Pair]:
            inner.append(ledger.audit())
            return ledger.destroyed

        outer = audit(
            conn,
            log=ledger.log,
            journal=None,
            destroyed=destroyed,
            say=ledger.said.append,
        )
    assert inner[0]["result"] == outer["result"] == "pass"


def test_records_that_wait_are_said_and_no_failure(ledger: AuditedLedger) -> None:
    before = ledger.audit()
    ledger.append([ledger.world.issue("W1"), ledger.world.issue("W2")])
    assert ledger.audit()["records"] == before["records"]
    assert ledger.said == ["2 records of the log are not sealed yet"]
    ledger.said.clear()
    ledger.seal()
    document = ledger.audit()
    assert document["result"] == "pass"
    assert document["records"] == before["records"] + 2
    assert ledger.said == ["2 verdicts are not sealed yet"]
    ledger.project()
    assert ledger.failures() == {}
    ledger.settle()
    assert ledger.failures() == {}


def test_what_came_before_the_projector_is_at_the_end_is_compared(
    ledger: AuditedLedger,
) -> None:
    ledger.append([ledger.world.issue("W1")])
    ledger.seal()
    ledger.conn.execute("UPDATE views.license SET serial = 'A9' WHERE serial = 'A1'")
    assert ledger.failures() == {
        Check.TABLES: "views.license, license_id "
        f"{ledger.world.license_id('A1')}: serial differ"
    }


class BusyLog(EventLog):
    """A log in which others work as soon as this reader looks at its first record."""

    def __init__(self, log: EventLog, work: Callable[[], None]) -> None:
        self._log = log
        self._work: Callable[[], None] | None = work

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        return self._log.append_all(batches)

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        work, self._work = self._work, None
        if work is not None:
            work()
        return self._log.read(source, start, limit=limit, size_max=size_max)

    @override
    def start(self, source: str) -> int:
        return self._log.start(source)

    @override
    def ends(self) -> Mapping[str, int]:
        return self._log.ends()

    @override
    def clock(self) -> int | None:
        return self._log.clock()

    @override
    def wait(self, timeout_s: float) -> None:
        self._log.wait(timeout_s)

    @override
    def close(self) -> None:
        self._log.close()


def test_a_ledger_at_work_is_audited_as_it_stood_at_the_start(
    ledger: AuditedLedger,
) -> None:
    def work() -> None:
        for number in range(3):
            ledger.append([ledger.world.issue(f"W{number}")])
            ledger.settle()

    before = ledger.audit()
    with psycopg.connect(ledger.dsn, autocommit=True) as conn:
        document = audit(
            conn,
            log=BusyLog(ledger.log, work),
            journal=CheckpointJournal(ledger.journal),
            destroyed=lambda: ledger.destroyed,
            say=ledger.said.append,
        )
    assert document == before
    assert ledger.audit()["records"] == before["records"] + 3


def test_a_seal_that_a_crash_kept_out_of_the_log_is_audited_too(
    ledger: AuditedLedger,
) -> None:
    expected = ledger.audit()
    for statement in (
        "DELETE FROM log.record WHERE source = 'seals' AND ordinal = "
        "(SELECT next - 1 FROM log.source WHERE name = 'seals')",
        "UPDATE log.source SET next = next - 1 WHERE name = 'seals'",
        "UPDATE head.head SET published = published - 1, seals_next = seals_next - 1",
    ):
        ledger.conn.execute(statement.encode())
    lines = ledger.journal.read_bytes().splitlines(keepends=True)
    ledger.journal.write_bytes(b"".join(lines[:-1]))
    document = ledger.audit()
    assert document["result"] == "pass"
    assert document["root"] == expected["root"]


def test_junk_in_the_source_of_seals_is_passed_over(ledger: AuditedLedger) -> None:
    seals = ledger.log.read(SEALS, 0, limit=9, size_max=1_000_000)
    for junk in (b"", b"\xc3\x01 junk", seals[1], seals[-1][:-1]):
        ledger.log.append(SEALS, [junk])
    ledger.append([ledger.world.issue("W1")])
    ledger.settle()
    assert ledger.failures() == {}


def test_a_database_put_back_to_an_older_copy_is_found(ledger: AuditedLedger) -> None:
    lines = ledger.journal.read_bytes().splitlines(keepends=True)
    ledger.append([ledger.world.issue("W1")])
    ledger.settle()
    newer = ledger.journal.read_bytes()
    ledger.journal.write_bytes(b"".join(lines))
    failures = ledger.failures()
    assert failures.keys() == {Check.CHECKPOINTS}
    assert "ends at seal" in failures[Check.CHECKPOINTS]
    ledger.journal.write_bytes(newer + newer.splitlines(keepends=True)[-1])
    assert ledger.failures().keys() == {Check.CHECKPOINTS}


def test_a_lost_destruction_is_found(ledger: AuditedLedger) -> None:
    ledger.destroyed.clear()
    failures = ledger.failures()
    assert failures.keys() == {Check.KEY_STORE}
    assert ledger.world.license_id("A0") in failures[Check.KEY_STORE]


@pytest.mark.parametrize(
    ("statement", "check", "what"),
    [
        ("TRUNCATE log.record", Check.LOG, "events-0, record 0: 0 records"),
        ("DROP SCHEMA log CASCADE", Check.LOG, "schema log"),
        (
            "DELETE FROM log.record WHERE source = 'seals'",
            Check.SEALS,
            "seals, record 0: seal 0 is not in the log as it was signed",
        ),
        ("DROP TABLE head.tile", Check.TILES, "head.tile"),
        ("DROP TABLE head.seal", Check.HEAD, "head.seal: a table is missing"),
        ("DROP TABLE views.timeline", Check.TABLES, "views.timeline"),
        ("DROP SCHEMA views CASCADE", Check.TABLES, "schema views"),
        (
            "ALTER TABLE views.license DROP area",
            Check.TABLES,
            "views.license: columns area",
        ),
        (
            "ALTER TABLE views.license ADD note text",
            Check.TABLES,
            "views.license: columns note",
        ),
        (
            "INSERT INTO head.tile SELECT 0, 1, hashes FROM head.tile",
            Check.TILES,
            "head.tile, level 0, index 1: a tree of",
        ),
        (
            "INSERT INTO head.seal SELECT seal_no + 1000, digest, sealed_at, tree_size, "
            "root, nexts, verdict_nexts, registry, data FROM head.seal",
            Check.HEAD,
            "head.seal, seal 1000: there is no such seal",
        ),
        (
            "INSERT INTO head.verdict SELECT seal_no, source, first + 5000, count, root, "
            "refused, carried_in FROM head.verdict LIMIT 1",
            Check.HEAD,
            "head.verdict, seal 0, registry, position 5000: there are no such",
        ),
        (
            "INSERT INTO log.record VALUES ('events-9', 0, '\\x00')",
            Check.LOG,
            "events-9: has records",
        ),
        (
            "INSERT INTO log.source VALUES ('events-9', 0)",
            Check.LOG,
            "events-9: the registry names no such source",
        ),
        (
            "INSERT INTO views.tracking VALUES ('events-9', 4)",
            Check.TABLES,
            "views.tracking, events-9",
        ),
        (
            "INSERT INTO views.schema_migration VALUES ('9999', '')",
            Check.TABLES,
            "views.schema_migration, 9999",
        ),
    ],
)
def test_what_is_broken_altogether_fails_its_step(
    ledger: AuditedLedger, statement: str, check: Check, what: str
) -> None:
    ledger.conn.execute(statement.encode())
    failures = ledger.failures()
    assert check in failures, failures
    assert what in failures[check], failures


def test_an_open_ledger_is_audited_with_its_journal_and_key_store(
    dsn: str, tmp_path: Path
) -> None:
    settings = Settings(directory=tmp_path / "led", dsn=dsn, passphrase=b"one")
    found_ledger(
        settings,
        name="audited.example",
        partitions=2,
        random_bytes=secrets.token_bytes,
        told=lambda _: None,
    )
    said: list[str] = []
    with open_ledger(settings) as ledger:
        document = audit_ledger(ledger, say=said.append)
        assert document["result"] == "pass"
        founded = 3 + len(schemas.names("types"))  # root, department, key, catalogue
        assert document["records"] == document["accepted"] == founded
        assert said == []
        settings.journal.unlink()
        ledger.ring = KeyRing(replace(settings, passphrase=b"another"))
        assert audit_ledger(ledger, say=said.append)["result"] == "pass"
    assert said[0] == f"no checkpoint journal in {settings.directory}: not compared"
    assert said[1].startswith("key store not opened 密钥库未打开: ")
    assert said[2:] == ["the key store was not asked what it destroyed"]
