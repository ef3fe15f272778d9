"""Writing a batch in one transaction, and which chains stay in memory behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ledger.admission import Verdict
from ledger.chain import Chains
from ledger.log.head import offer_verdicts
from projections import store
from projections.fold import Batch, Fold
from projections.resume import advance, marks
from projections.tracking import Tracking

if TYPE_CHECKING:
    from psycopg import Connection

RECORDS_MAX = 4_000
CHAINS_KEPT = 8_192


def write_batch(
    conn: Connection[Any],
    fold: Fold,
    batch: Batch,
    *,
    tracking: Tracking,
    tracked: dict[str, int],
    sources: Sequence[str],
    offers: bool = True,
) -> None:
    """Writes a batch whole or not at all, and notes in ``tracked`` where rows stand then.

    ``offers``: the sealer is handed its verdicts. Raises Fenced when another projector
    moved one of ``sources``.
    """
    # A long way without own records is noted too, or a successor would go it again, and
    # who watches would see no progress.
    if not batch.count and not marks(fold, tracked=tracked, sources=sources):
        return
    with conn.transaction(), conn.cursor() as cur:
        moved = advance(tracking, cur, fold, tracked=tracked, sources=sources)
        if batch.count:
            store.write(cur, batch.verdicts, fold.admission)
            if offers:
                offer_verdicts(cur, batch.ranges)
    tracked.update(moved)
    keep_recent(fold.admission.chains, batch.verdicts)


def keep_recent(chains: Chains, verdicts: Iterable[Verdict]) -> None:
    """Drops the chains that were not touched for longest: memory does not grow.

    The tables hold what is dropped; they are written already.
    """
    for verdict in verdicts:
        event = verdict.event
        if event is None:
            continue
        state = chains.pop((event["chain"], event["subject"]), None)
        if state is not None:
            chains[event["chain"], event["subject"]] = state
    for key in list(chains)[: max(0, len(chains) - CHAINS_KEPT)]:
        del chains[key]
