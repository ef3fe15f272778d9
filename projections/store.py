"""What all projections write of one batch, in one order, and the chains they read back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from psycopg import Connection, Cursor, sql

from ledger.admission import Admission, Verdict
from ledger.chain import ChainState
from projections import (
    audit_trail,
    chain,
    field_history,
    holder_archive,
    license,
    registry,
    timeline,
)
from projections.table import Table

TABLES: tuple[Table, ...] = (
    *audit_trail.TABLES,
    *chain.TABLES,
    *license.TABLES,
    *timeline.TABLES,
    *holder_archive.TABLES,
    *field_history.TABLES,
    *registry.TABLES,
)


def load_chains(
    conn: Connection[Any], subjects: Collection[str]
) -> dict[tuple[str, str], ChainState]:
    """Everything admission asks of the chains of these subjects."""
    chains = chain.load(conn, subjects)
    named = [subject for kind, subject in chains if kind == "license"]
    for license_id, folded in license.load(conn, named).items():
        chains["license", license_id].license = folded
    return chains


def analyze(conn: Connection[Any]) -> None:
    """Tells the planner what the tables that the search_path finds hold."""
    listed = sql.SQL(", ").join(sql.Identifier(table.name) for table in TABLES)
    conn.execute(sql.SQL("ANALYZE {}").format(listed))


def write(cur: Cursor[Any], verdicts: Sequence[Verdict], admission: Admission) -> None:
    """Writes the rows of a batch; the caller holds the transaction.

    ``admission`` stands as it does after the batch, whose chains it still holds.
    """
    audit_trail.write(cur, verdicts)
    accepted = [verdict for verdict in verdicts if verdict.accepted]
    licenses = [verdict for verdict in accepted if verdict.after is not None]
    if len(licenses) < len(accepted):
        registry.write(cur, accepted, admission.registry)
    if accepted:
        chain.write(cur, accepted)
    if licenses:
        timeline.write(cur, licenses, admission)
        license.write(cur, licenses)
        holder_archive.write(cur, licenses)
        field_history.write(cur, licenses, admission)
