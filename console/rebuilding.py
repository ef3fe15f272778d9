"""``rebuild``: the derived tables made again from the log, compared, and swapped in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.ledger import Ledger
from ledger.sources import source_names
from projections.migrate import VIEWS
from replay.compare import compare
from replay.rebuild import REBUILD, Rebuild, swap_in


def rebuild(
    ledger: Ledger, *, swap: bool, trust: bool, told: Callable[[int], None]
) -> dict[str, Any]:
    """Rebuilds every table; ``swap`` puts the new ones in place of the live ones.

    ``trust``: signatures that sealed verdicts vouch for are not computed again.
    """
    ledger.catch_up()
    conn = ledger.connect()
    with ledger.engine.held():
        made = Rebuild(
            conn,
            log=ledger.log,
            head=ledger.head,
            sources=source_names(ledger.partitions),
            trust_sealed_verdicts=trust,
        ).run(progress=told)
        tables = [
            {
                "table": one.table,
                "equal": one.equal,
                "first_difference": None if one.equal else str(one.difference),
            }
            for one in compare(conn, VIEWS, REBUILD)
        ]
        if swap:
            swap_in(conn)
    return {
        "records": made.records,
        "accepted": made.accepted,
        "seal_no": made.seal_no,
        "equal": all(one["equal"] for one in tables),
        "swapped": swap,
        "tables": tables,
        "digests": {name: digest.hex() for name, digest in made.digests.items()},
    }
