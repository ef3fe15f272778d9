"""Reads accepted records by their place: rows from the tables, bytes from the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from consumers.accepted_event import AcceptedRecord
from ledger.envelope import record_leaf
from ledger.errors import Untrusted
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.postgres import translated
from projections import accepted
from projections.migrate import use_schema

if TYPE_CHECKING:
    from psycopg import Connection

OpenLog = Callable[[], EventLog]
Connect = Callable[[], "Connection[Any]"]

WAIT_S = 1.0  # a lost notification costs this much, never more
_READ_SIZE_MAX = 8_000_000
_GAP_MAX = 16  # so many unwanted records are read along rather than asked around


class AcceptedReader:
    """Reads accepted records over a log and a connection of its own, for one thread."""

    def __init__(self, open_log: OpenLog, connect: Connect, *, schema: str) -> None:
        self._conn = connect()
        self._log = open_log()
        with translated("opening the accepted events"):
            use_schema(self._conn, schema)
            head = HeadStore(self._conn)
            self._settled = accepted.Settled(self._conn, head, schema=schema)

    def close(self) -> None:
        """Gives back log and connection."""
        self._log.close()
        self._conn.close()

    def wait(self) -> None:
        """Returns when something was appended, or after WAIT_S."""
        self._log.wait(WAIT_S)

    def end(self) -> int:
        """The position before which nothing comes any more."""
        with translated("reading how far all is projected"):
            return self._settled.end()

    def last(self) -> int | None:
        """The highest id that may be given out."""
        end = self.end()
        with translated("reading the last accepted event"):
            position = accepted.last_before(self._conn, end)
        return None if position is None else position + 1

    def between(
        self, start: int, end: int, *, limit: int, topics: Sequence[str]
    ) -> list[AcceptedRecord]:
        """At most ``limit`` records from position ``start`` to before ``end``."""
        with translated("reading accepted events"):
            rows = accepted.between(self._conn, start, end, limit=limit, topics=topics)
        return self._records(rows)

    def of_chain(self, subject: str, **bounds: Any) -> list[AcceptedRecord]:
        """The records of one chain; ``bounds`` as ``accepted.of_chain`` takes them."""
        with translated("reading accepted events"):
            rows = accepted.of_chain(self._conn, subject, **bounds)
        return self._records(rows)

    def _records(self, rows: Sequence[accepted.AcceptedRow]) -> list[AcceptedRecord]:
        held: dict[tuple[str, int], bytes] = {}
        by_place = sorted(rows, key=attrgetter("source", "ordinal"))
        for source, group in groupby(by_place, key=attrgetter("source")):
            self._read(source, [row.ordinal for row in group], held)
        return [_record(row, held[row.source, row.ordinal]) for row in rows]

    def _read(
        self, source: str, ordinals: Sequence[int], held: dict[tuple[str, int], bytes]
    ) -> None:
        """Adds the records at ascending ordinals of a source to ``held``."""
        index = 0
        while index < len(ordinals):
            start = last = ordinals[index]
            for ordinal in ordinals[index + 1 :]:
                if ordinal - last > _GAP_MAX:
                    break
                last = ordinal
            page = self._log.read(
                source, start, limit=last - start + 1, size_max=_READ_SIZE_MAX
            )
            if not page:
                raise Untrusted(
                    "the log does not hold a record that is projected",
                    code="log_records_lost",
                    where=f"{source}, record {start}",
                )
            while index < len(ordinals) and ordinals[index] < start + len(page):
                ordinal = ordinals[index]
                held[source, ordinal] = page[ordinal - start]
                index += 1


def _record(row: accepted.AcceptedRow, data: bytes) -> AcceptedRecord:
    """The bytes as a notification; raises Untrusted unless they are the sealed ones."""
    if record_leaf(data) != row.leaf:
        raise Untrusted(
            "the log and the tree hold different records",
            code="log_record_changed",
            expected=row.leaf.hex(),
            found=record_leaf(data).hex(),
            where=f"{row.source}, record {row.ordinal}",
        )
    return AcceptedRecord(
        originator_id=row.subject,
        originator_version=row.sequence,
        topic=f"{row.chain}/{row.act}",
        state=data,
        id=row.position + 1,
        recorded_at=row.recorded_at,
        digest=row.digest,
    )
