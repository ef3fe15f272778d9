"""The log loses records on the brokers' own disks: everything halts, then an operator's
command lets it go on, and nothing that was acknowledged is missing."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition

from console.wiring import open_ledger
from ledger.sources import SEALS
from tests.faults.brokers import asking
from tests.faults.disks import cut_batches, cut_from
from tests.faults.oracles import assert_whole
from tests.faults.seed import chance
from tests.faults.waiting import until
from tests.faults.world import PARTITIONS, World

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

SHORT, LONG = 1, 4


def test_end_of_a_topic_cut_off_on_all_brokers(broken: World) -> None:
    rng = chance("cut")
    source = live(broken, "cut")
    with broken.load("cut-unsealed") as load:
        load.more(20)
    broken.settled()
    killed_and_cut(broken, [source], count=rng.randrange(1, 4))
    assert halted(broken)["where"] == source
    # Whoever publishes past every command does not know it: that is in the log, unsealed.
    with broken.load("cut-behind") as behind:
        behind.more(30)
    succeeded(broken, [source], rng.random)
    with broken.load("cut-after") as after:
        after.more(60)
    broken.receipt()
    assert_whole(broken)


def test_seals_cut_off_on_all_brokers(broken: World) -> None:
    live(broken, "seals")
    killed_and_cut(broken, [SEALS], count=chance("seals").randrange(1, 4))
    assert halted(broken)["where"] == SEALS
    refilled(broken, chance("refill").random)
    with broken.load("seals-after") as after:
        after.more(40)
    assert_whole(broken)


@pytest.mark.parametrize("times", [SHORT, pytest.param(LONG, marks=pytest.mark.faults)])
def test_events_registry_and_seals_cut_off_together(broken: World, times: int) -> None:
    rng = chance(f"together{times}")
    for number in range(times):
        source = live(broken, f"together{times}-{number}")
        sources = rng.sample([source, in_use(broken, "registry")], rng.randrange(1, 3))
        killed_and_cut(broken, [*sources, SEALS], count=1)
        halted(broken)
        refilled(broken, rng.random)
        succeeded(broken, sources, rng.random)
    with broken.load(f"together{times}-after") as after:
        after.more(40)
    assert_whole(broken)


def test_oldest_records_deleted(broken: World) -> None:
    source = live(broken, "oldest")
    stopped(broken)
    topic, number = place_of(broken, source)
    with asking(broken) as admin:
        admin.delete_records({TopicPartition(topic, number): 3})
    said = broken.commands.run("seal", "--json")
    assert said.code == 5, said
    assert f"{source} " in said.document["error"]["found"]
    succeeded(broken, [source], chance("oldest").random)
    with broken.load("oldest-after") as after:
        after.more(40)
    assert_whole(broken)


def test_older_database_meets_the_journal_or_halts(broken: World) -> None:
    live(broken, "older")
    stopped(broken)
    database = broken.commands.directory / "pg"
    older = broken.folder / "older-pg"
    until(lambda: not broken.commands.servers(), "PostgreSQL has stopped")
    copied(database, older)
    with broken.load("older-sealed") as load:
        broken.start()
        load.more(60)
    broken.settled()
    stopped(broken)
    until(lambda: not broken.commands.servers(), "PostgreSQL has stopped")
    newer = database.rename(broken.folder / "newer-pg")
    copied(older, database)
    # Behind the log, and everything of the journal is met on the way back.
    assert_whole(broken)
    stopped(broken)
    until(lambda: not broken.commands.servers(), "PostgreSQL has stopped")
    # Behind both: what it would sign again has been signed.
    shutil.rmtree(database)
    copied(older, database)
    with open_ledger(broken.settings) as ledger:
        published = ledger.head.load().seals_next
    for node in broken.kafka.nodes:
        node.kill()
    cut_from(broken.kafka.nodes, *place_of(broken, SEALS), offset=published)
    up(broken)
    said = broken.commands.run("seal", "--json")
    assert said.code == 5, said
    assert "behind the checkpoint journal" in said.document["error"]["reason"]
    refused = broken.commands.run("log", "refill", "--json")
    assert refused.code == 5, refused
    until(lambda: not broken.commands.servers(), "PostgreSQL has stopped")
    shutil.rmtree(database)
    newer.rename(database)
    refilled(broken, chance("older").random)
    assert_whole(broken)


def test_head_put_back_by_itself_halts(broken: World) -> None:
    live(broken, "alone")
    stopped(broken)
    with open_ledger(broken.settings) as ledger:
        conn = ledger.connect()
        row = conn.execute(
            "SELECT seal_no, digest, published, seals_next FROM head.head"
        )
        before = row.fetchone()
        assert before is not None
        conn.execute(
            "UPDATE head.head SET seal_no = s.seal_no, digest = s.digest, "
            "published = s.seal_no, seals_next = head.seals_next - 2 "
            "FROM head.seal AS s WHERE s.seal_no = head.seal_no - 2"
        )
    for command in ("status", "seal", "audit"):
        said = broken.commands.run(command, "--json")
        assert said.code == 5, said
        assert "put back by itself" in said.document["error"]["reason"]
    with open_ledger(broken.settings, checked=False) as ledger:
        ledger.connect().execute(
            "UPDATE head.head SET seal_no = %s, digest = %s, published = %s, "
            "seals_next = %s",
            before,
        )
    assert_whole(broken)


def copied(database: Path, to: Path) -> None:
    """As a backup does: who owns a file is kept, PostgreSQL's account among them."""
    subprocess.run(["/bin/cp", "-a", str(database), str(to)], check=True)


