"""``python -m bench [PART …]``: prints figures; ``memory`` only when it is named."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import client, importing, latency, memory, replaying, scaling, throughput
from bench.brokers import MODES
from bench.machine import machine_line
from console.collector import collect_rarely

PARTS = ("latency", "throughput", "scaling", "replay", "client", "importing")
LONG = ("memory",)


def main() -> None:
    """Runs the parts that are named, all by default, the machine's line first."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, *LONG, []], default=[])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--log", choices=MODES, action="append", help="where the log lies; all of them"
    )
    parser.add_argument("--mapping", type=Path, help="importing: of a file of yours")
    parser.add_argument("--file", type=Path, help="importing: that file")
    given = parser.parse_args()
    collect_rarely()  # as the command does
    print(machine_line(), flush=True)
    modes = given.log or MODES
    many = {"events": given.events, "runs": given.runs, "modes": modes, "say": print}
    for part in given.parts or PARTS:
        if part == "latency":
            latency.run(events=300, modes=modes, say=print)
        elif part == "throughput":
            throughput.run(**many)
        elif part == "scaling":
            scaling.run(**many)
        elif part == "client":
            client.run(**many)
        elif part == "importing":
            importing.run(
                rows=given.events,
                runs=given.runs,
                say=print,
                mapping=given.mapping,
                file=given.file,
            )
        elif part == "memory":
            memory.run(events=given.events, say=print)
        else:
            replaying.run(events=given.events, say=print)


if __name__ == "__main__":
    main()
