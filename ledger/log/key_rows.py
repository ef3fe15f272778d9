"""The key store opened: with pepper and wrapping key, its rows are holders and secrets.

Each call here serves one batch, some thousand rows; `ledger.log.key_store` cuts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ledger.errors import Malformed, Refused, Unavailable, Unknown, Untrusted
from ledger.key_wrapping import (
    REF_SIZE,
    Wrapping,
    holder_tag,
    pair_bytes,
    pair_tag,
    read_holder,
    read_pair,
)
from ledger.log.key_tables import DESTROYED, HOLDER, SECRET, KeyTables, WrappedColumn
from ledger.sm2_curve import RandomBytes

Pair: TypeAlias = tuple[bytes, str]
"""holder_ref and license_id; '' where the matter concerns no license."""

PEPPER_SIZE: Final = 32
SECRET_SIZE: Final = 32

_PEPPER: Final = "keys.store.pepper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a look-up found: secrets held, pairs destroyed, new pairs of strange refs."""

    held: dict[Pair, bytes] = field(repr=False)
    destroyed: list[Pair]
    strange: list[Pair]


def wrap_pepper(wrapping: Wrapping, pepper: bytes) -> bytes:
    """The pepper as it rests in the store."""
    return wrapping.wrap(_PEPPER, b"", pepper)


