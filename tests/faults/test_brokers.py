"""Brokers are killed, stopped and started again under load: nothing acknowledged is lost."""

from __future__ import annotations

import time

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.protocol.admin import ElectionType

from tests.faults.brokers import leader_of
from tests.faults.oracles import assert_whole
from tests.faults.seed import chance
from tests.faults.world import World

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

SHORT, LONG = 3, 50


def test_kill_of_one_broker_stops_nobody(broken: World) -> None:
    victim = chance("one").randrange(3)
    with broken.load("one") as load:
        load.more(50)
        broken.kafka.nodes[victim].kill()
        load.more(100)
        broken.receipt()
        broken.kafka.nodes[victim].start()
        load.more(50)
    assert load.acked() == load.attempted()
    assert_whole(broken)


@pytest.mark.parametrize("times", [SHORT, pytest.param(LONG, marks=pytest.mark.faults)])
def test_kill_of_the_leader_in_the_middle_of_a_batch(broken: World, times: int) -> None:
    rng = chance(f"leader{times}")
    with broken.load(f"leader{times}") as load:
        for _ in range(times):
            load.more(rng.randrange(1, 40))
            node = broken.kafka.nodes[leader_of(broken, rng.randrange(6))]
            node.kill()
            load.more(rng.randrange(1, 20))
            node.start()
    assert_whole(broken)


def test_two_brokers_killed_is_unavailable_and_nothing_is_acknowledged(
    broken: World,
) -> None:
    with broken.load("two") as load:
        load.more(50)
        down = chance("two").sample(broken.kafka.nodes, 2)
        for node in down:
            node.kill()
        said = broken.commands.run("status", "--json")
        assert said.code == 4, said
        assert said.document["error"]["family"] == "unavailable"
        before, told = load.acked(), load.refusals()
        while load.refusals() < told + 2:
            time.sleep(0.2)
        assert load.acked() == before
        down[0].start()  # one is enough
        load.more(50)
        down[1].start()
    assert_whole(broken)


@pytest.mark.parametrize("seconds", [12, pytest.param(60, marks=pytest.mark.faults)])
def test_leader_that_slept_is_fenced(broken: World, seconds: int) -> None:
    rng = chance(f"sleep{seconds}")
    with broken.load(f"sleep{seconds}") as load:
        load.more(50)
        node = broken.kafka.nodes[leader_of(broken, rng.randrange(6))]
        node.pause()
        time.sleep(seconds)  # longer than a controller believes in a silent broker
        node.resume()
        load.more(100)
    assert_whole(broken)


def test_all_brokers_killed_at_once(broken: World) -> None:
    with broken.load("all") as load:
        load.more(80)
        for node in broken.kafka.nodes:
            node.kill()
        for node in broken.kafka.nodes:
            node.start(wait=False)
        for node in broken.kafka.nodes:
            node.wait_started()
        load.more(50)
    assert_whole(broken)


def test_new_leader_epochs_while_idle_and_under_load(broken: World) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broken.kafka.bootstrap.split(","))
    rng = chance("epoch")
    with broken.load("epoch") as load:
        load.more(30)
        for _ in range(4):
            _move_leaders(admin, rng.sample([1, 2, 3], 3))
            load.more(30)
    broken.settled()
    _move_leaders(admin, [3, 1, 2])
    with broken.load("after-epoch") as load:
        load.more(30)
    admin.close()
    assert_whole(broken)


def _move_leaders(admin: KafkaAdminClient, order: list[int]) -> None:
    """Makes the first broker of ``order`` the leader of all, by a new preference."""
    partitions = [TopicPartition("faults.events", n) for n in range(6)]
    partitions += [
        TopicPartition(f"faults.{name}", 0) for name in ("seals", "registry")
    ]
    admin.alter_partition_reassignments(dict.fromkeys(partitions, order))
    while admin.list_partition_reassignments():
        time.sleep(0.1)
    admin.elect_leaders(ElectionType.PREFERRED, partitions)
