"""One or three nodes on loopback: started together, ended together."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

from deploy.kafka.jars import resolve
from deploy.kafka.java import java
from deploy.kafka.node import STOP_S, Node
from deploy.kafka.ports import HOST, free_ports
from deploy.kafka.settings import MIB, node_settings, settings_of
from deploy.kafka.trouble import KafkaUnavailable

SIZES: Final = (1, 3)
HEAP: Final = "384m"
MEMORY_EACH: Final = 450 * MIB  # a node with that heap, under load
STATE: Final = "cluster.json"
_ATTEMPTS: Final = 3
_FLAGS: Final = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",  # else a killed one leaves a file behind
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
# The simple compiler alone: half the processor time at the start, slower for hours.
_QUICK: Final = ("-XX:TieredStopAtLevel=1",)


class LocalKafka:
    """A cluster of 1 or 3 nodes in a folder: a context manager, or ``up`` and ``down``.

    ``settings`` are told to every node, ``of_node`` to single ones (from 0), both over
    the starter's own; ``{port}`` and ``{controller}`` in a value become the node's.
    ``format_arguments`` go to the storage tool (``--add-scram`` …). ``quick``: starts
    with half the work, for tests; not for measuring. ``bound``: the nodes end with the
    thread that started them. A folder that was used before keeps its data and ports.
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
        quick: bool = True,
        bound: bool = True,
    ) -> None:
        if nodes not in SIZES:
            raise KafkaUnavailable(f"expected 1 or 3 nodes, found {nodes}")
        self.folder = folder.absolute()
        self._count = nodes
        self._settings = dict(settings or {})
        self._of_node = dict(of_node or {})
        self._format_arguments = format_arguments
        self._flags = (f"-Xmx{heap}", *_FLAGS, *(_QUICK if quick else ()))
        self._bound = bound
        self._cluster_id = _new_id()
        self._ports: list[tuple[int, int]] = []
        self.nodes: list[Node] = []
        if (self.folder / STATE).exists():
            self._find()

    @classmethod
    def found(cls, folder: Path) -> Self | None:
        """The cluster whose nodes another process left running or stopped there."""
        state = folder / STATE
        if not state.exists():
            return None
        ports = json.loads(state.read_text(encoding="utf-8"))["ports"]
        return cls(folder, nodes=len(ports), bound=False)

    @property
    def bootstrap(self) -> str:
        """``host:port`` of all nodes, with commas between."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def up(self) -> None:
        """Starts every node that does not run; returns when each says that it is up.

        Raises KafkaUnavailable; then, as after any other interruption, none runs.
        """
        self._expect_memory()
        command = [str(java()), *self._flags, "-cp", resolve()]
        attempts = 1 if self.nodes else _ATTEMPTS  # clients know the ports of old ones
        for left in reversed(range(attempts)):
            try:
                if not self.nodes:
                    self._place()
                self._start(command)
            except BaseException as error:
                self.down()
                # Somebody else may have taken a port since it was found free.
                if left and "Address already in use" in str(error):
                    self.nodes = []
                    continue
                raise
            return

    def down(self) -> None:
        """Kills all nodes at once; what they stored stays in the folder."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks all nodes to stop; the last ones cannot agree any more and are killed."""
        self._end(signal.SIGTERM, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def _expect_memory(self) -> None:
        missing = self._count - sum(node.running for node in self.nodes)
        expected, found = missing * MEMORY_EACH, psutil.virtual_memory().available
        if found < expected:
            raise KafkaUnavailable(
                f"expected {expected // MIB} MiB of free memory for {missing} nodes, "
                f"found {found // MIB}"
            )

    def _place(self) -> None:
        """Chooses ports and writes them down: who is killed later is found by them."""
        ports = free_ports(2 * self._count)
        self._ports = list(zip(ports[: self._count], ports[self._count :], strict=True))
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"cluster_id": self._cluster_id, "ports": self._ports}
        beside = self.folder / f"{STATE}.new"
        beside.write_text(json.dumps(state), encoding="utf-8")
        os.replace(beside, self.folder / STATE)  # noqa: PTH105 - seen whole or not
        self._make_nodes()

    def _find(self) -> None:
        state = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
        self._cluster_id = state["cluster_id"]
        self._ports = [(client, voter) for client, voter in state["ports"]]
        if len(self._ports) != self._count:
            raise KafkaUnavailable(
                f"expected {self._count} node(s) in {self.folder}, "
                f"found {len(self._ports)}: stop those and take another folder"
            )
        self._make_nodes()
        for node in self.nodes:
            node.adopt()

    def _make_nodes(self) -> None:
        self.nodes = []
        for number, (port, _) in enumerate(self._ports, 1):
            properties = self._properties(number)
            node = Node(
                self.folder / f"node-{number}",
                number=number,
                port=port,
                data=Path(properties["log.dirs"]),
                bound=self._bound,
            )
            self.nodes.append(node)

    def _properties(self, number: int) -> dict[str, str]:
        data = str(self.folder / f"node-{number}" / "data")
        properties = {
            **settings_of(self._count),
            **node_settings(number, self._ports, data, HOST),
            **self._settings,
            **self._of_node.get(number - 1, {}),
        }
        port, controller = map(str, self._ports[number - 1])
        return {
            name: value.replace("{port}", port).replace("{controller}", controller)
            for name, value in properties.items()
        }

    def _start(self, command: Sequence[str]) -> None:
        for node in self.nodes:
            node.command = command
            if not node.running:
                node.configure(self._properties(node.number))
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            jobs = [
                pool.submit(node.format, self._cluster_id, self._format_arguments)
                for node in self.nodes
            ]
        for job in jobs:
            job.result()
        # From this very thread: nodes that are bound end with it.
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait_started()

    def _end(self, *signals: signal.Signals) -> None:
        for node in self.nodes:
            for number in signals:
                node.signal(number)
        deadline = time.monotonic() + STOP_S
        for node in self.nodes:
            node.wait_ended(max(0.0, deadline - time.monotonic()))


def _new_id() -> str:
    """A random name in Kafka's spelling; as Kafka's own, never one like an option."""
    name = "-"
    while name.startswith("-"):
        name = _spelt(uuid.uuid4())
    return name


def _spelt(number: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(number.bytes).rstrip(b"=").decode()