def live(world: World, name: str) -> str:
    """Some load, all of it sealed; the event source in use with the most batches."""
    world.start()
    with world.load(name) as load:
        load.more(60)
    world.receipt()
    world.settled()
    with open_ledger(world.settings) as ledger:
        nexts = ledger.head.load().tip.nexts
        used = [
            ledger.in_use().get(f"events-{n}", f"events-{n}") for n in range(PARTITIONS)
        ]
    return max(used, key=lambda source: nexts.get(source, 0))


def killed_and_cut(world: World, sources: list[str], *, count: int) -> None:
    """Kills all brokers at once and cuts the last batches of some sources."""
    for node in world.kafka.nodes:
        node.kill()
    for source in sources:
        topic, number = place_of(world, source)
        cut_batches(world.kafka.nodes, topic, number, count=count)
    up(world)


def up(world: World) -> None:
    for node in world.kafka.nodes:
        node.start(wait=False)
    for node in world.kafka.nodes:
        node.wait_started()


def halted(world: World) -> Any:
    """Waits until the sealer has stopped for it; the error that commands end with."""
    assert world.sealer is not None
    sealer = world.sealer
    until(lambda: not sealer.alive, "the sealer has halted")
    assert sealer.end().code == 5
    world.sealer = None
    stopped(world)
    said = world.commands.run("status", "--json")
    assert said.code == 5, said
    assert said.document["error"]["family"] == "untrusted"
    return said.document["error"]


def stopped(world: World) -> None:
    """Stops what still runs; whoever looked at the damage has halted."""
    running = [one for one in (world.sealer, *world.projectors) if one is not None]
    for one in running:
        if one.alive:
            one.stop()
    for one in running:
        assert one.end().code in (0, 5)
    world.sealer, world.projectors = None, []


def succeeded(world: World, sources: list[str], draw: Callable[[], float]) -> None:
    killed_on_the_way(world, ("log", "succeed", *sources), draw)
    done = world.commands.answer("log", "succeed", *sources)["sources"]
    assert {one["source"] for one in done} == set(sources)
    with open_ledger(world.settings) as ledger:
        world.in_use = dict(ledger.in_use())


def refilled(world: World, draw: Callable[[], float]) -> None:
    killed_on_the_way(world, ("log", "refill"), draw)
    said = world.commands.run("log", "refill", "--json")
    assert said.code in (0, 2), said  # 2: the one that was killed had come to its end


def killed_on_the_way(
    world: World, command: tuple[str, ...], draw: Callable[[], float]
) -> None:
    """Kills the command twice, at any moment; it may have ended before."""
    for _ in range(2):
        running = world.commands.start(*command)
        time.sleep(6 * draw())
        running.kill()
        running.end()


def place_of(world: World, source: str) -> tuple[str, int]:
    assert world.settings.kafka is not None
    return world.settings.kafka.partition_of(source)


def in_use(world: World, source: str) -> str:
    return world.in_use.get(source, source)
