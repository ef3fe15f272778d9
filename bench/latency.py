"""Append -> verdict on an idle ledger, and until the sealed receipt is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from bench import province
from bench.brokers import Mode, place, started
from bench.machine import percentile
from console.ledger import Ledger
from ledger.publish import Signed

WARM_UP = 20
GOALS: Final[dict[Mode, tuple[str, str]]] = {
    "embedded": ("10 / 50", "20 / 100"),
    "one broker": ("15 / 60", "30 / 120"),
    "three brokers": ("30 / 120", "60 / 240"),
}


def one(ledger: Ledger, signed: Signed) -> tuple[float, float]:
    """Milliseconds until the verdict is projected, and until it is sealed."""
    started = time.perf_counter()
    appended = ledger.publish([signed])[0]
    row = ledger.await_verdict(appended)
    judged = time.perf_counter()
    ledger.engine.rest()
    sealed = time.perf_counter()
    if row.verdict != "accepted":
        raise AssertionError(f"bench event was refused: {row.verdict} {row.detail}")
    return (judged - started) * 1e3, (sealed - started) * 1e3


def run(*, events: int, modes: Sequence[Mode], say: Callable[[str], None]) -> None:
    """Prints p50 and p99 of both, for each log."""
    for mode in modes:
        with (
            started(mode) as bootstrap,
            province.founded(place(mode, bootstrap)) as ledger,
            ledger.engine.held(),
        ):
            records = province.signed_alone(ledger, events + WARM_UP, prefix="L")
            for signed in records[:WARM_UP]:
                one(ledger, signed)
            times = [one(ledger, signed) for signed in records[WARM_UP:]]
        for index, title in enumerate(("verdict", "sealed receipt")):
            values = [pair[index] for pair in times]
            say(
                f"append -> {title}, idle, {mode}, {events} events: "
                f"p50 {percentile(values, 0.5):.1f} ms, "
                f"p99 {percentile(values, 0.99):.1f} ms  (goal {GOALS[mode][index]} ms)"
            )
