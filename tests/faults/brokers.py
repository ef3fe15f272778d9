"""What there is to know of a ledger's log: who leads, who has all of it, what is sealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from console.wiring import open_ledger
from ledger.sources import SEALS
from tests.faults.waiting import until
from tests.faults.world import World

TOPICS = ("faults.events", "faults.registry", "faults.seals")


@contextmanager
def asking(world: World) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=_bootstrap(world))
    try:
        yield admin
    finally:
        admin.close()


def leader_of(world: World, partition: int) -> int:
    """The index of the node that leads a partition of the events."""
    with asking(world) as admin:
        [topic] = admin.describe_topics([TOPICS[0]])
    leaders = {one["partition_index"]: one["leader_id"] for one in topic["partitions"]}
    return int(leaders[partition]) - 1


def all_in_sync(world: World) -> bool:
    """Whether every broker has all of every topic; False while they cannot be asked."""
    try:
        with asking(world) as admin:
            topics: list[dict[str, Any]] = admin.describe_topics(list(TOPICS))
    except KafkaError:
        return False
    found = [one for topic in topics for one in topic["partitions"]]
    return all(len(one["isr_nodes"]) == len(one["replica_nodes"]) for one in found)


def until_sealed(world: World) -> None:
    """Returns when all that the log holds is sealed."""
    with open_ledger(world.settings) as ledger:
        ends = {s: n for s, n in ledger.log.ends().items() if s != SEALS}
        until(
            lambda: all(
                ledger.head.load().tip.nexts.get(source, 0) >= end
                for source, end in ends.items()
            ),
            "all is sealed",
        )


def _bootstrap(world: World) -> list[str]:
    place = world.settings.kafka
    assert place is not None
    return list(place.bootstrap)
