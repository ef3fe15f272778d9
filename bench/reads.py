"""Single reads of a ledger with very many events, in this process: p50 and p99."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial

from bench.machine import percentile
from console.ledger import Ledger
from ledger.tiles import inclusion_path, inclusion_tiles
from projections import chain, license
from projections.states import fold_on, types_of
from projections.timeline import timeline_of

COUNT = 1_000
_DAY = 20_500  # 2026-02-16, after the licenses were issued
_SAMPLE = "SELECT license_id FROM views.license TABLESAMPLE BERNOULLI (%s) LIMIT %s"


def say_reads(ledger: Ledger, events: int, say: Callable[[str], None]) -> None:
    """Prints how long each kind of read takes, of licenses drawn at random.

    The registry is read once, as a program does that goes on; the rest comes from
    PostgreSQL for each.
    """
    share = min(100.0, 300 * COUNT / max(events, 1))
    found = ledger.views.execute(_SAMPLE, (share, 3 * COUNT)).fetchall()
    ids = [row[0] for row in found]
    random.Random(1).shuffle(ids)
    registry = ledger.registry()
    size = ledger.head.load().tip.tree_size

    def proof(license_id: str) -> Sequence[bytes]:
        place = positions[license_id]
        return inclusion_path(
            place, size, ledger.head.tiles_at(inclusion_tiles(place, size))
        )

    def as_of(license_id: str) -> object:
        acts = chain.acts_of(ledger.views, license_id)
        return fold_on(_DAY, acts, types_of(registry, license_id))

    positions: dict[str, int] = {}
    asked = ids[:COUNT]
    for license_id in asked:
        row = license.find(ledger.views, license_id)
        positions[license_id] = row.last_position if row else 0
    kinds: Sequence[tuple[str, int, Callable[[str], object]]] = (
        ("inclusion proof", 1, proof),
        ("license", 2, partial(license.find, ledger.views)),
        ("timeline", 5, partial(timeline_of, ledger.views)),
        ("license as of a day", 10, as_of),
    )
    for title, goal, read in kinds:
        times = [_timed(read, license_id) for license_id in asked]
        say(
            f"{title}, {events:,} events: p50 {percentile(times, 0.5):.2f} ms, "
            f"p99 {percentile(times, 0.99):.2f} ms  (goal {goal} ms p99 at 10,000,000)"
        )


def _timed(read: Callable[[str], object], license_id: str) -> float:
    began = time.perf_counter()
    if not read(license_id):
        raise AssertionError("a bench read found nothing")
    return (time.perf_counter() - began) * 1e3
