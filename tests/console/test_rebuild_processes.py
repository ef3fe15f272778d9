"""A rebuild in several processes: the same tables, and no process outlives its work."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import psutil
import psycopg
import pytest

from console.parts import groups
from ledger.errors import LedgerError
from ledger.seal_reader import Fork
from ledger.sources import source_names
from tests.console.cli_ledger import CliLedger, founded, later
from tests.faults.waiting import until
from tests.folders import own_folder

PROGRAM = Path(sys.prefix) / "bin" / "license-ledger"
TIMEOUT_S = 120
ISSUED = 9


@pytest.fixture(scope="module")
def ledger() -> Iterator[CliLedger]:
    with own_folder() as folder, founded(folder / "ledger") as made:
        for number in range(ISSUED):
            one = made.issue(scope="软件")
            if number % 2:
                made.act("CHANGE", {**later(one), "fields": {"scope": "餐饮"}})
        yield made


@pytest.mark.parametrize("count", [1, 2, 5, 13, 40])
def test_every_source_goes_to_one_process_and_none_is_idle(count: int) -> None:
    sources = source_names(12)
    dealt = groups(sources, count)
    assert sorted(source for group in dealt for source in group) == sorted(sources)
    assert len(dealt) == min(count, 13)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert all(list(group) == sorted(group, key=sources.index) for group in dealt)


@pytest.mark.postgres
@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_make_the_tables_that_one_makes(
    ledger: CliLedger, count: int
) -> None:
    alone = ledger.json("rebuild")
    said = ledger.call("rebuild", "--processes", str(count), "--json")
    together = said.document
    assert alone["equal"]
    assert together == alone
    last = said.err.strip().splitlines()[-1]
    assert last == f"rebuilt={together['records']}"


@pytest.mark.postgres
def test_what_several_processes_made_is_swapped_in(ledger: CliLedger) -> None:
    said = ledger.json(
        "rebuild", "--processes", "2", "--swap", "--trust-sealed-verdicts"
    )
    assert (said["equal"], said["swapped"]) == (True, True)
    ledger.issue()
    assert ledger.json("audit")["result"] == "pass"


@pytest.mark.postgres
def test_an_error_of_one_process_is_the_error_of_the_rebuild(ledger: CliLedger) -> None:
    swap = (
        "UPDATE log.record SET data = %(data)s "
        "WHERE source = %(source)s AND ordinal = %(ordinal)s RETURNING (SELECT data "
        "FROM log.record WHERE source = %(source)s AND ordinal = %(ordinal)s)"
    )
    with psycopg.connect(ledger.json("status")["dsn"], autocommit=True) as conn:
        for pattern, ordinal in (("events-%", 0), ("registry", 3)):
            query = "SELECT max(source) FROM log.record WHERE source LIKE %s"
            row = conn.execute(query, (pattern,)).fetchone()
            assert row is not None
            place = {"source": row[0], "ordinal": ordinal}
            held = conn.execute(swap, {"data": b"another", **place}).fetchone()
            assert held is not None
            alone = ledger.call("rebuild")
            together = ledger.call("rebuild", "--processes", "3")
            conn.execute(swap, {"data": held[0], **place})
            assert together.code == alone.code == 5
            assert together.err.splitlines()[-1] == alone.err.splitlines()[-1]
    assert ledger.json("rebuild", "--processes", "3")["equal"]


@pytest.mark.postgres
def test_an_error_that_nobody_foresaw_comes_by_its_kind_alone(
    ledger: CliLedger,
) -> None:
    with psycopg.connect(ledger.json("status")["dsn"], autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE unique_violation USING DETAIL = 'Key (x)=(secret)'; END $$"
        )
        conn.execute(
            "CREATE FUNCTION public.spoil() RETURNS event_trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF to_regclass('rebuild.timeline') IS NOT NULL THEN "
            "CREATE OR REPLACE TRIGGER no BEFORE INSERT ON rebuild.timeline "
            "EXECUTE FUNCTION public.no(); END IF; END $$"
        )
        conn.execute(
            "CREATE EVENT TRIGGER spoil ON ddl_command_end WHEN TAG IN ('CREATE TABLE') "
            "EXECUTE FUNCTION public.spoil()"
        )
        alone = ledger.call("rebuild")
        together = ledger.call("rebuild", "--processes", "2")
        conn.execute("DROP EVENT TRIGGER spoil")
    assert (alone.code, together.code) == (70, 70)
    for said in (alone, together):
        assert "UniqueViolation" in said.err
        assert "secret" not in said.err
    assert ledger.json("rebuild", "--processes", "2")["equal"]


_LEADER = """
import signal
import sys
from pathlib import Path
from console.rebuilding import make_tables
from console.settings import settings_of
from console.wiring import open_ledger
from projections.claims import leading

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as the command does
with open_ledger(settings_of(Path(sys.argv[1]))) as ledger:
    conn = ledger.connect()
    with leading(conn):
        make_tables(
            ledger, conn, processes=2, trust=False, offers=False, records_max=1,
            told=lambda _: None,
        )
