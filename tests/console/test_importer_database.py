"""Polling a real PostgreSQL by a watermark: nothing lost, nothing twice, no password shown."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.embedded import EmbeddedPostgres
from console.importer.check import check_stock
from console.importer.database_table import DatabaseTable
from console.importer.mapping import StockMapping, read_mapping
from console.importer.run import ImportResult, import_stock
from console.settings import source_dsn
from console.source_database import HOLDING
from console.wiring import source_connection, source_errors
from ledger.errors import Malformed, Unavailable
from ledger.log.import_marks import ImportMarks
from tests.console.cli_ledger import CliLedger
from tests.console.commands import Commands, Running, commands
from tests.console.import_desk import MemoryDesk
from tests.console.imports import COLUMNS, MAPPING, csv_file, mapping, row

pytestmark = pytest.mark.postgres

DATABASE = """
[database]
dsn_variable = "REGISTER_DSN"
query = "SELECT * FROM register WHERE \\"Remark\\" NOT LIKE 'hidden%';"
watermark = "changed"
overlap = "10 minutes"
"""
_TABLE = (
    "CREATE TABLE register ("
    + ", ".join(f'"{name}" text' for name in COLUMNS)
    + ", changed timestamptz DEFAULT clock_timestamp())"
)


def polled(text: str = DATABASE) -> StockMapping:
    return mapping(MAPPING.replace("[license]", f"{text}\n[license]", 1))


class Register:
    """A department's register, and a ledger in memory that polls it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.desk = MemoryDesk()
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.conn.execute(_TABLE)

    def add(self, changed: str = "", **changes: str) -> None:
        cells = row(**changes)
        names = ", ".join(f'"{name}"' for name in cells)
        places = ", ".join(["%s"] * len(cells))
        self.conn.execute(
            f"INSERT INTO register ({names}) VALUES ({places})",  # noqa: S608
            list(cells.values()),
        )
        if changed:
            self.set("changed = %s::timestamptz", changed, id=changes.get("Id", "r1"))

    def set(self, what: str, *values: str, id: str = "r1") -> None:
        self.conn.execute(
            f'UPDATE register SET {what} WHERE "Id" = %s',  # noqa: S608
            (*values, id),
        )

    def marks(self, given: StockMapping) -> ImportMarks:
        assert given.database is not None
        return ImportMarks(
            self.conn,
            origin=self.desk.registry().origin,
            system=given.system,
            query=given.database.query,
        )

    def poll(
        self, folder: Path, given: StockMapping | None = None, *, forget: bool = False
    ) -> ImportResult:
        """As console.source_database does, with the ledger in memory."""
        used = given or polled()
        marks = self.marks(used)
        assert used.database is not None
        with marks.alone(), source_connection(self.dsn) as (connection, name):
            table = DatabaseTable(
                connection,
                used.database,
                dates=used.dates,
                since=None if forget else marks.read(),
                guard=source_errors,
                name=name,
            )
            result = import_stock(
                self.desk,
                used,
                table,
                staging=folder / "staging",
                rejects=folder / "rejects",
                progress=lambda *_: None,
                monotonic=lambda: 0.0,
            )
            if table.mark is not None and HOLDING.isdisjoint(result.reasons):
                marks.move(table.mark, now=0)
        return result


@pytest.fixture
def register(dsn: str) -> Iterator[Register]:
    made = Register(dsn)
    yield made
    made.conn.close()


def test_each_poll_brings_what_is_new(register: Register, tmp_path: Path) -> None:
    register.add("2024-01-01")
    register.add("2024-01-02", Id="r2", Number="200")
    first = register.poll(tmp_path)
    assert (first.rows, first.rows_accepted) == (2, 2)
    register.add("2024-01-03", Id="r3", Number="300")
    second = register.poll(tmp_path)
    # The row at the mark itself comes again: another may have the same time.
    assert (second.rows, second.rows_accepted, second.rows_unchanged) == (2, 1, 1)
    third = register.poll(tmp_path)
    assert (third.rows, third.rows_accepted, third.rows_unchanged) == (1, 0, 1)
    assert len(list(register.desk.accepted())) == 3


