"""Whether a log still holds what is sealed of it, asked before anybody goes on from it.

A log that was cut ends too early; one that was made again has other records where the
sealed ones were. Of each source the last sealed record is looked at: whoever changed
older ones only is found by whoever reads them, against the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.errors import Untrusted
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.head_rows import Head
from ledger.log.placing import leaves_of, position_of
from ledger.merkle import leaf_hash
from ledger.seal import SEAL_SIZE_MAX
from ledger.sources import SEALS


def check_sealed(
    log: EventLog, store: HeadStore, head: Head, *, sources: Iterable[str]
) -> None:
    """Raises Untrusted unless the log has the seals and these sources as they are sealed.

    ``log`` must say what it holds itself, without an archive.
    """
    check_head(store, head)
    ends = log.ends()
    check_published(log, store, head, ends=ends)
    given = list(sources)
    check_ends(ends, head.tip.nexts, sources=given)
    for source in given:
        check_last(log, store, source, head.tip.nexts.get(source, 0))


def check_head(store: HeadStore, head: Head) -> None:
    """Raises Untrusted when the head is behind its own seals: both move in one commit."""
    last = head.tip.seal_no
    if store.seal_bytes(last + 1) is not None and store.load().tip.seal_no == last:
        raise Untrusted(
            "the head was put back by itself, its seals were not",
            code="head_damaged",
            expected=f"at least seal {last + 1}",
            found=f"seal {last}",
            where="head.head",
        )


def check_published(
    log: EventLog, store: HeadStore, head: Head, *, ends: Mapping[str, int]
) -> None:
    """Raises Untrusted unless the last published seal is where it was appended."""
    if head.published < 0:
        return
    check_ends(ends, {SEALS: head.seals_next}, sources=(SEALS,))
    held = log.read(SEALS, head.seals_next - 1, limit=1, size_max=SEAL_SIZE_MAX)
    if held != [store.seal_bytes(head.published)]:
        raise Untrusted(
            "the log does not hold the seal that was appended to it",
            code="seals_lost",
            expected=f"seal {head.published}",
            where=f"{SEALS}, record {head.seals_next - 1}",
        )


def check_ends(
    ends: Mapping[str, int], nexts: Mapping[str, int], *, sources: Iterable[str]
) -> None:
    """Raises Untrusted if a source ends before what is sealed of it."""
    for source in sources:
        taken = nexts.get(source, 0)
        if ends.get(source, 0) < taken:
            raise Untrusted(
                "the log has lost records that are sealed",
                code="log_records_lost",
                expected=f"at least {taken}",
                found=str(ends.get(source, 0)),
                where=source,
            )


def check_last(log: EventLog, store: HeadStore, source: str, count: int) -> None:
    """Raises Untrusted unless the last of ``count`` sealed records is the sealed one."""
    position = position_of(store, source, count - 1) if count else None
    if position is None:
        return
    [leaf] = leaves_of(store, position, position + 1)
    found = [leaf_hash(one) for one in log.read(source, count - 1, limit=1, size_max=1)]
    if found != [leaf]:
        raise Untrusted(
            "the log does not hold the record that was sealed",
            code="log_record_changed",
            expected=leaf.hex(),
            found=found[0].hex() if found else "none",
            where=f"{source}, record {count - 1}",
        )
