"""Finds where a record stands in sealed order, and its leaf, by asking a seal head.

The head keeps no row per record. What is sealed of a source only grows from seal to seal,
so a binary search over the seals' tips finds the one that covers a record.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from ledger.errors import Unavailable, Untrusted
from ledger.log.head import HeadStore
from ledger.proof_arguments import HASH_SIZE
from ledger.seal import Placed, decode_seal, placed_ranges
from ledger.tiles import WIDTH
from ledger.tip import Tip


def position_of(head: HeadStore, source: str, ordinal: int) -> int | None:
    """The position of a source's record; None while no seal covers it."""
    placed = range_of(head, source, ordinal)
    return None if placed is None else placed.position + ordinal - placed.start


def range_of(head: HeadStore, source: str, ordinal: int) -> Placed | None:
    """The sealed range that a source's record lies in; None while there is none."""
    number = _first(head, lambda tip: tip.nexts.get(source, 0) > ordinal)
    data = None if number is None or ordinal < 0 else head.seal_bytes(number)
    if data is None:
        return None
    for placed in placed_ranges(decode_seal(data)):
        if placed.source == source and placed.start <= ordinal < placed.end:
            return placed
    raise Untrusted(
        "a seal of the head does not cover what its row says",
        code="head_damaged",
        expected=f"record {ordinal} of {source}",
        where=f"seal {number}",
    )


def seal_over(head: HeadStore, position: int) -> int | None:
    """The number of the seal that covers a position, be it published or not."""
    return _first(head, lambda tip: tip.tree_size > position)


def leaves_of(head: HeadStore, start: int, end: int) -> list[bytes]:
    """The leaf hashes of positions [start, end) as the tree has them, from its tiles.

    The tiles are trusted as far as ``HeadStore.load`` found their edge to give the last
    root. Raises Untrusted where one is too short.
    """
    joined = b"".join(
        head.tile(0, index).ljust(WIDTH * HASH_SIZE, b"\0")
        for index in range(start // WIDTH, -(-end // WIDTH))
    )
    skip = start % WIDTH * HASH_SIZE
    leaves = [
        joined[at : at + HASH_SIZE]
        for at in range(skip, skip + (end - start) * HASH_SIZE, HASH_SIZE)
    ]
    if bytes(HASH_SIZE) in leaves:
        raise Untrusted(
            "the head lacks leaf hashes of the tree",
            code="head_damaged",
            expected=f"that of position {start + leaves.index(bytes(HASH_SIZE))}",
            where="head.tile, level 0",
        )
    return leaves


def check_leaves(head: HeadStore, placed: Placed, found: Sequence[bytes]) -> None:
    """Raises Untrusted at the first of a range's records that is not the sealed one.

    Unavailable while the head, put back to an older day, is behind the log's seals:
    whoever seals brings it up to them.
    """
    end = placed.position + placed.count
    try:
        sealed = leaves_of(head, placed.position, end)
    except Untrusted:
        size = head.load().tip.tree_size
        if size < end:
            raise Unavailable(
                "the head is behind the log; whoever seals brings it up",
                code="head_behind",
                expected=f"a tree of at least {end} records",
                found=f"{size} records",
                where=f"{placed.source}, record {placed.start}",
            ) from None
        # It may have been brought up between the two looks: what it has now counts.
        sealed = leaves_of(head, placed.position, end)
    for ordinal, (leaf, expected) in enumerate(
        zip(found, sealed, strict=True), placed.start
    ):
        if leaf != expected:
            raise Untrusted(
                "the log does not hold the record that was sealed",
                code="log_record_changed",
                expected=expected.hex(),
                found=leaf.hex(),
                where=f"{placed.source}, record {ordinal}",
            )


def leaves_of_source(head: HeadStore, source: str, start: int = 0) -> Iterator[bytes]:
    """The leaf hashes of a source's sealed records from ordinal ``start`` on."""
    while (placed := range_of(head, source, start)) is not None:
        position = placed.position + start - placed.start
        yield from leaves_of(head, position, placed.position + placed.count)
        start = placed.end


def _first(head: HeadStore, reached: Callable[[Tip], bool]) -> int | None:
    """The first seal at which ``reached`` holds, as it does for all behind it."""

    def behind(number: int) -> bool:
        tip = head.tip(number)
        return tip is None or reached(tip)

    stop = 1
    while not behind(stop - 1):
        stop *= 2
    start = stop // 2
    number = start + bisect_left(range(start, stop), True, key=behind)  # noqa: FBT003
    return None if head.tip(number) is None else number
