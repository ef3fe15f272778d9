"""Memory of sealer and projector while very many events pass through them."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from bench import province
from bench.scaling import processes, rate
from console.ledger import Ledger

CHUNK = 5_000
SAMPLES = 10


def run(*, events: int, say: Callable[[str], None]) -> None:
    """Prints the resident memory of each process, and the database, ten times."""
    with province.founded() as ledger, processes(ledger, 1) as began:
        every = max(1, events // CHUNK // SAMPLES)
        empty = _database_bytes(ledger)
        for number in range(events // CHUNK):
            rate(ledger, province.signed_in_batches(ledger, CHUNK, prefix=f"M{number}"))
            if (number + 1) % every == 0:
                sealer, projector = (
                    psutil.Process(one.pid).memory_info().rss / 2**20 for one in began
                )
                done = (number + 1) * CHUNK
                stored = (_database_bytes(ledger) - empty) / done / 1_000
                say(
                    f"resident memory after {done:,} events: sealer {sealer:,.0f} MiB, "
                    f"projector {projector:,.0f} MiB; {stored:.1f} kB of database an event"
                )


def _database_bytes(ledger: Ledger) -> int:
    row = ledger.views.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0 if row is None else int(row[0])