"""
"""A rebuild of batches of one seal each, so that it can be met between two of them."""


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_parts_end_with_the_one_that_started_them(
    ledger: CliLedger, number: signal.Signals
) -> None:
    """They are held up in their first batch; the orphan ends when it has written that."""
    before = ledger.json("rebuild")
    dsn = ledger.json("status")["dsn"]
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("DROP SCHEMA rebuild CASCADE")
        leader = Popen(
            (sys.executable, "-c", _LEADER, str(ledger.directory)),
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        table = "SELECT to_regclass('rebuild.tracking') IS NOT NULL"
        until(lambda: conn.execute(table).fetchone() == (True,), "the new schema")
        with conn.transaction():
            conn.execute("LOCK TABLE rebuild.tracking IN SHARE MODE")
            waiting = (
                "SELECT count(*) FROM pg_locks WHERE NOT granted "
                "AND relation = 'rebuild.tracking'::regclass"
            )
            until(lambda: conn.execute(waiting).fetchone() == (2,), "two parts")
            parts = parts_of(leader)
            assert len(parts) == 2
            leader.send_signal(number)
            if number != signal.SIGKILL:
                leader.wait(TIMEOUT_S)
                assert psutil.wait_procs(parts, timeout=TIMEOUT_S)[1] == []
            leader.wait(TIMEOUT_S)
            refused = ledger.call("rebuild") if number == signal.SIGKILL else None
        assert psutil.wait_procs(parts, timeout=TIMEOUT_S)[1] == []
        done = conn.execute(
            "SELECT count(*) FROM rebuild.audit_trail WHERE source <> 'registry'"
        ).fetchone()
    assert done is not None
    assert done[0] <= 2 < ISSUED
    if refused is not None:
        assert refused.code == 4
        assert "busy_elsewhere" in refused.err
    # A server process whose client is gone finds that out in its own time.
    until(lambda: ledger.call("rebuild").code == 0, "the end of their connections")
    again = ledger.json("rebuild", "--processes", "2")
    assert (again["equal"], again["digests"]) == (True, before["digests"])


@pytest.mark.postgres
def test_a_killed_part_ends_the_rebuild_and_leaves_the_tables_alone(
    ledger: CliLedger,
) -> None:
    before = ledger.json("rebuild")
    place = ("--dir", str(ledger.directory), "--json")
    command = (PROGRAM, "rebuild", "--processes", "2", *place)
    with Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:
        until(lambda: len(parts_of(process)) == 2, "two parts of a rebuild")
        one, other = parts_of(process)
        one.kill()
        out, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 4
    assert "process_ended" in out
    assert psutil.wait_procs([one, other], timeout=TIMEOUT_S)[1] == []
    again = ledger.json("rebuild", "--processes", "2")
    assert (again["equal"], again["digests"]) == (True, before["digests"])


def parts_of(process: Popen[Any]) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # one that is gone, or nearly
            if "spawn_main" in " ".join(one.cmdline()):
                found.append(one)
    return found


def kinds(kind: type[LedgerError]) -> list[type[LedgerError]]:
    return [kind, *(one for sub in kind.__subclasses__() for one in kinds(sub))]


def test_every_error_comes_whole_from_another_process() -> None:
    fork = Fork(7, b"first", b"second")
    words = {"code": "gap", "expected": "one", "found": "two", "where": "here"}
    others = [kind for kind in kinds(LedgerError) if kind is not Fork]
    made = [fork, *(kind("no", **words) for kind in others)]
    assert len(made) > 8
    for error in made:
        sent: Any = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
        assert type(sent) is type(error)
        assert (str(sent), sent.args) == (str(error), error.args)
        assert vars(sent) == vars(error)
