"""How a sealer finds out, after any crash, what is sealed, and goes on from there.

The seals in the log are the truth; the head in PostgreSQL may be one seal ahead of them
(signed, committed, not yet appended) or any number behind (put back from a backup).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from consumers.followed_keys import FollowedKeys
from consumers.seal_archive import (
    add_to_archive,
    drop_unsealed,
    fill_archive,
    lent_by,
)
from consumers.sealed_log import (
    check_ends,
    check_head,
    check_last,
    check_published,
)
from ledger.checkpoint import Checkpoint
from ledger.errors import LedgerError, Unknown, Untrusted
from ledger.events import Seal
from ledger.log.archive import Archive
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.head_rows import Head
from ledger.log.journal import CheckpointJournal
from ledger.merkle import leaf_hash
from ledger.note import Verify
from ledger.seal import (
    SEAL_BYTES_MAX,
    SEAL_RECORDS_MAX,
    Placed,
    decode_seal,
    placed_ranges,
)
from ledger.seal_reader import SealReader
from ledger.sources import REGISTRY, SEALS, base_of
from ledger.tiles import extend_tiles

_SEALS_PAGE = 256
_PAGE_SIZE = 16 * 1024 * 1024


def recover_head(
    log: EventLog,
    store: HeadStore,
    keys: FollowedKeys,
    *,
    origin: str,
    verify: Verify,
    journal: CheckpointJournal | None,
    archive: Archive | None,
    damaged: Collection[str] = (),
) -> Head:
    """Returns the head, agreed with log, journal, archive; ``keys`` come up to it.

    (1) the head is at its last seal, and the log holds the seal that was appended last;
    (2) keys; (3) every source in use that is not known to be ``damaged`` holds the last
    that is sealed of it; (4) the archive has all that the head covers; (5) seals in the
    log behind the head's are taken over; (6) the journal is not ahead and says the same;
    (7) what the archive has of a seal that never was goes; (8) the last seal goes into
    log and journal if a crash kept it out. Raises Untrusted.
    """
    # In this order, for a rival may be at work: what is in the journal was in the head
    # before, and what the head calls published was in the log before.
    last = journal.last() if journal is not None else None
    head = store.load()
    # Step 1.
    check_head(store, head)
    check_published(log, store, head, ends=log.ends())
    # Step 2.
    _follow_stored(log, store, keys, last=head.tip.seal_no)
    # Step 3.
    given = [source for source in keys.sources() if source not in damaged]
    check_ends(log.ends(), head.tip.nexts, sources=given)
    for source in given:
        check_last(log, store, source, head.tip.nexts.get(source, 0))
    # Step 4. Before the next, which adds to it.
    if archive is not None:
        fill_archive(archive, log, store, head.tip)
    # Step 5.
    head = rebuild_head(
        log,
        store,
        keys,
        head=head,
        origin=origin,
        verify=verify,
        journal=journal,
        archive=archive,
    )
    # Step 6.
    _check_journal(store, last, head)
    # Step 7. Not earlier: where log and head came back from older copies, the archive
    # may be the only one that has these records.
    if archive is not None:
        drop_unsealed(archive, head.tip)
    # Step 8.
    return _delivered(log, store, head, journal)


def _delivered(
    log: EventLog, store: HeadStore, head: Head, journal: CheckpointJournal | None
) -> Head:
    """The head once its last seal stands in log and journal; a crash here repeats it."""
    if head.pending is not None:
        [ordinal] = log.append(SEALS, [head.pending])
        head = _published(store, head, ordinal)
    if journal is not None and head.seal:
        journal.append(decode_seal(head.seal)["checkpoint"].encode())
    return head


def _follow_stored(
    log: EventLog, store: HeadStore, keys: FollowedKeys, *, last: int
) -> None:
    """Brings the keys up to the head's seal of number ``last``."""
    for data in store.registry_seals(keys.last + 1):
        seal = decode_seal(data)
        if seal["seal_no"] <= last:
            follow(log, keys, seal)


def rebuild_head(
    log: EventLog,
    store: HeadStore,
    keys: FollowedKeys,
    *,
    head: Head,
    origin: str,
    verify: Verify,
    journal: CheckpointJournal | None = None,
    archive: Archive | None = None,
) -> Head:
    """Takes over the seals that the log holds behind the head's; returns the new head.

    Every root is computed again from the records, and every checkpoint of the journal
    must be met. Raises Untrusted where that fails, Fork for two seals of one number.
    """
    reader = SealReader(
        origin=origin, keys=keys, verify=verify, seen=store.seal_bytes, tip=head.tip
    )
    known: dict[int, bytes] = {}
    ordinal = head.seals_next
    while page := log.read(SEALS, ordinal, limit=_SEALS_PAGE, size_max=_PAGE_SIZE):
        for data in page:
            seal = reader.feed(data)
            if seal is not None:
                known = known or _journalled(journal)
                _check_known(known, seal["seal_no"], reader.tip.digest)
                head = _take_over(log, store, head, reader, seal, data, archive)
                follow(log, keys, seal)
            if data == head.pending:
                head = _published(store, head, ordinal)
            ordinal += 1
    return head


