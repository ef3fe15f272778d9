"""One or three nodes on loopback: started together, ended together."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from deploy.kafka.jars import resolve
from deploy.kafka.java import java
from deploy.kafka.node import FLAGS, Node
from deploy.kafka.ports import HOST, free_ports
from deploy.kafka.trouble import KafkaUnavailable

SIZES: Final = (1, 3)
HEAP: Final = "384m"
_ATTEMPTS: Final = 3


def settings_of(nodes: int) -> dict[str, str]:
    """What every node of a ledger's cluster is told, whatever its number."""
    copies = str(nodes)
    in_sync = str(min(nodes, 2))
    return {
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "offsets.topic.num.partitions": "3",
        "transaction.state.log.num.partitions": "3",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "replica.lag.time.max.ms": "10000",
        "controlled.shutdown.max.retries": "1",
        "group.coordinator.threads": "1",
    }


class LocalKafka:
    """A cluster of 1 or 3 nodes in a folder; a context manager, or ``up`` and ``down``.

    ``settings`` are told to every node, ``of_node`` to single ones (from 0), both over
    ``settings_of``. ``format_arguments`` go to the storage tool (``--add-scram`` …).
    ``client_port`` of a node may be put behind a proxy: ``advertised`` names what its
    clients are told instead. Raises KafkaUnavailable.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 3,
        settings: Mapping[str, str] | None = None,
        of_node: Mapping[int, Mapping[str, str]] | None = None,
        format_arguments: Sequence[str] = (),
        heap: str = HEAP,
        bound: bool = True,
    ) -> None:
        if nodes not in SIZES:
            raise KafkaUnavailable(f"expected 1 or 3 nodes, found {nodes}")
        self.folder = folder.absolute()
        self._count = nodes
        self._settings = dict(settings or {})
        self._of_node = dict(of_node or {})
        self._format_arguments = format_arguments
        self._heap = heap
        self._bound = bound
        self.nodes: list[Node] = []

    @property
    def bootstrap(self) -> str:
        """``host:port`` of all nodes, with commas between."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def up(self) -> None:
        """Formats and starts all nodes; returns when each says that it is up."""
        command = [
            str(java()),
            f"-Xmx{self._heap}",
            "-Xms64m",
            *FLAGS,
            "-cp",
            resolve(),
        ]
        for attempt in range(_ATTEMPTS):
            try:
                self._start(command, self.folder / f"try-{attempt}")
            except KafkaUnavailable as error:
                self.down()
                # Somebody else may have taken a port since it was found free.
                if "Address already in use" in str(error) and attempt + 1 < _ATTEMPTS:
                    continue
                raise
            return

    def down(self) -> None:
        """Stops all nodes at once; what they stored stays in the folder."""
        for node in self.nodes:
            node.kill()

    def __enter__(self) -> LocalKafka:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def _start(self, command: Sequence[str], folder: Path) -> None:
        ports = free_ports(2 * self._count)
        clients, controllers = ports[: self._count], ports[self._count :]
        voters = ",".join(
            f"{number}@{HOST}:{port}" for number, port in enumerate(controllers, 1)
        )
        self.nodes = []
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        for index, (port, controller) in enumerate(
            zip(clients, controllers, strict=True)
        ):
            place = folder / f"node-{index + 1}"
            properties = {
                **settings_of(self._count),
                "node.id": str(index + 1),
                "controller.quorum.voters": voters,
                "listeners": (
                    f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}"
                ),
                "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
                "log.dirs": str(place / "data"),
                **self._settings,
                **self._of_node.get(index, {}),
            }
            node = Node(
                place,
                number=index + 1,
                port=port,
                properties={
                    # An override may speak of the port that was found.
                    name: value.replace("{port}", str(port)).replace(
                        "{controller}", str(controller)
                    )
                    for name, value in properties.items()
                },
                command=command,
                bound=self._bound,
            )
            self.nodes.append(node)
            node.format(cluster_id, self._format_arguments)
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait_started()
