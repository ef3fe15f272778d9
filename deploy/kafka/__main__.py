"""``python -m deploy.kafka up|down|status``: brokers that stay until told to go."""

from __future__ import annotations

import argparse
import fcntl
import sys
from pathlib import Path

from deploy.kafka.cluster import SIZES, LocalKafka
from deploy.kafka.ports import HOST, answers
from deploy.kafka.trouble import KafkaUnavailable

DEFAULT_DIR = Path("deploy-data")


def main() -> int:
    """Runs one command; 0 done, 1 the answer is no, 2 bad usage, 4 unavailable."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--nodes", type=int, choices=SIZES, default=3)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    given = parser.parse_args()
    folder: Path = given.dir.absolute() / "kafka"
    try:
        match given.command:
            case "up":
                return _up(folder, given.nodes)
            case "down":
                return _down(folder)
            case _:
                return _status(folder)
    except KafkaUnavailable as error:
        print(f"unavailable: {error}", file=sys.stderr)
        print("本机无法启动 Kafka：提示中写明所缺内容，补齐后再次执行", file=sys.stderr)
        return 4


def _up(folder: Path, nodes: int) -> int:
    """Starts brokers where none run; the last line is their addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second command waits and finds them up
        cluster = LocalKafka(folder, nodes=nodes, quick=False, bound=False)
        cluster.up()
    print(f"Kafka runs; its folder is {folder}", file=sys.stderr)
    print(cluster.bootstrap)
    return 0


def _down(folder: Path) -> int:
    """Stops the brokers that ``up`` started; what they stored stays."""
    stopped = 0
    cluster = LocalKafka.found(folder)
    if cluster is not None:
        stopped = sum(node.running for node in cluster.nodes)
        cluster.stop()
    print(f"stopped {stopped} Kafka node(s)", file=sys.stderr)
    return 0


def _status(folder: Path) -> int:
    """Says of each node whether it runs and answers; 0 when all do."""
    cluster = LocalKafka.found(folder)
    if cluster is None:
        print(f"no Kafka in {folder}: `make kafka-up` starts one", file=sys.stderr)
        return 1
    well = True
    for node in cluster.nodes:
        words = "stopped"
        if node.running:
            says = answers(node.port)
            words = f"pid {node.pid}, {'answers' if says else 'does not answer'}"
        well = well and words.endswith(" answers")
        print(f"node {node.number}: {HOST}:{node.port}: {words}")
    print(cluster.bootstrap)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
