"""Append -> verdict on an idle ledger, and until the sealed receipt is there."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench import province
from bench.machine import percentile
from console.ledger import Ledger
from ledger.publish import Signed

WARM_UP = 20


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


def run(*, events: int, say: Callable[[str], None]) -> None:
    """Prints p50 and p99 of both."""
    with province.founded() as ledger, ledger.engine.held():
        records = province.signed_alone(ledger, events + WARM_UP, prefix="L")
        for signed in records[:WARM_UP]:
            one(ledger, signed)
        times = [one(ledger, signed) for signed in records[WARM_UP:]]
    for title, index, goal in (
        ("verdict", 0, "10 / 50"),
        ("sealed receipt", 1, "20 / 100"),
    ):
        values = [pair[index] for pair in times]
        say(
            f"append -> {title}, idle, {events} events: p50 {percentile(values, 0.5):.1f} "
            f"ms, p99 {percentile(values, 0.99):.1f} ms  (goal {goal} ms)"
        )
