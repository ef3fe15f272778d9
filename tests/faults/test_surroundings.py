"""The network fails, and a disk: whoever can be reached goes on, and nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.console.commands import Running
from tests.faults.brokers import all_in_sync, leader_of, until_sealed
from tests.faults.oracles import assert_whole
from tests.faults.proxy import Cut
from tests.faults.seed import chance
from tests.faults.surroundings import Surroundings, surroundings
from tests.faults.waiting import until
from tests.faults.world import PARTITIONS, World
from tests.folders import own_folder

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    with own_folder() as folder, surroundings(folder) as made:
        yield made


@pytest.fixture
def broken(around: Surroundings) -> World:
    """The ledger in it; the name under which a failed test's outputs are shown."""
    return around.world


def assert_alive(world: World) -> None:
    """Sealer and projectors have borne it."""
    for running in (world.sealer, *world.projectors):
        assert running is not None
        assert running.alive, running.end()


@pytest.mark.parametrize("how", ["refuse", "silence"])
@pytest.mark.parametrize("seconds", [3, pytest.param(40, marks=pytest.mark.faults)])
def test_one_broker_is_cut_off_from_everybody_but_the_others(
    around: Surroundings, broken: World, how: Cut, seconds: int
) -> None:
    """It goes on leading: its partitions stand still, and the others do not suffer."""
    rng = chance(f"cut{how}{seconds}")
    with broken.load(f"cut{how}{seconds}") as load:
        load.more(30)
        broken.receipt()
        victim = leader_of(broken, rng.randrange(PARTITIONS))
        with around.proxies[victim].during(how):
            told = load.refusals()
            until(lambda: load.refusals() > told, "a publisher is told Unavailable")
            time.sleep(seconds)
        load.more(40)
    assert load.acked() == load.attempted()
    assert_alive(broken)
    assert_whole(broken)


@pytest.mark.parametrize("times", [8, pytest.param(60, marks=pytest.mark.faults)])
def test_a_network_that_comes_and_goes(
    around: Surroundings, broken: World, times: int
) -> None:
    rng = chance(f"flaps{times}")
    with broken.load(f"flaps{times}") as load:
        for _ in range(times):
            proxy = rng.choice(around.proxies)
            how: Cut = "refuse" if rng.random() < 0.5 else "silence"
            with proxy.during(how):
                time.sleep(rng.uniform(0, 1))
            proxy.delay(rng.choice((0, 0, 0.05)))
            load.more(5)
        for proxy in around.proxies:
            proxy.heal()
        load.more(30)
    assert load.acked() == load.attempted()
    assert_alive(broken)
    assert_whole(broken)


def test_projector_that_hangs_before_its_work_is_ended_by_its_watchdog(
    around: Surroundings, broken: World
) -> None:
    for running in broken.projectors:
        running.stop()
        assert running.end().code == 0
    broken.projectors.clear()
    hanging = broken.commands.start("project", "--stall-after", "4")
    until(lambda: "holding=" in hanging.err.read_text(), "it works")
    signalled(hanging, signal.SIGSTOP)
    with broken.load("hangs") as load:
        load.more(60)
    until_sealed(broken)
    with ExitStack() as stack:
        for proxy in around.proxies:
            stack.enter_context(proxy.during("silence"))
        signalled(hanging, signal.SIGCONT)
        ended = hanging.end()
    assert ended.code == 4, ended
    assert "this process makes no progress" in ended.err
    assert_whole(broken)


def test_disk_of_one_broker_is_full(around: Surroundings, broken: World) -> None:
    if around.disk is None:
        pytest.skip("no small disk: this user may not mount one")
    with broken.load("disk") as load:
        load.more(30)
        around.disk.fill()
        until(lambda: not around.on_disk.running, "a broker without disk ends")
        load.more(60)
        broken.receipt()
        around.disk.empty()
        around.on_disk.start()
        load.more(30)
        until(lambda: all_in_sync(broken), "it has all that it missed", poll_s=0.5)
    assert load.acked() == load.attempted()
    assert_alive(broken)
    assert_whole(broken)


def signalled(running: Running, number: int) -> None:
    assert running.process.pid is not None
    os.kill(running.process.pid, number)
