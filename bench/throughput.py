"""Accepted events per second end to end: append, seal, admit, project, verdicts sealed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from bench import peer, province
from bench.brokers import Mode, place, started
from bench.machine import spread
from console.ledger import Ledger
from ledger.publish import Signed

APPEND_AT_ONCE = 1_000
GOALS: Final[dict[Mode, int]] = {
    "embedded": 10_000,
    "one broker": 6_000,
    "three brokers": 4_000,
}


def rate(ledger: Ledger, signed: Sequence[Signed]) -> float:
    """Events per second from the first append until every verdict is sealed."""
    started = time.perf_counter()
    with ledger.engine.held():
        for start in range(0, len(signed), APPEND_AT_ONCE):
            ledger.publish(signed[start : start + APPEND_AT_ONCE])
        ledger.engine.rest()
    return len(signed) / (time.perf_counter() - started)


def run(
    *, events: int, runs: int, modes: Sequence[Mode], say: Callable[[str], None]
) -> None:
    """Prints both ways of signing for each log, the peer beside the embedded one."""
    for mode in modes:
        with (
            started(mode) as bootstrap,
            province.founded(place(mode, bootstrap)) as ledger,
        ):
            alone, together, saved = [], [], []
            for number in range(runs):
                records = province.signed_in_batches(
                    ledger, events, prefix=f"B{number}"
                )
                together.append(rate(ledger, records))
                few = max(1, events // 5)
                records = province.signed_alone(ledger, few, prefix=f"A{number}")
                alone.append(rate(ledger, records))
                saved.append(peer.save_rate(ledger.dsn, events=max(1, events // 10)))
            counts = dict(
                ledger.views.execute(
                    "SELECT verdict, count(*) FROM audit_trail GROUP BY verdict"
                ).fetchall()
            )
        goal = f"(goal {GOALS[mode]:,})"
        say(f"end to end, {mode}, batch-signed: {spread(together, 'events/s')}  {goal}")
        say(f"end to end, {mode}, each signed alone: {spread(alone, 'events/s')}")
        say(f"eventsourcing, one event a save: {spread(saved, 'events/s')}")
        ratios = [a / b for a, b in zip(together, saved, strict=True)]
        say(f"ratio batch-signed / eventsourcing, in pairs: {spread(ratios, 'x', 1)}")
        say(f"verdicts: {counts}")
