"""Batches in the log (批签): which of their members are missing or were refused.

One signature covers a batch, and its members say how many they are. They are followed in
sealed order; a batch that is whole is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from ledger.codec import decode_record
from ledger.errors import Untrusted
from ledger.events import Batch
from ledger.log.contract import EventLog
from ledger.refusals import ACCEPTED
from projections.consistency import RecordRow

UNREADABLE = frozenset(("malformed", "unknown_schema"))
REPEATS = frozenset(("duplicate", "source_repeated"))
"""Refused because it is in the ledger already: no member is missing for it."""
DOUBTFUL_MAX = 10_000
_READ_MAX = 4 * 1024 * 1024

Key = tuple[bytes, bytes]
"""batch_id and signature: nobody can add a member to the batch of somebody else."""


@dataclass(slots=True, kw_only=True)
class OpenBatch:
    """A batch of ``count`` members; ``accepted`` has a bit for each that is accepted.

    ``refused``: index -> position and refusal.
    """

    batch_id: bytes
    count: int
    first: int
    accepted: int = 0
    refused: dict[int, tuple[int, str]] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many members are not accepted."""
        return self.count - self.accepted.bit_count()


def incomplete(log: EventLog, pages: Iterable[list[RecordRow]]) -> Iterator[OpenBatch]:
    """Batches with an accepted member and without another one, by their first record."""
    begun: dict[Key, OpenBatch] = {}
    # Nothing of these is accepted, and anybody can make them up.
    doubtful: OrderedDict[Key, OpenBatch] = OrderedDict()
    for page in pages:
        for row, data in _data_of(log, page):
            for signature in decode_record(data)["signatures"]:
                batch = signature["batch"]
                if batch is None:
                    continue
                key = (batch["batch_id"], signature["value"])
                _note(key, batch, row, begun, doubtful)
        while len(doubtful) > DOUBTFUL_MAX:
            doubtful.popitem(last=False)
    yield from sorted(begun.values(), key=lambda one: one.first)


def _note(
    key: Key,
    batch: Batch,
    row: RecordRow,
    begun: dict[Key, OpenBatch],
    doubtful: OrderedDict[Key, OpenBatch],
) -> None:
    found = begun.get(key) or doubtful.get(key)
    if found is None:
        found = doubtful[key] = OpenBatch(
            batch_id=batch["batch_id"], count=batch["count"], first=row.position
        )
    if row.verdict != ACCEPTED:
        found.refused[batch["index"]] = (row.position, row.verdict)
        return
    found.accepted |= 1 << batch["index"]
    found.refused.pop(batch["index"], None)
    doubtful.pop(key, None)
    if found.missing:
        begun[key] = found
    else:
        begun.pop(key, None)


def _data_of(log: EventLog, page: list[RecordRow]) -> Iterator[tuple[RecordRow, bytes]]:
    """The records of a page that can be read and are no repeats."""
    for source, group in groupby(page, key=lambda row: row.source):
        rows = list(group)
        at = 0
        while at < len(rows):
            first = rows[at].ordinal
            data = log.read(
                source, first, limit=rows[-1].ordinal - first + 1, size_max=_READ_MAX
            )
            if not data:
                raise Untrusted(
                    "the log lacks a record that is projected",
                    code="log_records_lost",
                    where=f"{source}, record {first}",
                )
            for row, one in zip(rows[at:], data, strict=False):
                if row.verdict not in UNREADABLE | REPEATS:
                    yield row, one
            at += len(data)