def test_new_act_of_a_known_row_comes_in_and_changed_values_are_rejected(
    register: Register, tmp_path: Path
) -> None:
    register.add("2024-01-01")
    register.poll(tmp_path)
    register.set(""""Status" = 'closed', "Status on" = '05.06.2024', changed = now()""")
    assert register.poll(tmp_path).rows_accepted == 1
    assert [act for act, _, _ in register.desk.acts()] == ["ISSUE", "CANCEL"]
    register.set(""""Name" = '另一家茶馆', changed = now()""")
    changed = register.poll(tmp_path)
    assert changed.reasons == {"row_changed": 1}
    again = register.poll(tmp_path)
    assert again.rejects_file == changed.rejects_file
    assert len(list((tmp_path / "rejects").iterdir())) == 1


def test_equal_watermarks_are_not_lost(register: Register, tmp_path: Path) -> None:
    register.add("2024-01-01")
    register.poll(tmp_path)
    register.add("2024-01-01", Id="r2", Number="200")
    assert register.poll(tmp_path).rows_accepted == 1


def test_transaction_that_commits_late_is_caught_by_the_overlap(
    register: Register, tmp_path: Path
) -> None:
    late = psycopg.connect(register.dsn)
    cells = row(Id="late", Number="900")
    late.execute(
        "INSERT INTO register VALUES ("  # noqa: S608
        + ", ".join(["%s"] * len(cells))
        + ", '2024-01-01 11:55')",
        list(cells.values()),
    )
    register.add("2024-01-01 12:00")
    register.poll(tmp_path)
    late.commit()
    late.close()
    assert register.poll(tmp_path).rows_accepted == 1
    assert register.desk.acts("900") == [("ISSUE", "new", "late")]


def test_row_later_than_the_overlap_is_found_from_the_start(
    register: Register, tmp_path: Path
) -> None:
    register.add("2024-01-01 12:00")
    register.poll(tmp_path)
    register.add("2024-01-01 11:00", Id="late", Number="900")
    assert register.poll(tmp_path).rows_accepted == 0
    assert register.poll(tmp_path, forget=True).rows_accepted == 1


def test_rows_without_a_watermark_or_from_the_future_hide_nothing(
    register: Register, tmp_path: Path
) -> None:
    register.add("2999-01-01", Id="future", Number="1")
    register.add("infinity", Id="never", Number="2")
    register.add(Id="none", Number="3")
    register.set("changed = NULL", id="none")
    assert register.poll(tmp_path).rows_accepted == 3
    register.add(Id="new", Number="4")
    later = register.poll(tmp_path)
    assert (later.rows_accepted, later.rows_unchanged) == (1, 3)


def test_deleted_row_deletes_nothing(register: Register, tmp_path: Path) -> None:
    register.add("2024-01-01")
    register.poll(tmp_path)
    register.conn.execute("DELETE FROM register")
    assert register.poll(tmp_path).rows == 0
    assert register.desk.acts() == [("ISSUE", "new", "r1")]


@pytest.mark.parametrize("dies_after", range(5))
def test_poll_that_died_anywhere_goes_on_without_loss_or_repeat(
    register: Register, tmp_path: Path, dies_after: int
) -> None:
    for n in range(4):
        register.add(f"2024-01-0{n + 1}", Id=f"r{n}", Number=f"{n}")
    register.desk.dies_after = dies_after
    with pytest.raises(Unavailable):
        register.poll(tmp_path)
    assert register.marks(polled()).read() is None
    register.desk.dies_after = None
    again = register.poll(tmp_path)
    assert again.rows_rejected == 0
    assert again.rows_accepted + again.rows_unchanged == 4
    assert {sent.code for sent in register.desk.world.records} == {"accepted"}
    assert len(list(register.desk.accepted())) == 4
    assert register.marks(polled()).read() is not None


