"""``python -m deploy.kafka up|down|status``: brokers that stay until they are told to go."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from deploy.kafka.cluster import SIZES, LocalKafka
from deploy.kafka.node import Node
from deploy.kafka.ports import HOST, answers
from deploy.kafka.trouble import KafkaUnavailable

DEFAULT_DIR = Path("deploy-data")
STATE = "cluster.json"


def main() -> int:
    """Runs one command; 0 done, 1 the answer is no, 2 bad usage, 4 unavailable."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--nodes", type=int, choices=SIZES, default=3)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    given = parser.parse_args()
    folder: Path = given.dir.absolute()
    try:
        if given.command == "up":
            addresses = up(folder, given.nodes)
            print(f"Kafka runs; its folder is {folder}", file=sys.stderr)
            print(addresses)
            return 0
        if given.command == "down":
            print(f"stopped {down(folder)} Kafka node(s)", file=sys.stderr)
            return 0
        return status(folder)
    except KafkaUnavailable as error:
        print(f"unavailable: {error}", file=sys.stderr)
        return 4


def up(folder: Path, nodes: int) -> str:
    """Starts brokers where none run; returns their addresses."""
    known = _known(folder)
    if known:
        for node in known:
            node.start(wait=False)
        for node in known:
            if not answers(node.port):
                node.wait_started()
    else:
        shutil.rmtree(folder / "kafka", ignore_errors=True)
        cluster = LocalKafka(folder / "kafka", nodes=nodes, bound=False)
        cluster.up()
        known = cluster.nodes
    _write(folder, known)
    return _addresses(known)


def down(folder: Path) -> int:
    """Stops the brokers that ``up`` started, says how many; what they stored stays."""
    running = [node for node in _known(folder) if node.running]
    for node in running:
        node.stop()
    return len(running)


def status(folder: Path) -> int:
    """Says of each node whether it runs and answers; 0 when all do."""
    known = _known(folder)
    if not known:
        print(f"no Kafka in {folder}: `make kafka-up` starts one", file=sys.stderr)
        return 1
    for node in known:
        words = "stopped"
        if node.running:
            words = f"pid {node.pid}, " + (
                "answers" if answers(node.port) else "does not answer"
            )
        print(f"node {node.number}: {HOST}:{node.port}: {words}")
    print(_addresses(known))
    return 0 if all(node.running and answers(node.port) for node in known) else 1


def bootstrap_of(folder: Path) -> str:
    """The addresses of the brokers that ``up`` started there; empty when none runs."""
    return _addresses([node for node in _known(folder) if node.running])


def _addresses(nodes: list[Node]) -> str:
    return ",".join(f"{HOST}:{node.port}" for node in nodes)


def _write(folder: Path, nodes: list[Node]) -> None:
    state = [
        {
            "folder": str(node.folder),
            "number": node.number,
            "port": node.port,
            "pid": node.pid,
            "command": node.command,
        }
        for node in nodes
    ]
    beside = folder / f"{STATE}.new"
    beside.write_text(json.dumps(state, indent=1), encoding="utf-8")
    os.replace(beside, folder / STATE)  # noqa: PTH105 - one step, whoever reads it


def _known(folder: Path) -> list[Node]:
    path = folder / STATE
    if not path.exists():
        return []
    nodes = []
    for one in json.loads(path.read_text(encoding="utf-8")):
        node = Node.formatted(
            Path(one["folder"]),
            number=one["number"],
            port=one["port"],
            command=one["command"],
        )
        # A number that was given to another process since is not believed.
        if one["pid"] is not None:
            node.adopt(one["pid"])
        nodes.append(node)
    return nodes


if __name__ == "__main__":
    sys.exit(main())
