from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from console.embedded import EmbeddedPostgres
from ledger.errors import Unavailable

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0

# Joins the server, says which one it found, and stays until its input ends.
USER = """
import sys
from pathlib import Path
from console.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print((server._socket_folder / "postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.read()
"""

ORDINARY_USER = """
import os, sys
from pathlib import Path
import psycopg
from console.embedded import EmbeddedPostgres
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    with psycopg.connect(server.dsn) as connection:
        print(connection.execute("SELECT 41 + 1").fetchone()[0], server.changes)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    # Not pytest's own folder: as root its parent is closed again by every new session.
    path = Path(tempfile.mkdtemp(prefix="license-ledger-test-"))
    yield path / "pg"
    for process in _servers(path):
        with suppress(psutil.NoSuchProcess):
            process.kill()
            process.wait(10)
    shutil.rmtree(path)


def _servers(path: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and path in Path(process.cwd()).parents:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _user(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _server_of(user: subprocess.Popen[str]) -> int:
    assert user.stdout is not None
    return int(user.stdout.readline())


def _leave(user: subprocess.Popen[str]) -> None:
    user.communicate()
    assert user.returncode == 0


def _kill(user: subprocess.Popen[str]) -> None:
    user.kill()
    user.communicate()


def _remember(dsn: str, value: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def _remembered(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept")]


def _postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split()[0])


def test_new_cluster_is_durable_and_checks_its_pages(directory: Path) -> None:
    asked = (
        "SELECT name, setting FROM pg_settings WHERE name IN ('data_checksums',"
        " 'fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses')"
    )
    with (
        EmbeddedPostgres(directory) as server,
        psycopg.connect(server.dsn) as connection,
    ):
        assert dict(connection.execute(asked).fetchall()) == {
            "data_checksums": "on",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
        }
    assert _servers(directory.parent) == []


def test_processes_share_one_server_and_the_last_stops_it(directory: Path) -> None:
    first = _user(directory)
    server = _server_of(first)
    second = _user(directory)
    assert _server_of(second) == server
    _leave(first)
    with EmbeddedPostgres(directory) as third:
        assert _postmaster(directory) == server
        _leave(second)
        _remember(third.dsn, 1)
    assert _servers(directory.parent) == []


def test_processes_that_start_at_once_make_one_cluster(directory: Path) -> None:
    users = [_user(directory) for _ in range(4)]
    with ThreadPoolExecutor(len(users)) as pool:
        servers = set(pool.map(_server_of, users))
        list(pool.map(_leave, users))
    assert len(servers) == 1
    assert _servers(directory.parent) == []


def test_server_outlives_a_killed_user_and_is_found_again(directory: Path) -> None:
    user = _user(directory)
    server = _server_of(user)
    _kill(user)
    with EmbeddedPostgres(directory):
        assert _postmaster(directory) == server
    assert _servers(directory.parent) == []


def test_killed_server_starts_again_with_what_was_committed(directory: Path) -> None:
    with EmbeddedPostgres(directory) as server:
        _remember(server.dsn, 7)
        psutil.Process(_postmaster(directory)).kill()
        server.start()
        assert _remembered(server.dsn) == [7]
    assert _servers(directory.parent) == []


def test_every_process_killed_at_once_loses_nothing(directory: Path) -> None:
    user = _user(directory)
    _server_of(user)
    with EmbeddedPostgres(directory) as server:
        _remember(server.dsn, 8)
        for process in _servers(directory.parent):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _kill(user)
        server.start()
        assert _remembered(server.dsn) == [8]


def test_start_killed_at_a_random_moment_is_finished_by_the_next(
    directory: Path,
) -> None:
    for _ in range(4):
        user = _user(directory)
        time.sleep(random.uniform(0.1, 0.8))
        _kill(user)
    with EmbeddedPostgres(directory) as server:
        _remember(server.dsn, 9)
        assert _remembered(server.dsn) == [9]
    assert _servers(directory.parent) == []


def test_pid_file_with_the_pid_of_another_process_is_no_server(
    directory: Path,
) -> None:
    with EmbeddedPostgres(directory) as server:
        _remember(server.dsn, 10)
        pid_file = directory / "data" / "postmaster.pid"
        left = pid_file.read_text().split("\n", 1)[1]
    pid_file.write_text(f"{os.getpid()}\n{left}")
    with EmbeddedPostgres(directory) as server:
        assert _remembered(server.dsn) == [10]


def test_vanished_socket_is_made_again(directory: Path) -> None:
    with EmbeddedPostgres(directory) as server:
        _remember(server.dsn, 11)
        (directory / "data" / ".s.PGSQL.5432").unlink()
        server.start()
        assert _remembered(server.dsn) == [11]


@pytest.mark.parametrize("name", ["x" * 120, "a b,c'\"$(exit 9)"])
def test_any_directory_name_works(directory: Path, name: str) -> None:
    with EmbeddedPostgres(directory / name) as server:
        _remember(server.dsn, 12)
        assert _remembered(server.dsn) == [12]
    assert _servers(directory.parent) == []


def test_server_log_repeats_no_value_and_no_statement(directory: Path) -> None:
    value = "Zhang San 13800000000"
    with EmbeddedPostgres(directory) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
            connection.execute("INSERT INTO people VALUES (%s)", [value])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO people VALUES (%s)", [value])
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute(f"SELECT '{value}'::int")
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute("SELECT %s::text::uuid", [value])
            with pytest.raises(psycopg.errors.SyntaxError):
                connection.execute(f"SELEKT '{value}'")
            busy = f"SELECT pg_sleep(60), '{value}'"
            backend = psutil.Process(connection.info.backend_pid)
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(connection.execute, busy)
                while not _is_active(server.dsn, busy):
                    time.sleep(0.02)
                backend.kill()
                with pytest.raises(psycopg.OperationalError):
                    waiting.result()
        server.start()
    log = (directory / "data" / "server.log").read_text()
    assert "was terminated by signal 9" in log
    assert value not in log
    assert "SELECT" not in log


def _is_active(dsn: str, query: str) -> bool:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE query = %s"
    with psycopg.connect(dsn) as connection:
        row = connection.execute(asked, [query]).fetchone()
    return row == (1,)


def test_server_does_not_inherit_the_environment(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICENSE_LEDGER_PASSPHRASE", "open sesame")
    with EmbeddedPostgres(directory):
        server = psutil.Process(_postmaster(directory))
        assert "LICENSE_LEDGER_PASSPHRASE" not in server.environ()


def test_folder_that_is_no_cluster_is_named(directory: Path) -> None:
    (directory / "data").mkdir(parents=True)
    with pytest.raises(Unavailable, match="not a PostgreSQL data directory"):
        EmbeddedPostgres(directory).start()


def test_directory_that_cannot_be_made_is_unavailable(directory: Path) -> None:
    directory.write_text("a file")
    with pytest.raises(Unavailable, match="directory cannot be used"):
        EmbeddedPostgres(directory).start()


def test_address_before_the_start_is_unavailable(directory: Path) -> None:
    with pytest.raises(Unavailable, match="not started"):
        _ = EmbeddedPostgres(directory).dsn


@pytest.mark.skipif(not AS_ROOT, reason="only root needs another account")
def test_root_opens_no_more_than_the_way_and_says_so(directory: Path) -> None:
    outer = directory.parent
    assert stat.S_IMODE(outer.stat().st_mode) == 0o700
    with EmbeddedPostgres(directory) as server:
        assert psutil.Process(_postmaster(directory)).uids().effective != 0
        assert [change for change in server.changes if str(outer) in change]
    assert stat.S_IMODE(outer.stat().st_mode) == 0o701
    assert stat.S_IMODE((directory / "data").stat().st_mode) == 0o700
    with EmbeddedPostgres(directory) as server:
        assert server.changes == ()


@pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
def test_ordinary_user_runs_it_alone_and_root_may_join(directory: Path) -> None:
    directory.mkdir()
    directory.parent.chmod(0o755)
    os.chown(directory, 65534, 65534)
    run = subprocess.run(
        [sys.executable, "-c", ORDINARY_USER, str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("42 ()\n", "")
    with EmbeddedPostgres(directory) as server:
        assert psutil.Process(_postmaster(directory)).uids().effective == 65534
        _remember(server.dsn, 13)
