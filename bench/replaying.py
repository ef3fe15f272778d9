"""What is sealed, judged again: projection, rebuild of every table, and full audit."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

from bench import province
from bench.machine import processor_seconds
from console.auditing import audit_ledger
from console.ledger import Ledger
from console.rebuilding import make_tables
from ledger.sources import source_names
from replay.rebuild import summed_up


def projection_rate(ledger: Ledger, count: int) -> float:
    """Events per second of one projector for which everything is sealed already."""
    sealing = ledger.engine.only(seal=True, sources=())
    with sealing.held():
        sealing.rest()
    projecting = ledger.engine.only(seal=False, sources=source_names(ledger.partitions))
    with projecting.held():
        started = time.perf_counter()
        projecting.rest()
        return count / (time.perf_counter() - started)


def rebuild_cost(
    ledger: Ledger, count: int, *, trust: bool, processes: int
) -> tuple[float, float, float]:
    """Events per second of a whole rebuild, its digests too; processes start within it.

    Then the processor time an event took in this process and in its PostgreSQL backend,
    in µs. ``trust`` takes sealed verdicts for signatures.
    """
    conn = ledger.connect()
    backend = conn.info.backend_pid
    own, served = time.process_time(), processor_seconds(backend)
    started = time.perf_counter()
    make_tables(
        ledger,
        conn,
        processes=processes,
        trust=trust,
        offers=False,
        told=lambda _: None,
    )
    summed_up(conn)
    rate = count / (time.perf_counter() - started)
    own, served = time.process_time() - own, processor_seconds(backend) - served
    return rate, own / count * 1e6, served / count * 1e6


def run(*, events: int, say: Callable[[str], None]) -> None:
    """Prints the three rates of a batch-signed ledger, then of one signed alone."""
    for title, goal, sign, count in (
        ("batch-signed", "12,000", province.signed_in_batches, events),
        ("each signed alone", "3,500", province.signed_alone, max(1, events // 4)),
    ):
        with province.founded() as ledger:
            for start in range(0, count, 5_000):
                size = min(5_000, count - start)
                ledger.publish(sign(ledger, size, prefix=f"R{start}"))
            say(
                f"live projection, {title}: {projection_rate(ledger, count):,.0f} events/s"
            )
            ledger.rest()
            for processes, aim in ((1, "25,000"), (2, "45,000")):
                for trust in (False, True):
                    words = "sealed verdicts trusted" if trust else "all checks"
                    rate, own, served = rebuild_cost(
                        ledger, count, trust=trust, processes=processes
                    )
                    say(
                        f"rebuild, {title}, {words}, processes: {processes}: "
                        f"{rate:,.0f} events/s  (goal {aim})"
                    )
                    if processes == 1:
                        say(
                            f"  an event takes {own:,.0f} µs of this process and "
                            f"{served:,.0f} µs of PostgreSQL"
                        )
            started, cpu = time.perf_counter(), time.process_time()
            document = audit_ledger(ledger, say=lambda _: None)
            rate = document["records"] / (time.perf_counter() - started)
            core = document["records"] / (time.process_time() - cpu)
            say(
                f"audit, {title}: {rate:,.0f} events/s, {core:,.0f} per core-second, "
                f"{document['result']}  (goal {goal} per core)"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"peak memory of this process: {peak:,.0f} MiB")
