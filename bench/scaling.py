"""The rate end to end when sealer and projectors are processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import province
from bench.brokers import Mode, place, started
from bench.machine import spread
from bench.throughput import APPEND_AT_ONCE
from console.ledger import Ledger
from ledger.publish import Signed
from ledger.sources import SEALS

PROJECTORS: Final = (1, 2, 4)
PARTITIONS: Final = 12
PATIENCE_S: Final = 600.0
ENVIRONMENT: Final = {"LICENSE_LEDGER_PASSPHRASE": "bench"}
COMMAND: Final = Path(sys.executable).with_name("license-ledger")


def run(
    *, events: int, runs: int, modes: Sequence[Mode], say: Callable[[str], None]
) -> None:
    """Prints events per second with one sealer and 1, 2 and 4 projector processes."""
    for mode in modes:
        for count in PROJECTORS:
            with (
                started(mode) as bootstrap,
                province.founded(place(mode, bootstrap)) as ledger,
                processes(ledger, count),
            ):
                rates = []
                for number in range(runs):
                    records = province.signed_in_batches(
                        ledger, events, prefix=f"S{number}"
                    )
                    rates.append(rate(ledger, records))
            say(
                f"end to end, {mode}, 1 sealer + {count} projectors, batch-signed: "
                f"{spread(rates, 'events/s')}"
            )


def rate(ledger: Ledger, signed: Sequence[Signed]) -> float:
    """Events per second from the first append until the others have sealed all verdicts."""
    began = time.perf_counter()
    for start in range(0, len(signed), APPEND_AT_ONCE):
        ledger.publish(signed[start : start + APPEND_AT_ONCE])
    ends = {name: end for name, end in ledger.log.ends().items() if name != SEALS}
    while not _judged(ledger, ends):
        if time.perf_counter() - began > PATIENCE_S:
            raise TimeoutError("the verdicts did not come")
        time.sleep(0.005)
    return len(signed) / (time.perf_counter() - began)


def _judged(ledger: Ledger, ends: dict[str, int]) -> bool:
    sealed = ledger.head.load().tip.verdict_nexts
    return all(sealed.get(name, 0) >= end for name, end in ends.items())


@contextmanager
def processes(
    ledger: Ledger, projectors: int
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """One sealer and so many projectors, in this order; they end with the block."""
    size = PARTITIONS // projectors
    groups = [f"{first}-{first + size - 1}" for first in range(0, PARTITIONS, size)]
    commands = [["seal"], *(["project", "--partitions", group] for group in groups)]
    began = [_start(ledger, command) for command in commands]
    try:
        yield began
    finally:
        for process in began:
            process.terminate()
        for process in began:
            process.wait(timeout=60)


def _start(ledger: Ledger, command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [COMMAND, *command, "--dir", str(ledger.settings.directory)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