class KeyRows:
    """The rows of an opened store; raises Malformed with another wrapping key.

    A call that meets rows of another generation raises Unavailable: somebody else wrapped
    the store anew, and nothing of this call was written.
    """

    def __init__(
        self, tables: KeyTables, wrapping: Wrapping, random_bytes: RandomBytes
    ) -> None:
        self._tables = tables
        self._wrapping = wrapping
        self._random_bytes = random_bytes
        self._generation, wrapped = tables.open()
        try:
            self._pepper = wrapping.unwrap(_PEPPER, b"", wrapped)
        except Untrusted as error:
            raise Malformed(
                "wrong wrapping key",
                code="wrong_wrapping_key",
                expected="the key that this key store was last wrapped by",
                found="one that does not open it",
            ) from error

    def find_refs(self, holders: Sequence[bytes]) -> list[bytes | None]:
        """The ref of each holder who has one; takes `holder_bytes`."""
        tags = [holder_tag(self._pepper, holder) for holder in holders]
        return self._tables.find_refs(tags)

    def refs(self, holders: Sequence[bytes]) -> dict[bytes, bytes]:
        """The ref of each, drawn for those who have none yet."""
        tags = {value: holder_tag(self._pepper, value) for value in holders}
        refs = self._found_refs(tags)
        missing = {tags[value]: value for value in holders if value not in refs}
        if missing:
            drawn = {tag: self._random_bytes(REF_SIZE) for tag in missing}
            rows = [
                (tag, drawn[tag], self._wrapping.wrap(HOLDER.name, drawn[tag], value))
                for tag, value in missing.items()
            ]
            added = self._tables.add_holders(rows, generation=self._generation)
            refs.update((missing[tag], drawn[tag]) for tag in added)
        if len(refs) < len(tags):  # another caller was first
            refs.update(self._found_refs(tags))
        self._demand_all(len(refs), len(tags))
        return refs

    def holder_of(self, ref: bytes) -> tuple[str, str]:
        """Kind and code behind a ref; or Unknown."""
        wrapped = self._tables.holder_of(ref)
        if wrapped is None:
            raise Unknown(
                "nobody is known behind this holder_ref",
                code="holder_not_found",
                expected="one assigned here and not forgotten",
                where=f"holder_ref {ref.hex()}",
            )
        return read_holder(self._unwrap(HOLDER, ref, wrapped))

    def look_up(self, pairs: Sequence[Pair]) -> Found:
        """What is known of distinct pairs."""
        tags = [self._tag(pair) for pair in pairs]
        rows = self._tables.find_secrets(tags, [ref for ref, _ in pairs])
        found = Found(held={}, destroyed=[], strange=[])
        for pair, tag, row in zip(pairs, tags, rows, strict=True):
            if row.secret is not None:
                found.held[pair] = self._unwrap(SECRET, tag, row.secret)
            elif row.destroyed:
                found.destroyed.append(pair)
            elif row.strange:
                found.strange.append(pair)
        return found

    def issuable(self, pairs: Sequence[Pair]) -> dict[Pair, bytes]:
        """The secrets held of pairs that all may have one; else Refused or Unknown."""
        found = self.look_up(pairs)
        if found.destroyed:
            raise Refused(
                "the key of this holder and license was destroyed",
                code="key_destroyed",
                expected="a pair that may have a key",
                found=f"{len(found.destroyed)} destroyed",
                where=f"holder_ref {found.destroyed[0][0].hex()}",
            )
        if found.strange:
            raise Unknown(
                "this key store knows nobody behind this holder_ref",
                code="holder_not_found",
                expected="one assigned here and not forgotten",
                where=f"holder_ref {found.strange[0][0].hex()}",
            )
        return found.held

    def draw(self, pairs: Sequence[Pair]) -> dict[Pair, bytes]:
        """Secrets for pairs without; whoever came first decides, a destruction too."""
        drawn = {
            self._tag(pair): (pair, self._random_bytes(SECRET_SIZE)) for pair in pairs
        }
        rows = [
            (tag, self._wrapping.wrap(SECRET.name, tag, secret))
            for tag, (_, secret) in drawn.items()
        ]
        added = self._tables.add_secrets(rows, generation=self._generation)
        held = dict(drawn[tag] for tag in added)
        late = [pair for pair in pairs if pair not in held]
        if late:
            held.update(self.issuable(late))
        self._demand_all(len(held), len(pairs))
        return held

    def destroy(self, pairs: Iterable[Pair]) -> int:
        """Drops secrets for good; gives how many of the pairs had not been destroyed."""
        distinct = list(dict.fromkeys(pairs))
        done = set(self.look_up(distinct).destroyed)
        rows = []
        for pair in distinct:
            if pair not in done:
                tag = self._tag(pair)
                rows.append(
                    (tag, self._wrapping.wrap(DESTROYED.name, tag, pair_bytes(*pair)))
                )
        if not rows:
            return 0
        fresh = self._tables.destroy(rows, generation=self._generation)
        if len(fresh) < len(rows):  # another caller was first, or nothing was written
            self.demand_current()
        return len(fresh)

    def destroyed(self, *, limit: int) -> Iterator[Pair]:
        """All destroyed pairs, read some at a time."""
        for page in self._tables.pages(DESTROYED, limit=limit):
            for tag, wrapped in page:
                yield read_pair(self._unwrap(DESTROYED, tag, wrapped))

    def rewrap(self, new: Wrapping, *, limit: int) -> None:
        """Wraps everything by another key, inside the caller's transaction."""
        self.demand_current()
        for column in (HOLDER, SECRET, DESTROYED):
            for page in self._tables.pages(column, limit=limit):
                rows = [
                    (row, new.wrap(column.name, row, self._unwrap(column, row, value)))
                    for row, value in page
                ]
                self._tables.update(column, rows)
        self._tables.set_store(wrap_pepper(new, self._pepper))

    def demand_current(self) -> None:
        """Raises Unavailable when somebody else wrapped the store anew."""
        if self._tables.store()[0] != self._generation:
            raise Unavailable(
                "the key store was wrapped anew",
                code="key_store_changed",
                expected="to be opened again, with the new wrapping key",
            )

    def _tag(self, pair: Pair) -> bytes:
        return pair_tag(self._pepper, pair_bytes(*pair))

    def _found_refs(self, tags: dict[bytes, bytes]) -> dict[bytes, bytes]:
        found = self._tables.find_refs(list(tags.values()))
        return {v: ref for v, ref in zip(tags, found, strict=True) if ref is not None}

    def _demand_all(self, found: int, wanted: int) -> None:
        if found < wanted:
            self.demand_current()
            raise Unavailable(
                "the key store changed during the call",
                code="key_store_changed",
                expected=f"{wanted} rows",
                found=f"{found}",
            )

    def _unwrap(self, column: WrappedColumn, row: bytes, wrapped: bytes) -> bytes:
        try:
            return self._wrapping.unwrap(column.name, row, wrapped)
        except Untrusted:
            self.demand_current()
            raise
