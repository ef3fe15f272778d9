"""Memory of sealer and projector while very many events pass through them."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from bench import province
from bench.scaling import processes, rate

CHUNK = 5_000
SAMPLES = 10


def run(*, events: int, say: Callable[[str], None]) -> None:
    """Prints the resident memory of each process ten times on the way."""
    with province.founded() as ledger, processes(ledger, 1) as began:
        every = max(1, events // CHUNK // SAMPLES)
        for number in range(events // CHUNK):
            rate(ledger, province.signed_in_batches(ledger, CHUNK, prefix=f"M{number}"))
            if (number + 1) % every == 0:
                sealer, projector = (
                    psutil.Process(one.pid).memory_info().rss / 2**20 for one in began
                )
                say(
                    f"resident memory after {(number + 1) * CHUNK:,} events: "
                    f"sealer {sealer:,.0f} MiB, projector {projector:,.0f} MiB"
                )