def _take_over(
    log: EventLog,
    store: HeadStore,
    head: Head,
    reader: SealReader,
    seal: Seal,
    data: bytes,
    archive: Archive | None,
) -> Head:
    records = [
        record
        for placed in placed_ranges(seal)
        for record in _records(log, placed, archive)
    ]
    leaves = [leaf_hash(record) for record in records]
    update = extend_tiles(size=head.tip.tree_size, edge=head.edge, leaves=leaves)
    if update.root != seal["root"] and archive is not None:
        # The log may have other records there now: those of a source made again.
        records = _archived(archive, head.tip.tree_size, seal["tree_size"]) or records
        leaves = [leaf_hash(record) for record in records]
        update = extend_tiles(size=head.tip.tree_size, edge=head.edge, leaves=leaves)
    if update.root != seal["root"]:
        raise Untrusted(
            "the records do not give the sealed root",
            code="root_differs",
            expected=seal["root"].hex(),
            found=update.root.hex(),
            where=f"seal {seal['seal_no']}",
        )
    if archive is not None:
        add_to_archive(archive, head.tip.tree_size, records, leaves)
    store.commit(
        head.tip,
        reader.tip,
        seal=data,
        tiles=update.tiles,
        verdicts=seal["verdicts"],
        registry=_registry_range(seal) is not None,
    )
    return replace(head, tip=reader.tip, seal=data, edge=update.edge)


def _records(
    log: EventLog, placed: Placed, archive: Archive | None = None
) -> list[bytes]:
    """A range's records; those that the log lost from the archive, not yet compared."""
    found: list[bytes] = []
    while (start := placed.start + len(found)) < placed.end:
        lost: LedgerError | None = None
        page: list[bytes] = []
        try:
            limit = min(placed.end - start, SEAL_RECORDS_MAX)
            page = log.read(placed.source, start, limit=limit, size_max=SEAL_BYTES_MAX)
        except (Unknown, Untrusted) as error:
            lost = error
        if not page and archive is not None:
            page = lent_by(archive, placed, start)
        if not page:
            raise Untrusted(
                "the log has lost records that are sealed",
                code="log_records_lost",
                expected=f"record {start}",
                where=placed.source,
            ) from lost
        found += page
    return found


def _archived(archive: Archive, start: int, end: int) -> list[bytes]:
    """The archive's records of these positions; none unless it has all of them."""
    found: list[bytes] = []
    while start + len(found) < end:
        at = start + len(found)
        page = archive.read(at, limit=end - at, size_max=SEAL_BYTES_MAX)
        if not page:
            return []
        found += page
    return found


def _published(store: HeadStore, head: Head, ordinal: int) -> Head:
    seal_no = head.tip.seal_no
    store.mark_published(seal_no, seals_next=ordinal + 1)
    return replace(head, published=seal_no, seals_next=ordinal + 1)


def follow(log: EventLog, keys: FollowedKeys, seal: Seal) -> None:
    """Tells the keys the registry records of a seal, if it has any."""
    placed = _registry_range(seal)
    if placed is not None:
        keys.follow(seal, _records(log, placed))


def _registry_range(seal: Seal) -> Placed | None:
    return next((p for p in placed_ranges(seal) if base_of(p.source) == REGISTRY), None)


def _check_journal(store: HeadStore, last: Checkpoint | None, head: Head) -> None:
    if last is None:
        return
    tip = store.tip(last.seal_no)
    if tip is None:
        raise Untrusted(
            "the head is behind the checkpoint journal: an older copy of the database?",
            code="head_behind_journal",
            expected=f"seal {last.seal_no}",
            found=f"seal {head.tip.seal_no}",
        )
    _check_known({last.seal_no: last.seal_digest}, tip.seal_no, tip.digest)


def _journalled(journal: CheckpointJournal | None) -> dict[int, bytes]:
    if journal is None:
        return {}
    return {
        checkpoint.seal_no: checkpoint.seal_digest for checkpoint, _ in journal.all()
    }


def _check_known(known: Mapping[int, bytes], seal_no: int, digest: bytes) -> None:
    expected = known.get(seal_no, digest)
    if expected != digest:
        raise Untrusted(
            "a seal is not the one in the checkpoint journal",
            code="journal_differs",
            expected=expected.hex(),
            found=digest.hex(),
            where=f"seal {seal_no}",
        )
