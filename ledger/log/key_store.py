"""The key store in PostgreSQL: who a holder_ref is, and the secrets behind its fields.

It is no projection of the log and is backed up apart from it; every value in it is
wrapped by a key that is not in those backups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import tuple_row

from ledger.encryption import event_key
from ledger.errors import Malformed, Unavailable, Unknown
from ledger.event_ids import draw_event_ids
from ledger.key_wrapping import Wrapping, holder_bytes, pair_bytes
from ledger.log.key_rows import PEPPER_SIZE, KeyRows, Pair, wrap_pepper
from ledger.log.key_tables import KeyTables
from ledger.log.postgres import require_autocommit
from ledger.sm2_curve import RandomBytes

T = TypeVar("T")

# One statement's worth: its parameters stay below half a megabyte.
BATCH_MAX: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """Asks for the keys of one event: ``holder_refs`` in the order of its holders."""

    license_id: str
    holder_refs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKeys:
    """The id that the event must carry, 16 bytes, and a key of 32 bytes per holder."""

    event_id: bytes
    event_keys: tuple[bytes, ...] = field(repr=False)


class KeyStore:
    """Holders, secrets and destructions in schema ``keys``, over one connection.

    The connection must be in autocommit mode (else Malformed) and is used by nobody else
    meanwhile. An instance belongs to one thread; any number of instances and processes
    share one database. Nothing is cached but the pepper: a secret that another process
    destroyed is gone here too. Every call raises Unavailable when the database does not
    answer or after somebody else called `rewrap`, Unknown where `create` was never
    called, and Malformed with another wrapping key (16 or 32 bytes) than the store's.
    ``clock`` gives UTC µs.

    Destruction is said in the log first (DESTROY) and done here second. A crash between
    the two loses nothing: `confirm` does it at the next start, before anything is opened,
    and does it again after these tables came back out of an older backup. Close every
    KeyStore before putting a backup back. `forget_holder` is not in the log: whoever puts
    a backup back must repeat it, or make the backup worthless as follows.

    PostgreSQL keeps deleted rows until a vacuum (one runs after each destruction), and a
    vacuum frees bytes without overwriting them; the write-ahead log and backups keep
    theirs. What they keep is wrapped. `rewrap`, and then destroying the old wrapping key
    with all its copies, is what makes all of it worthless for certain.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        wrapping_key: bytes,
        clock: Callable[[], int],
        random_bytes: RandomBytes,
    ) -> None:
        require_autocommit(connection)
        cursor = connection.cursor(binary=True, row_factory=tuple_row)
        self._tables = KeyTables(cursor)
        self._wrapping = Wrapping(wrapping_key, random_bytes)
        self._clock = clock
        self._random_bytes = random_bytes
        self._opened: KeyRows | None = None
        self._confirmed = False

    def create(self) -> None:
        """Makes the tables and draws the pepper, or opens those that are there."""
        pepper = self._random_bytes(PEPPER_SIZE)
        self._tables.create(wrap_pepper(self._wrapping, pepper))
        self._rows()

    def holder_ref(self, kind: str, code: str) -> bytes:
        """The 32 bytes that stand for a holder; see `holder_refs`."""
        return self.holder_refs([(kind, code)])[0]

    def holder_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes]:
        """The refs of (kind, code), drawn for those who have none yet.

        Codes are normalised; a household goes by its head. Raises Malformed for a kind or
        code that cannot be one, before anything is assigned.
        """
        values = [holder_bytes(kind, code) for kind, code in holders]
        refs: dict[bytes, bytes] = {}
        for batch in _batches(dict.fromkeys(values)):
            refs.update(self._rows().refs(batch))
        return [refs[value] for value in values]

    def find_ref(self, kind: str, code: str) -> bytes | None:
        """The ref of a holder who has one; assigns nothing."""
        return self.find_refs([(kind, code)])[0]

    def find_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The refs of (kind, code), None for those who have none; assigns nothing."""
        values = [holder_bytes(kind, code) for kind, code in holders]
        return [
            ref for batch in _batches(values) for ref in self._rows().find_refs(batch)
        ]

    def holder_of(self, ref: bytes) -> tuple[str, str]:
        """Kind and normalised code behind a ref, for readers entitled to see them.

        Raises Unknown for a ref that was never assigned here, or forgotten.
        """
        return self._rows().holder_of(ref)

    def forget_holder(self, ref: bytes) -> None:
        """Cuts the link between a ref and its code for good; idempotent.

        Secrets stay until destroyed. A holder who comes again gets another ref.
        """
        self._tables.forget(ref)
        self._tables.vacuum()

    def confirm(self, destructions: Iterable[tuple[int, bytes, Sequence[str]]]) -> int:
        """Re-applies (position, holder_ref, license_ids) of every DESTROY in the log.

        To be called with all of them before the first key is issued or opened. Gives the
        number of pairs that were not destroyed here yet. Raises Malformed, naming the
        position, for what cannot be such a pair.
        """
        self._rows()
        fresh = self.destroy(_pairs_of(destructions))
        self._confirmed = True
        return fresh

    def destroy(self, pairs: Iterable[Pair]) -> int:
        """Deletes the secrets of these pairs, which never get one again; idempotent.

        Gives the number of pairs that were not destroyed yet. When it raises, some of
        them may be: call it again.
        """
        fresh = sum(self._rows().destroy(batch) for batch in _batches(pairs))
        if fresh:
            self._tables.vacuum()
        return fresh

    def destroyed_pairs(self) -> Iterator[Pair]:
        """All pairs that were destroyed, in an order that means nothing."""
        return self._rows().destroyed(limit=BATCH_MAX)

    def issue(self, requests: Sequence[KeyRequest]) -> list[IssuedKeys]:
        """Draws an event_id for each request and gives that event's keys, once.

        All or nothing. Raises Refused (``key_destroyed``) when a pair was destroyed,
        Unknown for a new pair whose ref was not assigned here, Unavailable before
        `confirm`.
        """
        self._demand_confirmed()
        pairs = dict.fromkeys(
            (ref, request.license_id)
            for request in requests
            for ref in request.holder_refs
        )
        secrets = self._secrets(pairs)
        event_ids = draw_event_ids(
            len(requests), now_us=self._clock(), random_bytes=self._random_bytes
        )
        return [
            IssuedKeys(
                event_id=event_id,
                event_keys=tuple(
                    event_key(secrets[ref, request.license_id], event_id)
                    for ref in request.holder_refs
                ),
            )
            for request, event_id in zip(requests, event_ids, strict=True)
        ]

    def event_key(self, holder_ref: bytes, license_id: str, event_id: bytes) -> bytes:
        """The key of one holder's fields in one event, for readers entitled to them.

        Raises Unknown, saying which, when it was destroyed or never existed here, and
        Unavailable before `confirm`.
        """
        self._demand_confirmed()
        found = self._rows().look_up([(holder_ref, license_id)])
        if not found.held:
            raise Unknown(
                "the key of this holder and license was destroyed: what it encrypted "
                "can never be read again"
                if found.destroyed
                else "this key store holds no key of this holder and license",
                code="value_erased" if found.destroyed else "holder_not_found",
                where=f"holder_ref {holder_ref.hex()}",
            )
        return event_key(found.held[holder_ref, license_id], event_id)

    def event_keys(
        self, asked: Sequence[tuple[bytes, str, bytes]]
    ) -> list[bytes | None]:
        """The keys of (holder_ref, license_id, event_id).

        None stands where `event_key` raises Unknown: one erased holder hides no other.
        """
        self._demand_confirmed()
        held: dict[Pair, bytes] = {}
        for batch in _batches(dict.fromkeys((ref, of) for ref, of, _ in asked)):
            held.update(self._rows().look_up(batch).held)
        return [
            event_key(held[ref, of], event_id) if (ref, of) in held else None
            for ref, of, event_id in asked
        ]

    def rewrap(self, new_wrapping_key: bytes) -> None:
        """Wraps everything by another key, in one transaction; nobody writes meanwhile.

        Keep the new key safe before the call and destroy the old one after it returned.
        After a crash or Unavailable, exactly one of the two opens the store. Raises
        Malformed for the key that it is wrapped by already.
        """
        new = Wrapping(new_wrapping_key, self._random_bytes)
        if new.same_as(self._wrapping):
            raise Malformed(
                "the store is wrapped by this key",
                code="wrong_wrapping_key",
                expected="a new one",
            )
        rows = self._rows()
        with self._tables.exclusive():
            rows.rewrap(new, limit=BATCH_MAX)
        self._wrapping, self._opened = new, None
        self._tables.vacuum()

    def _rows(self) -> KeyRows:
        if self._opened is None:
            self._opened = KeyRows(self._tables, self._wrapping, self._random_bytes)
        return self._opened

    def _secrets(self, pairs: Iterable[Pair]) -> dict[Pair, bytes]:
        """Looks at all pairs before it draws for any: a refusal leaves nothing behind."""
        held: dict[Pair, bytes] = {}
        new: list[Pair] = []
        for batch in _batches(pairs):
            held.update(self._rows().issuable(batch))
            new.extend(pair for pair in batch if pair not in held)
        for batch in _batches(new):
            held.update(self._rows().draw(batch))
        return held

    def _demand_confirmed(self) -> None:
        if not self._confirmed:
            raise Unavailable(
                "the key store opens nothing yet",
                code="key_store_changed",
                expected="confirm() with every destruction in the log first",
            )


def _pairs_of(
    destructions: Iterable[tuple[int, bytes, Sequence[str]]],
) -> Iterator[Pair]:
    for position, ref, license_ids in destructions:
        for license_id in license_ids:
            try:
                pair_bytes(ref, license_id)
            except Malformed as error:
                raise Malformed(
                    "the log holds a destruction that names no pair",
                    expected=error.expected,
                    found=error.found,
                    where=f"position {position}",
                ) from error
            yield ref, license_id


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_MAX)):
        yield batch