def test_mark_stays_while_rows_lost_against_somebody_faster(
    register: Register, tmp_path: Path
) -> None:
    register.add("2024-01-01")
    register.poll(tmp_path)
    before = register.marks(polled()).read()
    register.add("2024-02-01", Id="r2", Number="200")
    publish = register.desk.publish

    rival = MemoryDesk()
    rival.world, rival.keys = register.desk.world, register.desk.keys

    def first(signed: Any) -> None:
        register.desk.publish = publish  # type: ignore[method-assign]
        rival.run(csv_file(tmp_path, row(Id="x", Number="200")))
        publish(signed)

    register.desk.publish = first  # type: ignore[method-assign]
    lost = register.poll(tmp_path)
    assert lost.reasons == {"stale": 1}
    assert register.marks(polled()).read() == before
    assert register.poll(tmp_path).rows == 2


def test_numbers_may_be_the_watermark(register: Register, tmp_path: Path) -> None:
    register.conn.execute("ALTER TABLE register ADD COLUMN n bigint")
    text = DATABASE.replace('"changed"', '"n"').replace("10 minutes", "5")
    for n, number in ((9, "100"), (10, "200")):
        register.add(Id=f"r{n}", Number=number)
        register.conn.execute(
            'UPDATE register SET n = %s WHERE "Id" = %s', (n, f"r{n}")
        )
    assert register.poll(tmp_path, polled(text)).rows_accepted == 2
    register.add(Id="late", Number="300")
    register.conn.execute('UPDATE register SET n = 6 WHERE "Id" = %s', ("late",))
    found = register.poll(tmp_path, polled(text))
    assert (found.rows, found.rows_accepted) == (3, 1)


def test_typed_columns_come_as_the_mapping_spells_them(
    register: Register, tmp_path: Path
) -> None:
    query = """
    SELECT "Id", "Number", "Account", "Name", "Trade", "Phone", "Kind", "Status",
        "Status on", 40::int AS "Seats", 12.50::numeric AS "Area",
        DATE '1999-12-31' AS "Built", TIMESTAMP '2020-02-01 10:22:33' AS "Done",
        TIMESTAMPTZ '2020-01-31 16:00:00+00' AS "From", DATE 'infinity' AS "Until",
        changed FROM register
    """
    text = DATABASE.replace(
        DATABASE[DATABASE.index("query") : DATABASE.index("watermark")],
        f"query = '''{query}'''\n",
    )
    register.add()
    result = register.poll(tmp_path, polled(text))
    assert result.rows_accepted == 1
    chain = next(iter(register.desk.accepted()))
    assert chain.act is not None
    assert chain.act.fields["seats"] == 40
    assert chain.act.fields["area_m2"] == "12.5"
    assert chain.act.fields["built"] == "1999-12-31"
    assert chain.act.fields["valid_from"] == "2020-02-01"
    assert "valid_until" not in chain.act.fields


def test_rare_characters_stay_as_they_are(register: Register, tmp_path: Path) -> None:
    name = "𠮷野家𬱖\ue5f1"
    register.add(Name=name)
    register.poll(tmp_path)
    assert register.desk.opened("100", "name") == name


def test_check_of_a_poll_reads_and_writes_nothing(register: Register) -> None:
    register.add("2024-01-01")
    used = polled()
    assert used.database is not None
    with source_connection(register.dsn) as (connection, name):
        table = DatabaseTable(
            connection,
            used.database,
            dates=used.dates,
            since=register.marks(used).read(),
            guard=source_errors,
            name=name,
        )
        found = check_stock(register.desk, used, table, progress=lambda *_: None)
    assert found.rows_accepted == 1
    assert register.marks(used).read() is None
    assert list(register.desk.accepted()) == []


