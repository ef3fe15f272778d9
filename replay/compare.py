"""Whether two sets of derived tables are equal, and where the first difference is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.errors import Unavailable
from ledger.log.postgres import translated
from projections.digest import first_difference, table_digest
from projections.store import TABLES
from projections.swap import same_place

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TableComparison:
    """One table in two schemas; ``difference`` is the key of the first row that differs."""

    table: str
    first: bytes
    second: bytes
    difference: tuple[Any, ...] | None

    @property
    def equal(self) -> bool:
        """Whether both digests are the same."""
        return self.first == self.second


def compare(
    conn: Connection[Any], first: str, second: str
) -> Sequence[TableComparison]:
    """Compares all derived tables of two schemas in one snapshot of the database.

    Raises Unavailable when the two do not stand at the same place.
    """
    with translated("comparing tables"), conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if not same_place(conn, first, second):
            raise Unavailable(
                "the tables stand at different places",
                code="tables_apart",
                expected="the same number of records of every source",
                found="another one",
                where=f"{first}, {second}",
            )
        found = []
        for table in TABLES:
            digests = []
            for schema in (first, second):
                conn.execute("SELECT set_config('search_path', %s, true)", (schema,))
                digests.append(table_digest(conn, table))
            difference = None
            if digests[0] != digests[1]:
                difference = first_difference(conn, first, second, table)
            found.append(
                TableComparison(
                    table=table.name,
                    first=digests[0],
                    second=digests[1],
                    difference=difference,
                )
            )
    return found
