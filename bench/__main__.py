"""``python -m bench [latency] [throughput] [replay]``: prints figures, the machine first."""

from __future__ import annotations

import argparse

from bench import latency, replaying, throughput
from bench.machine import machine_line
from console.collector import collect_rarely

PARTS = ("latency", "throughput", "replay")


def main() -> None:
    """Runs the parts that are named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    collect_rarely()  # as the command does
    print(machine_line(), flush=True)
    for part in given.parts or PARTS:
        if part == "latency":
            latency.run(events=300, say=print)
        elif part == "replay":
            replaying.run(events=given.events, say=print)
        else:
            throughput.run(events=given.events, runs=given.runs, say=print)


if __name__ == "__main__":
    main()
