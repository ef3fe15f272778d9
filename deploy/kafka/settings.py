"""What the nodes of a ledger's cluster are told, on one machine as on three."""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20


def settings_of(nodes: int) -> dict[str, str]:
    """What every node is told, whatever its number; ``compose.yaml`` says the same.

    Nothing acknowledged may be lost: no topic by accident, none led by a replica that
    lagged behind. The rest keeps a small cluster small.
    """
    copies = str(nodes)
    in_sync = str(min(nodes, 2))
    return {
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        # A record of the ledger is smaller; a batch of them is at most this long.
        "message.max.bytes": str(MIB + 4_096),
        "replica.fetch.max.bytes": str(2 * MIB),
        "offsets.topic.num.partitions": "3",
        "transaction.state.log.num.partitions": "3",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(4 * MIB),
        "group.coordinator.threads": "1",
    }


def node_settings(
    number: int, ports: list[tuple[int, int]], data: str, host: str
) -> dict[str, str]:
    """What one node is told of itself; ``ports``: each node's for clients and voters."""
    client, voter = ports[number - 1]
    return {
        "node.id": str(number),
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": ",".join(
            f"{one}@{host}:{port}" for one, (_, port) in enumerate(ports, 1)
        ),
        "listeners": f"PLAINTEXT://{host}:{client},CONTROLLER://{host}:{voter}",
        "advertised.listeners": f"PLAINTEXT://{host}:{client}",
        "log.dirs": data,
    }
