"""``rebuild``: the derived tables made again from the log, compared, and swapped in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from console import parts
from console.ledger import Ledger
from ledger.errors import Unavailable
from ledger.refusals import ACCEPTED
from ledger.sources import source_names
from projections import audit_trail
from projections.batches import RECORDS_MAX
from projections.claims import leading
from projections.migrate import VIEWS, require_current, stale
from replay.compare import TableComparison, compare
from replay.rebuild import REBUILD, Rebuild, begin, make_indexes, summed_up, swap_in
from replay.sealed_verdicts import SealedVerdicts

if TYPE_CHECKING:
    from psycopg import Connection

Told = Callable[[int], None]
"""Called with the number of records that are rebuilt."""


def rebuild(
    ledger: Ledger, *, swap: bool, trust: bool, told: Told, processes: int = 1
) -> dict[str, Any]:
    """Rebuilds every table; ``swap`` puts the new ones in place of the live ones.

    ``trust``: signatures that sealed verdicts vouch for are not computed again. Live
    tables of another version of this program are replaced without being compared;
    raises Unavailable without ``swap``, while another process works on them, or while
    there is another rebuild.
    """
    conn = ledger.connect()
    replacing = stale(conn)
    if replacing and not swap:
        require_current(conn)
    if not replacing:
        ledger.catch_up()
    with ledger.engine.held() as whole, leading(conn):
        if replacing and not whole:
            raise Unavailable(
                "another process seals or projects this ledger",
                expected="none while its tables are replaced",
            )
        seal_no = make_tables(
            ledger, conn, processes=processes, trust=trust, offers=replacing, told=told
        )
        verdicts = audit_trail.count_by_verdict(conn)
        # Summing up reads every row: once of each schema is enough.
        compared = [] if replacing else compare(conn, VIEWS, REBUILD)
        digests = {one.table: one.second for one in compared} or summed_up(conn)
        if swap:
            swap_in(conn, ahead=replacing)
    tables = [_shown(one) for one in compared]
    return {
        "records": sum(verdicts.values()),
        "accepted": verdicts.get(ACCEPTED, 0),
        "seal_no": seal_no,
        "equal": all(one["equal"] for one in tables),
        "swapped": swap,
        "replaced": replacing,
        "tables": tables,
        "digests": {name: digest.hex() for name, digest in digests.items()},
    }


def make_tables(
    ledger: Ledger,
    conn: Connection[Any],
    *,
    processes: int,
    trust: bool,
    offers: bool,
    told: Told,
    records_max: int = RECORDS_MAX,
) -> int:
    """Makes the schema of the rebuild, whole; returns the last seal that was read.

    ``conn`` is the caller's own and uses that schema afterwards.
    """
    vouched = SealedVerdicts(ledger.head).vouch if trust else None

    def whole() -> Rebuild:
        return Rebuild(
            conn,
            log=ledger.log,
            head=ledger.head,
            sources=source_names(ledger.partitions),
            vouched=vouched,
            offers=offers,
            records_max=records_max,
        )

    begin(conn)
    if processes > 1:
        parts.fill(
            ledger,
            processes=processes,
            vouched=vouched,
            offers=offers,
            records_max=records_max,
            told=told,
        )
    else:
        whole().catch_up(told=told)
    make_indexes(conn)
    # What was sealed meanwhile: until here, each source stood where it happened to.
    last = whole()
    last.catch_up(told=told)
    return last.seal_no


def _shown(one: TableComparison) -> dict[str, Any]:
    return {
        "table": one.table,
        "equal": one.equal,
        "first_difference": None if one.equal else str(one.difference),
    }
