"""Publishers, sealers, projectors and PostgreSQL are killed: nothing is lost or doubled."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg
import pytest

from console.wiring import database, open_ledger
from consumers.locks import SEALING
from ledger.errors import LedgerError
from tests.console.commands import Commands, Running, commands
from tests.faults.dying import Sent, project_and_die, seal_and_die, send_and_die
from tests.faults.oracles import assert_whole
from tests.faults.seed import chance
from tests.faults.waiting import until
from tests.faults.world import PARTITIONS, World

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]


_PROJECTED = (
    "SELECT coalesce(sum(notification_id), 0) FROM views.tracking "
    "WHERE application_name LIKE 'events-%'"
)

_END_SEALER = """
SELECT pg_terminate_backend(pid) FROM pg_locks,
    hashtextextended(%s, 0) AS key
WHERE locktype = 'advisory' AND granted
    AND (classid::bigint << 32 | objid::bigint) = key
"""


def often(short: int, long: int) -> pytest.MarkDecorator:
    """The short form always, the long one with ``--faults``."""
    return pytest.mark.parametrize(
        "times", [short, pytest.param(long, marks=pytest.mark.faults)]
    )


def killed(running: Running) -> None:
    """Kills a process and sees that it died of that and of nothing before."""
    running.kill()
    ended = running.end()
    assert ended.code == -signal.SIGKILL, ended


def stopped(running: Running) -> None:
    """Stops a process as an operator does; one that has begun its work ends it well."""
    running.stop()
    ended = running.end()
    begun = "holding=" in ended.err
    assert ended.code == 0 or (ended.code == 128 + signal.SIGTERM and not begun), ended


def verdicts(world: World, digests: set[str]) -> Counter[str]:
    """How often these events were judged so."""
    with open_ledger(world.settings) as ledger:
        rows = ledger.views.execute(
            "SELECT verdict, count(*) FROM audit_trail "
            "WHERE encode(digest, 'hex') = ANY(%s) GROUP BY verdict",
            (sorted(digests),),
        ).fetchall()
    return Counter(dict(rows))


def projected(world: World) -> int:
    """How many records are projected; -1 while PostgreSQL cannot say."""
    with suppress(LedgerError), database(world.settings) as (connections, _):
        row = connections.open().execute(_PROJECTED).fetchone()
        return int(row[0]) if row else 0
    return -1


@contextmanager
def going_on(world: World) -> Iterator[None]:
    """Whatever happens in the block: afterwards more is projected than before."""
    before = projected(world)
    yield
    until(lambda: projected(world) > max(before, 0), "projection goes on", poll_s=0.3)


# --- publishers


@pytest.mark.parametrize(
    ("sent", "repeats"), [("nothing", 0), ("half", 20), ("all", 40)]
)
def test_events_of_a_publisher_that_died_before_the_answer_are_sent_again(
    broken: World, sent: Sent, repeats: int
) -> None:
    name = f"died{sent}"
    with broken.load(name, publishers=0) as load:
        load.folder.mkdir(exist_ok=True)
        ended = broken.commands.call(
            send_and_die,
            str(broken.commands.directory),
            str(load.diary(name).path),
            broken.origin,
            PARTITIONS,
            name,
            sent,
        ).end()
        assert ended.code == -signal.SIGKILL, ended
        digests = set(load.diary(name).told().attempted)
        load.start(name)
        load.more(40)
    assert digests <= load.acked()
    broken.settled()
    assert verdicts(broken, digests) == Counter(accepted=40, duplicate=repeats)
    assert_whole(broken)


@often(12, 120)
def test_publishers_killed_at_random_moments(broken: World, times: int) -> None:
    rng = chance(f"publishers{times}")
    with broken.load(f"publishers{times}") as load:
        load.more(5)
        for _ in range(times):
            time.sleep(rng.uniform(0, 0.4))
            name = rng.choice(sorted(load.running))
            killed(load.running[name])
            load.start(name)
        load.more(20)
    assert load.acked() == load.attempted()
    assert_whole(broken)


# --- projectors


@pytest.mark.parametrize("where", ["offer_verdicts", "keep_recent"])
@pytest.mark.parametrize("commits", [1, 3])
def test_projector_killed_before_and_after_a_commit(
    broken: World, where: str, commits: int
) -> None:
    with broken.load(f"projector{where}{commits}") as load:
        for running in broken.projectors:
            killed(running)
        broken.projectors.clear()
        dying = broken.commands.call(
            project_and_die, str(broken.commands.directory), where, commits
        )
        ended = dying.end()
        assert ended.code == -signal.SIGKILL, ended
        with going_on(broken):
            broken.start()
            load.more(20)
    assert_whole(broken)


@often(6, 40)
def test_take_over_storm(broken: World, times: int) -> None:
    """Owners come and go, with other shares each time; whoever is there takes all."""
    rng = chance(f"storm{times}")
    groups = ("0-2", "3-5", "0-5", "0-1", "2-5", "1-4")
    storm: list[Running] = []

    def more() -> None:
        given = ("project", "--partitions", rng.choice(groups), "--stall-after", "60")
        storm.append(broken.commands.start(*given))

    for running in broken.projectors:
        stopped(running)
    broken.projectors.clear()
    with broken.load(f"storm{times}") as load:
        for _ in range(4):
            more()
        for _ in range(times):
            with going_on(broken):
                load.more(20)
                victim = rng.choice(storm)
                if rng.random() < 0.5:
                    killed(victim)
                else:
                    stopped(victim)
                storm.remove(victim)
                more()
                load.more(1)
        broken.start()  # some partitions may have nobody left by now
    broken.settled()
    for running in storm:
        assert running.alive, running.end()  # no watchdog saw a stall
        stopped(running)
    assert_whole(broken)


# --- sealers


@pytest.mark.parametrize("where", ["commit", "mark_published"])
def test_sealer_killed_between_head_log_and_journal(broken: World, where: str) -> None:
    assert broken.sealer is not None
    with broken.load(f"sealer{where}") as load:
        killed(broken.sealer)
        dying = broken.commands.call(
            seal_and_die, str(broken.commands.directory), where, 3
        )
        ended = dying.end()
        assert ended.code == -signal.SIGKILL, ended
        broken.sealer = None
        broken.start()
        load.more(20)
    assert_whole(broken)


@often(5, 40)
def test_sealers_killed_at_random_moments_while_another_stands_by(
    broken: World, times: int
) -> None:
    rng = chance(f"sealers{times}")
    other = broken.commands.start("seal", "--stall-after", "60")
    with broken.load(f"sealers{times}") as load:
        for _ in range(times):
            assert broken.sealer is not None
            time.sleep(rng.uniform(0, 0.5))
            if rng.random() < 0.5:
                killed(broken.sealer)
                broken.sealer = None
                broken.start()
            else:
                killed(other)
                other = broken.commands.start("seal", "--stall-after", "60")
            load.more(10)
    broken.settled()
    stopped(other)
    assert_whole(broken)


def test_sealer_that_slept_while_another_machine_took_over_is_fenced(
    broken: World,
) -> None:
    sleeper = broken.sealer
    assert sleeper is not None
    with another_machine(broken) as (other, dsn), broken.load("sleeper") as load:
        load.more(20)
        rival = other.start("seal", "--stall-after", "0", "--dsn", dsn)
        until(lambda: holding(rival) == "nothing", "it stands by")
        signalled(sleeper, signal.SIGSTOP)
        lose_sealing_lock(dsn)
        until(lambda: holding(rival) == "seal", rival.err.read_text)
        with going_on(broken):
            load.more(20)
        before = rival.err.read_text().count("sealed=")
        signalled(sleeper, signal.SIGCONT)
        until(lambda: holding(sleeper) == "nothing", sleeper.err.read_text)
        with going_on(broken):
            load.more(20)
        until(lambda: rival.err.read_text().count("sealed=") > before, "it seals on")
        stopped(rival)
        until(lambda: holding(sleeper) == "seal", sleeper.err.read_text)
        load.more(20)
    assert_whole(broken)


@contextmanager
def another_machine(world: World) -> Iterator[tuple[Commands, str]]:
    """Commands with a directory of their own, and the address of the one database."""
    home, away = world.commands.directory, world.folder / "another"
    away.mkdir()
    shutil.copytree(home / "keys", away / "keys")
    for name in ("kafka.toml", "passphrase"):
        shutil.copy2(home / name, away / name)
    with (
        database(world.settings) as (connections, _),
        commands(away, world.folder / "another-said") as made,
    ):
        yield made, connections.dsn


def lose_sealing_lock(dsn: str) -> None:
    """Ends the connection that holds it, as a network or a server does."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        rows = admin.execute(_END_SEALER, (SEALING,)).fetchall()
    assert rows == [(True,)]


def holding(running: Running) -> str:
    """What a process last said that it has taken upon itself."""
    return running.err.read_text().rpartition("holding=")[2].partition("\n")[0]


def signalled(running: Running, number: int) -> None:
    assert running.process.pid is not None
    os.kill(running.process.pid, number)


# --- PostgreSQL


@often(3, 30)
def test_postgres_killed_while_it_seals_and_projects(broken: World, times: int) -> None:
    rng = chance(f"postgres{times}")
    with broken.load(f"postgres{times}") as load:
        for _ in range(times):
            load.more(rng.randrange(1, 40))
            found = broken.commands.servers()
            assert found
            for process in found if rng.random() < 0.5 else found[:1]:
                with suppress(psutil.Error):
                    process.kill()
            with going_on(broken):
                load.more(20)  # departments do not even notice
    for running in (broken.sealer, *broken.projectors):
        assert running is not None
        assert running.alive, running.end()  # each found it again by itself
    assert_whole(broken)
