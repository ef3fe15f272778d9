"""PostgreSQL's notifications for a loop that waits for something else meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, LiteralString

from ledger.log.postgres import listen, require_autocommit, translated

if TYPE_CHECKING:
    import psycopg


class Notices:
    """Says whether anybody notified one of the channels since it was asked last.

    The connection becomes its own, in autocommit mode (else Malformed). Raises
    Unavailable when PostgreSQL does not answer.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], channels: Sequence[LiteralString]
    ) -> None:
        require_autocommit(connection)
        self._connection = connection
        self._channels = channels
        self._listening = False

    def pending(self) -> bool:
        """Takes what has come in, without waiting; True the first time it is asked.

        What was notified before the first LISTEN will never be announced: whoever asks
        first has to look for itself.
        """
        with translated("asking for notifications"):
            if not self._listening:
                listen(self._connection, self._channels)
                self._listening = True
                return True
            with closing(self._connection.notifies(timeout=0)) as notices:
                return len(list(notices)) > 0

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