def test_polled_database_is_only_read(register: Register, tmp_path: Path) -> None:
    register.conn.execute(
        "CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS "
        "$$ DELETE FROM register RETURNING 'x'::text $$"
    )
    register.add()
    text = DATABASE.replace("SELECT *", "SELECT *, spoil()")
    with pytest.raises(Malformed, match="does not take the query"):
        register.poll(tmp_path, polled(text))
    assert register.conn.execute("SELECT count(*) FROM register").fetchone() == (1,)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("register WHERE", "registre WHERE", "registre"),
        ('"changed"', '"changed_at"', "changed_at"),
        ('"changed"', '"Id"', ""),
        ("10 minutes", "ten of them", "InvalidDatetimeFormat"),
    ],
)
def test_query_that_cannot_be_asked_is_one_error(
    register: Register, tmp_path: Path, old: str, new: str, found: str
) -> None:
    register.add("2024-01-01", Account="=秘密")
    register.poll(tmp_path)
    given = polled(DATABASE.replace(old, new, 1))
    register.marks(given).move("2024-01-01", now=0)
    with pytest.raises(Malformed) as caught:
        register.poll(tmp_path, given)
    assert found in caught.value.found
    assert "秘密" not in str(caught.value)


def test_two_processes_do_not_poll_the_same(register: Register) -> None:
    given = polled()
    other = psycopg.connect(register.dsn, autocommit=True)
    assert given.database is not None
    rival = ImportMarks(
        other,
        origin=register.desk.registry().origin,
        system=given.system,
        query=given.database.query,
    )
    with (
        register.marks(given).alone(),
        pytest.raises(Unavailable, match="another process"),
        rival.alone(),
    ):
        raise AssertionError("both poll")
    with rival.alone():
        pass
    other.close()


def test_mark_of_another_ledger_or_query_is_not_ours(register: Register) -> None:
    given = polled()
    register.marks(given).move("2024-01-01", now=0)
    assert register.marks(given).read() == "2024-01-01"
    other = polled(DATABASE.replace("hidden", "secret"))
    assert register.marks(other).read() is None
    register.desk = MemoryDesk()
    same = register.marks(given).read()
    assert same == "2024-01-01"  # the world founds the same ledger again
    elsewhere = ImportMarks(
        register.conn, origin=bytes(16), system="register", query="SELECT"
    )
    assert elsewhere.read() is None


# --- where the address comes from, and what is said of it

SECRET = "geheim-8c1f"  # noqa: S105 - a test's own


def test_password_is_in_no_error(dsn: str) -> None:
    wrong = make_conninfo(dsn, port=1, password=SECRET, connect_timeout=2)
    for given, error in ((wrong, Unavailable), (f"x={SECRET}", Malformed)):
        with pytest.raises(error) as caught, source_connection(given):
            raise AssertionError("connected")
        assert SECRET not in str(caught.value)


def test_address_comes_from_a_variable_or_a_file_of_its_owner(tmp_path: Path) -> None:
    assert source_dsn("D", None, environment={"D": "dbname=x"}) == "dbname=x"
    with pytest.raises(Malformed, match="is not given"):
        source_dsn("D", None, environment={})
    file = tmp_path / "dsn"
    file.write_text(f"password={SECRET}\n")
    file.chmod(0o640)
    with pytest.raises(Malformed, match="others may read") as caught:
        source_dsn("", file)
    assert SECRET not in str(caught.value)
    file.chmod(0o600)
    assert source_dsn("", file) == f"password={SECRET}"


