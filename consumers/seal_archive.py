"""Keeps the archive at what is sealed: no record more once the sealer goes on, none less.

Records go in before the head that covers them commits, one write per seal. So after any
crash only the last write can be of a seal that never was: the head did not move, or a
rival moved it, with other records at these positions. All before the last write was
committed when that began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.errors import Unknown, Untrusted
from ledger.log.archive import Archive
from ledger.log.archive_reader import ArchiveReader
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.placing import leaves_of, seal_over
from ledger.merkle import leaf_hash
from ledger.seal import Placed, decode_seal, placed_ranges
from ledger.tip import Tip

_PAGE = 4_096
_PAGE_SIZE = 4 * 1024 * 1024
_FILL_SIZE = 16 * 1024 * 1024


def fill_archive(archive: Archive, log: EventLog, store: HeadStore, tip: Tip) -> None:
    """Makes the archive hold all records that ``tip`` covers; none behind is touched.

    (1) the last write, if it is of a seal that never was, goes; (2) what is missing (the
    folder is new, or came back from a backup) is read from the log in sealed order, each
    record compared with the tree. Raises Untrusted when the archive is another ledger's,
    and when the log lacks what is missing. A crash on the way leaves whole writes.
    """
    # Step 1.
    start = archive.last_write
    _check_same(archive, store, min(start, tip.tree_size) - 1)
    wrong = _first_other(archive, store, start, min(archive.end, tip.tree_size))
    if wrong is not None:
        archive.truncate(wrong)
    # Step 2.
    pending: list[bytes] = []
    size = 0
    for page in _sealed_pages(log, store, archive.end, tip):
        pending += page
        size += sum(map(len, page))
        if size >= _FILL_SIZE:
            archive.write(archive.end, pending)
            pending, size = [], 0
    archive.write(archive.end, pending)


def add_to_archive(
    archive: Archive, position: int, records: Sequence[bytes], leaves: Sequence[bytes]
) -> None:
    """Adds the records of a seal that is taken over, as far as they are not there.

    ``leaves``: their leaf hashes, which give the sealed root. Raises Untrusted when
    records are there that no crash can have left.
    """
    at = position
    while at < min(archive.end, position + len(records)):
        limit = min(_PAGE, position + len(records) - at)
        page = archive.read(at, limit=limit, size_max=_PAGE_SIZE)
        for record in page:
            if leaf_hash(record) != leaves[at - position]:
                if at < archive.last_write:
                    raise _other(at)
                archive.truncate(at)
                break
            at += 1
    if archive.end < position + len(records):
        archive.write(archive.end, records[archive.end - position :])


def drop_unsealed(archive: Archive, tip: Tip) -> None:
    """Drops the records of a seal that nobody saw.

    Only when the head is agreed with log and journal. Raises Untrusted when there is
    more than the last write behind it: then the archive knows of seals that both lost.
    """
    if archive.last_write > tip.tree_size:
        raise Untrusted(
            "the archive is ahead of head and log: older copies of both?",
            code="head_behind_journal",
            expected=f"{tip.tree_size} records",
            found=f"{archive.end} records",
        )
    archive.truncate(tip.tree_size)


def lent_by(archive: ArchiveReader, placed: Placed, start: int) -> list[bytes]:
    """Records of a range from ordinal ``start`` on that the log lacks; maybe none."""
    position = placed.position + start - placed.start
    limit = min(_PAGE, placed.end - start)
    return archive.read(position, limit=limit, size_max=_PAGE_SIZE)


def _sealed_pages(
    log: EventLog, store: HeadStore, position: int, tip: Tip
) -> Iterator[list[bytes]]:
    """The log's records of positions [position, tip's size), each the tree's."""
    number = seal_over(store, position) if position < tip.tree_size else None
    if number is None:
        return
    for seal_no, data in store.seals(number):
        if seal_no > tip.seal_no:
            return
        for placed in placed_ranges(decode_seal(data)):
            first = placed.start + max(0, position - placed.position)
            yield from _pages(log, store, placed, first)


def _pages(
    log: EventLog, store: HeadStore, placed: Placed, first: int
) -> Iterator[list[bytes]]:
    while first < placed.end:
        limit = min(_PAGE, placed.end - first)
        try:
            page = log.read(placed.source, first, limit=limit, size_max=_PAGE_SIZE)
        except (Unknown, Untrusted) as error:
            raise _missing(placed.source, first) from error
        if not page:
            raise _missing(placed.source, first)
        at = placed.position + first - placed.start
        leaves = leaves_of(store, at, at + len(page))
        for offset, (record, leaf) in enumerate(zip(page, leaves, strict=True)):
            if leaf_hash(record) != leaf:
                raise Untrusted(
                    "the log does not hold the record that was sealed",
                    code="log_record_changed",
                    expected=leaf.hex(),
                    found=leaf_hash(record).hex(),
                    where=f"{placed.source}, record {first + offset}",
                )
        yield page
        first += len(page)


def _first_other(
    archive: Archive, store: HeadStore, start: int, end: int
) -> int | None:
    """The first position of [start, end) whose record is not the sealed one."""
    at = start
    while at < end:
        page = archive.read(at, limit=min(_PAGE, end - at), size_max=_PAGE_SIZE)
        for record, leaf in zip(
            page, leaves_of(store, at, at + len(page)), strict=True
        ):
            if leaf_hash(record) != leaf:
                return at
            at += 1
    return None


def _check_same(archive: Archive, store: HeadStore, position: int) -> None:
    if (
        position >= 0
        and _first_other(archive, store, position, position + 1) is not None
    ):
        raise _other(position)


def _other(position: int) -> Untrusted:
    return Untrusted(
        "the archive holds another record than the one sealed: another ledger's?",
        code="archive_damaged",
        where=f"position {position}",
    )


def _missing(source: str, ordinal: int) -> Untrusted:
    return Untrusted(
        "records that are sealed are neither in the archive nor in the log",
        code="log_records_lost",
        expected=f"record {ordinal}",
        where=source,
    )
