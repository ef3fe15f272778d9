"""Who does what: advisory locks in the database, held by one connection.

They only spare work. What protects the ledger is the compare-and-swap on head and
tracking rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ledger.log.postgres import translated

if TYPE_CHECKING:
    from psycopg import Connection

SEALING = "license-ledger/seal"
_PROJECTING = "license-ledger/project/"
_TAKE = """
SELECT name, pg_try_advisory_lock(hashtextextended(name, 0))
FROM unnest(%s::text[]) AS name
"""
_GIVE_BACK = """
SELECT pg_advisory_unlock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name
"""


def projecting(source: str) -> str:
    """The lock of whoever projects a source."""
    return _PROJECTING + source


class Locks:
    """Some locks, taken one by one as they are free; they end with the connection.

    ``conn`` is in autocommit mode. Raises Unavailable when it is lost.
    """

    def __init__(self, conn: Connection[Any], names: Sequence[str]) -> None:
        self._conn = conn
        self._names = tuple(names)
        self._held: frozenset[str] = frozenset()

    @property
    def held(self) -> tuple[str, ...]:
        """Those that are held, in the order given."""
        return tuple(name for name in self._names if name in self._held)

    @property
    def complete(self) -> bool:
        """Whether all of them are held."""
        return len(self._held) == len(self._names)

    def take(self) -> bool:
        """Takes those that are free; True if there was one."""
        wanted = [name for name in self._names if name not in self._held]
        if not wanted:
            return False
        with translated("taking locks"):
            rows = self._conn.execute(_TAKE, (wanted,)).fetchall()
        gained = {name for name, free in rows if free}
        self._held |= gained
        return len(gained) > 0

    def give_back(self) -> None:
        """Gives them back."""
        held, self._held = self.held, frozenset()
        if held:
            with translated("giving back locks"):
                self._conn.execute(_GIVE_BACK, (list(held),))

    def only(self, names: Sequence[str]) -> Locks:
        """Some of these locks, on the same connection; none of them may be held."""
        return Locks(self._conn, names)
