"""The sealer: cuts what the log holds into seals, one after the other, and signs them.

Any number may run; the compare-and-swap on the head lets one of them win each seal, and
the losers stop without anybody having seen what they signed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from consumers.clocks import compare_clocks
from consumers.followed_keys import FollowedKeys, SealerKeys
from consumers.next_seal import Batch, unsigned
from consumers.seal_recovery import recover_head
from consumers.sealed_log import check_ends
from ledger.compact import CompactRange
from ledger.errors import Unavailable, Untrusted
from ledger.events import Seal, VerdictRange
from ledger.log.archive import Archive
from ledger.log.contract import RECORD_SIZE_MAX, EventLog
from ledger.log.head import Fenced, HeadStore
from ledger.log.head_rows import Head
from ledger.log.journal import CheckpointJournal
from ledger.merkle import leaf_hash
from ledger.note import Verify
from ledger.seal import (
    SEAL_BYTES_MAX,
    Placed,
    decode_seal,
    encode_seal,
    fair_shares,
    fitting_verdicts,
    placed_ranges,
    signed_seal,
)
from ledger.sources import REGISTRY, SEALS, base_of, successor_of
from ledger.tiles import extend_tiles
from ledger.tip import Tip, next_tip

VERDICTS_MAX = 4_096
_COMPARE_CLOCKS_US = 1_000_000
_REMEMBERED_SEALS = 1_024


class Sealer:
    """Seals one ledger; ``step`` does what there is to do and says whether it was any.

    ``origin`` is the checkpoints' origin line, ``clock`` gives UTC µs. With
    ``accept_clock`` an operator says that the clock is right although it disagrees with
    the last seal, PostgreSQL or the log's store; with ``damaged`` that these sources are
    being succeeded: of them nothing is sealed, but the registry goes on at once in the
    source that succeeds it. After Unavailable, call ``step`` again (with new connections
    if the old ones are lost); after Fenced or Untrusted, stop.
    """

    def __init__(
        self,
        log: EventLog,
        head: HeadStore,
        keys: SealerKeys,
        *,
        origin: str,
        clock: Callable[[], int],
        verify: Verify,
        journal: CheckpointJournal | None = None,
        archive: Archive | None = None,
        accept_clock: bool = False,
        damaged: Collection[str] = (),
    ) -> None:
        self._log = log
        self._store = head
        self._keys = FollowedKeys(keys)
        self._origin = origin
        self._clock = clock
        self._verify = verify
        self._journal = journal
        self._archive = archive
        self._accept_clock = accept_clock
        self._damaged = frozenset(damaged)
        self._head: Head | None = None
        self._tree: CompactRange | None = None
        self._clocks_compared_at: int | None = None
        self._placed: dict[int, Sequence[Placed]] = {}

    def recover(self) -> Head:
        """Brings head, log, journal and archive together; ``step`` does it when it has to.

        Raises Untrusted when they contradict each other.
        """
        self._tree = None
        self._head = recover_head(
            self._log,
            self._store,
            self._keys,
            origin=self._origin,
            verify=self._verify,
            journal=self._journal,
            archive=self._archive,
            damaged=self._damaged,
        )
        return self._head

    def step(self) -> bool:
        """Makes one seal if there are records or verdicts to seal; True if it did.

        When it returns, the seal is in the log. Raises Unavailable when a clock is wrong.
        """
        head = self._publish(self._head or self.recover())
        batches = self._gather(head.tip)
        offered = self._store.offered(limit=VERDICTS_MAX)
        if not batches and not offered:
            return False
        self._publish(self._seal(head, batches, offered))
        return True

    def wait(self, timeout_s: float) -> None:
        """Waits for new records; for verdicts too if the log was told to (wake_on)."""
        self._log.wait(timeout_s)

    def _seal(
        self, head: Head, batches: Sequence[Batch], offered: Sequence[VerdictRange]
    ) -> Head:
        """Signs the next seal and commits it; nobody sees it before it is published."""
        sources = self._keys.sources()
        leaves = [leaf_hash(record) for batch in batches for record in batch.records]
        tip = head.tip
        update = extend_tiles(
            size=tip.tree_size, edge=head.edge, leaves=leaves, tree=self._tree
        )
        seal = signed_seal(
            unsigned(
                tip,
                self._ledger_time(tip.sealed_at),
                batches,
                update,
                fitting_verdicts(offered, sources),
            ),
            self._origin,
            self._keys.signer(),
        )
        data = encode_seal(seal)
        # What a reader would refuse must never be signed into being.
        try:
            new = next_tip(tip, seal, sources=sources, placed_of=self._placed_of)
        except Untrusted:
            self._check_unmoved(tip)
            raise
        registry = [b for b in batches if base_of(b.source) == REGISTRY]
        # If the commit fails it may have happened all the same: the head is read again.
        self._head = None
        # A crash from here on leaves records of a seal that never was, or that only the
        # head knows: recovery compares the last write with the tree before it goes on.
        self._write_archive(tip, batches)
        try:
            self._store.commit(
                tip,
                new,
                seal=data,
                tiles=update.tiles,
                verdicts=seal["verdicts"],
                registry=bool(registry),
            )
        except Fenced:
            self._clear_archive(tip)
            raise
        self._tree = update.tree
        self._remember(seal)
        for batch in registry:
            self._keys.follow(seal, batch.records)
        return replace(head, tip=new, seal=data, edge=update.edge)

    def _check_unmoved(self, tip: Tip) -> None:
        """Raises Fenced if another sealer went on: verdicts on its seals are no damage."""
        if self._store.tip(tip.seal_no + 1) is not None:
            raise Fenced(
                "another sealer moved the head",
                expected=f"seal {tip.seal_no}",
                found="one after it",
                where="head.head",
            )

    def _write_archive(self, tip: Tip, batches: Sequence[Batch]) -> None:
        if self._archive is not None:
            records = [record for batch in batches for record in batch.records]
            self._archive.write(tip.tree_size, records)

    def _clear_archive(self, tip: Tip) -> None:
        """Drops what was written for a seal that another sealer was quicker with."""
        if self._archive is not None:
            with suppress(Unavailable):  # recovery does it too
                self._archive.truncate(tip.tree_size)

    def _publish(self, head: Head) -> Head:
        """Appends the last seal if that is still to be done. A crash here repeats it."""
        if head.pending is not None:
            self._head = None  # unless all of this goes well, the head is read again
            [ordinal] = self._log.append(SEALS, [head.pending])
            seal_no = head.tip.seal_no
            self._store.mark_published(seal_no, seals_next=ordinal + 1)
            if self._journal is not None:
                seal = decode_seal(head.seal)
                self._journal.append(seal["checkpoint"].encode())
            head = replace(head, published=seal_no, seals_next=ordinal + 1)
        self._head = head
        return head

    def _gather(self, tip: Tip) -> list[Batch]:
        """Reads what the next seal covers, in sealed order and within its limits."""
        waiting = self._waiting(tip)
        if not tip.nexts and REGISTRY not in waiting:
            return []
        shares = fair_shares(waiting)
        sources = [source for source in self._sources() if source in shares]
        found: dict[str, Batch] = {}
        size_left = SEAL_BYTES_MAX
        # Who is served first changes, or large records could starve the last sources.
        turn = (tip.seal_no + 1) % len(sources) if sources else 0
        for served, source in enumerate(sources[turn:] + sources[:turn]):
            if size_left < RECORD_SIZE_MAX:
                break
            start = tip.nexts.get(source, 0)
            records = self._log.read(
                source,
                start,
                limit=shares[source],
                size_max=size_left // (len(sources) - served),
            )
            if not records:
                raise Untrusted(
                    "the log has a hole",
                    code="log_records_lost",
                    expected=f"record {start}",
                    where=source,
                )
            size_left -= sum(map(len, records))
            found[source] = Batch(source=source, start=start, records=records)
        return [found[source] for source in sources if source in found]

    def _waiting(self, tip: Tip) -> dict[str, int]:
        ends, sources = self._log.ends(), self._sources()
        check_ends(ends, tip.nexts, sources=sources)
        return {
            source: ends[source] - tip.nexts.get(source, 0)
            for source in sources
            if ends.get(source, 0) > tip.nexts.get(source, 0)
        }

    def _sources(self) -> list[str]:
        """What the next seal may cover, in sealed order."""
        found = []
        for source in self._keys.sources():
            if source not in self._damaged:
                found.append(source)
            elif base_of(source) == REGISTRY:
                # Its first record makes it so: the keys hear of that once it is sealed.
                found.append(successor_of(source))
        return found

    def _ledger_time(self, last: int) -> int:
        now = self._clock()
        if self._accept_clock:
            return max(now, last)
        if now < last:
            raise Unavailable(
                "the clock is behind the last seal",
                code="clock_behind",
                expected=f"at least {last} µs",
                found=f"{now} µs",
            )
        compared = self._clocks_compared_at
        if compared is None or abs(now - compared) >= _COMPARE_CLOCKS_US:
            compare_clocks(
                now,
                {
                    "PostgreSQL's": self._store.clock(),
                    "the log's": self._log.clock(),
                },
            )
            self._clocks_compared_at = now
        return now

    def _placed_of(self, seal_no: int) -> Sequence[Placed] | None:
        if seal_no not in self._placed:
            data = self._store.seal_bytes(seal_no)
            if data is None:
                return None
            self._remember(decode_seal(data))
        return self._placed[seal_no]

    def _remember(self, seal: Seal) -> None:
        while len(self._placed) >= _REMEMBERED_SEALS:
            del self._placed[next(iter(self._placed))]
        self._placed[seal["seal_no"]] = placed_ranges(seal)
