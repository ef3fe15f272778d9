"""``rebuild``: the derived tables made again from the log, compared, and swapped in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from console.ledger import Ledger
from ledger.errors import Unavailable
from ledger.sources import source_names
from projections.migrate import VIEWS, require_current, stale
from replay.compare import compare
from replay.rebuild import REBUILD, Rebuild, swap_in

if TYPE_CHECKING:
    from psycopg import Connection


def rebuild(
    ledger: Ledger, *, swap: bool, trust: bool, told: Callable[[int], None]
) -> dict[str, Any]:
    """Rebuilds every table; ``swap`` puts the new ones in place of the live ones.

    ``trust``: signatures that sealed verdicts vouch for are not computed again. Live
    tables of another version of this program are replaced without being compared;
    raises Unavailable without ``swap``, or while another process works on them.
    """
    conn = ledger.connect()
    replacing = stale(conn)
    if replacing and not swap:
        require_current(conn)
    if not replacing:
        ledger.catch_up()
    with ledger.engine.held() as whole:
        if replacing and not whole:
            raise Unavailable(
                "another process seals or projects this ledger",
                expected="none while its tables are replaced",
            )
        made = Rebuild(
            conn,
            log=ledger.log,
            head=ledger.head,
            sources=source_names(ledger.partitions),
            trust_sealed_verdicts=trust,
            offers=replacing,
        ).run(progress=told)
        tables = [] if replacing else _compared(conn)
        if swap:
            swap_in(conn, ahead=replacing)
    return {
        "records": made.records,
        "accepted": made.accepted,
        "seal_no": made.seal_no,
        "equal": all(one["equal"] for one in tables),
        "swapped": swap,
        "replaced": replacing,
        "tables": tables,
        "digests": {name: digest.hex() for name, digest in made.digests.items()},
    }


def _compared(conn: Connection[Any]) -> list[dict[str, Any]]:
    return [
        {
            "table": one.table,
            "equal": one.equal,
            "first_difference": None if one.equal else str(one.difference),
        }
        for one in compare(conn, VIEWS, REBUILD)
    ]
