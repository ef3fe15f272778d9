"""A ledger whose brokers stand behind proxies, one of them on a small disk of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.kafka import Node
from deploy.kafka.ports import HOST, free_ports
from tests.console.commands import commands
from tests.faults.proxy import Proxy
from tests.faults.world import PARTITIONS, QUICK, World
from tests.fix_kafka import own_kafka

DISK_SIZE: Final = 128 * 1024 * 1024
_BLOCK: Final = bytes(64 * 1024)
_SMALL: Final = 2


@dataclass(slots=True, kw_only=True)
class SmallDisk:
    """A file system of DISK_SIZE bytes with a broker's data on it."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Leaves not one byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (len(_BLOCK), 1):
                try:
                    while file.write(_BLOCK[:size]) == size:
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        """Gives back what was filled."""
        self._filler.unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """``proxies`` by node; ``disk`` is None where none can be mounted."""

    world: World
    proxies: Sequence[Proxy]
    disk: SmallDisk | None

    @property
    def on_disk(self) -> Node:
        """The node whose data lie on the small disk."""
        return self.world.kafka.nodes[_SMALL]


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """Founds a ledger whose clients know the proxies alone; brokers meet directly."""
    with ExitStack() as stack:
        disk = stack.enter_context(_small_disk(folder / "disk"))
        proxies = [stack.enter_context(Proxy()) for _ in range(3)]
        listeners = {
            index: _listeners(proxy.port, internal)
            for index, (proxy, internal) in enumerate(
                zip(proxies, free_ports(3), strict=True)
            )
        }
        if disk is not None:
            listeners[_SMALL]["log.dirs"] = str(disk.folder / "data")
        kafka = stack.enter_context(
            own_kafka(folder / "kafka", settings=QUICK, of_node=listeners)
        )
        for proxy, node in zip(proxies, kafka.nodes, strict=True):
            proxy.target = node.port
        made = stack.enter_context(commands(folder / "ledger", folder / "said"))
        document = made.answer(
            *("init", "--topics", "faults", "--partitions", str(PARTITIONS)),
            *("--kafka", ",".join(f"{HOST}:{proxy.port}" for proxy in proxies)),
        )
        world = World(
            folder=folder, kafka=kafka, commands=made, origin=document["origin"]
        )
        world.start()
        yield Surroundings(world=world, proxies=proxies, disk=disk)
        world.stop()


def _listeners(proxy: int, internal: int) -> dict[str, str]:
    names = ("PLAINTEXT", "INTERNAL", "CONTROLLER")
    return {
        "listeners": f"PLAINTEXT://{HOST}:{{port}},INTERNAL://{HOST}:{internal},"
        f"CONTROLLER://{HOST}:{{controller}}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{proxy},"
        f"INTERNAL://{HOST}:{internal}",
        "inter.broker.listener.name": "INTERNAL",
        "listener.security.protocol.map": ",".join(f"{n}:PLAINTEXT" for n in names),
    }


@contextmanager
def _small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """None where this user may not mount one."""
    folder.mkdir(parents=True)
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    given = ("-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(folder))
    if (
        mount is None
        or unmount is None
        or subprocess.run((mount, *given), capture_output=True).returncode
    ):
        yield None
        return
    try:
        yield SmallDisk(folder=folder)
    finally:
        subprocess.run((unmount, "-l", str(folder)), check=True)