@pytest.mark.parametrize(
    "text",
    [
        DATABASE.replace('dsn_variable = "REGISTER_DSN"\n', ""),
        DATABASE + 'dsn_file = "/x"\n',
        DATABASE.replace("dsn_variable", "dsn"),
        DATABASE.replace('overlap = "10 minutes"\n', ""),
    ],
)
def test_database_that_is_not_said_whole_is_malformed(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        polled(text)
    assert "database" in caught.value.where


# --- the command


@pytest.fixture
def polling(register: Register, tmp_path: Path) -> Path:
    # A file: processes that are forked from a server keep its environment.
    address = tmp_path / "dsn"
    address.write_text(make_conninfo(register.dsn, password=SECRET))
    address.chmod(0o600)
    path = tmp_path / "polled.toml"
    database = DATABASE.replace(
        'dsn_variable = "REGISTER_DSN"', f'dsn_file = "{address}"'
    )
    text = MAPPING.replace("[license]", f"{database}\n[license]", 1)
    # A name of its own: the tests share one ledger, which keeps a mark for each.
    path.write_text(text.replace('"register"', f'"p-{uuid.uuid4().hex}"', 1))
    return path


def test_command_polls_what_is_new(
    cli_ledger: CliLedger, register: Register, polling: Path
) -> None:
    rare = "𠮷野家𬱖\ue5f1"
    register.add("2024-01-01", Number="P100", Name=rare)
    told = cli_ledger.json("import", str(polling), "--check")
    assert (told["rows"], told["rows_accepted"]) == (1, 1)
    assert cli_ledger.json("import", str(polling))["rows_accepted"] == 1
    register.add("2024-03-01", Id="r2", Number="P200")
    new = cli_ledger.json("import", str(polling))
    assert (new["rows"], new["rows_accepted"]) == (2, 1)  # that at the mark comes again
    again = cli_ledger.json("import", str(polling), "--from-start")
    assert (again["rows"], again["rows_unchanged"]) == (2, 2)
    name = f"{read_mapping(polling).system}:P100"
    shown = cli_ledger.json("show", name, "--reveal", "a test")
    assert shown["fields"]["name"] == rare


def test_command_polls_again_and_again_until_it_is_stopped(
    cli_ledger: CliLedger, register: Register, polling: Path, tmp_path: Path
) -> None:
    with commands(cli_ledger.directory, tmp_path / "out") as made:
        running = made.start("import", str(polling), "--every", "0.2", "--json")
        register.add("2026-01-01", Id="e1", Number="E1")
        wait_for(running, lambda: '"rows_accepted": 1' in running.out.read_text())
        register.add("2026-01-02", Id="e2", Number="E2")
        both = '"rows_accepted": 1'
        wait_for(running, lambda: running.out.read_text().count(both) == 2)
        running.stop()
        assert running.end().code == 128 + signal.SIGTERM


def test_database_that_is_down_is_asked_again(
    cli_ledger: CliLedger, polling: Path, tmp_path: Path
) -> None:
    file = tmp_path / "dsn"
    file.write_text(f"host=127.0.0.1 port=1 password={SECRET}")
    with commands(cli_ledger.directory, tmp_path / "out") as made:
        running = made.start("import", str(polling), "--every", "0.1")
        wait_for(running, lambda: running.err.read_text().count("asked again") >= 2)
        running.stop()
        said = running.end()
    assert SECRET not in said.out + said.err
    once = cli_ledger.call("import", str(polling))
    assert once.code == 4
    assert SECRET not in once.out + once.err


def wait_for(running: Running, seen: Callable[[], bool]) -> None:
    while not seen():
        assert running.alive, running.err.read_text()
        running.process.join(0.05)


def test_commands_killed_while_polling_lose_and_double_nothing(
    cli_ledger: CliLedger, register: Register, polling: Path, tmp_path: Path
) -> None:
    for n in range(600):
        register.add("2025-01-01", Id=f"k{n}", Number=f"K{n:05}")
    with commands(cli_ledger.directory, tmp_path / "out") as made:
        for wait_s in (1.0, 2.0):
            poll_and_kill(made, polling, wait_s)
    done = cli_ledger.json("import", str(polling))
    assert done["rows_rejected"] == done["events_refused"] == 0
    assert done["rows_accepted"] + done["rows_unchanged"] == 600
    with (
        EmbeddedPostgres(cli_ledger.directory / "pg") as server,
        psycopg.connect(server.dsn) as conn,
    ):
        found = conn.execute(
            "SELECT count(*), count(DISTINCT source_ref), bool_and(verdict = 'accepted') "
            "FROM views.audit_trail "
            "WHERE source_system = %s AND source_ref LIKE 'k%%'",
            (read_mapping(polling).system,),
        ).fetchone()
    assert found == (600, 600, True)


def poll_and_kill(made: Commands, polling: Path, wait_s: float) -> None:
    running = made.start("import", str(polling))
    running.process.join(wait_s)
    running.kill()
    running.end()
