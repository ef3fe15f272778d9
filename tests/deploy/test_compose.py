"""The compose file tells its brokers what the starter tells its own."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.kafka import KAFKA_VERSION
from deploy.kafka.cluster import HEAP
from deploy.kafka.settings import settings_of

COMPOSE = (Path(__file__).parents[2] / "deploy" / "compose.yaml").read_text()
SETTING = re.compile(r'^ +KAFKA_([A-Z_]+): "?([^"\n]*)"?$', re.MULTILINE)
# Who and where a node is, which differs between containers and loopback.
OF_PLACE = {
    "node.id",
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "controller.quorum.voters",
    "log.dirs",
    "heap.opts",
}


def test_brokers_of_both_are_told_the_same() -> None:
    shared, _, services = COMPOSE.partition("\nservices:\n")
    told = {
        name.lower().replace("_", "."): value for name, value in SETTING.findall(shared)
    }
    assert {
        name: value for name, value in told.items() if name not in OF_PLACE
    } == settings_of(3)
    assert told["heap.opts"] == f"-Xms64m -Xmx{HEAP}"
    own = {name.lower().replace("_", ".") for name, _ in SETTING.findall(services)}
    assert own == {"node.id", "advertised.listeners"}


def test_it_is_the_pinned_kafka_on_three_nodes_that_only_loopback_reaches() -> None:
    assert f"image: apache/kafka:{KAFKA_VERSION}\n" in COMPOSE
    nodes = re.findall(r'KAFKA_NODE_ID: "(\d)"', COMPOSE)
    assert nodes == ["1", "2", "3"]
    ports = re.findall(r'ports: \["(.*?):\d+"\]', COMPOSE)
    assert len(ports) == 4
    hosts = re.findall(r"HOST://(127\.0\.0\.1:\d+)", COMPOSE)
    assert hosts == ports[:3]
    assert ",".join(hosts) in COMPOSE.partition("x-broker")[0]
