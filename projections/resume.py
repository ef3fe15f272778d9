"""Where a fold goes on: registry, place in the seals, and chains as the tables hold them.

Whoever takes over sources, in whatever company, goes on behind the last seal that was
read for each of them. Ranges that are projected already are passed over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from psycopg import Connection, Cursor

from ledger.admission import Admission
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.placing import check_leaves
from ledger.registry import Registry
from ledger.seal import SEAL_SIZE_MAX, decode_seal
from ledger.seal_reader import SealReader
from ledger.signing import verify
from ledger.sources import REGISTRY, SEALS, base_of
from ledger.tip import Tip
from projections import audit_trail, registry, store
from projections.fold import Fold, Vouched
from projections.founding import SealerKeys, found
from projections.own_verdicts import OwnVerdicts
from projections.tracking import Tracking

MARK_EVERY = 256
"""So many seals are read again at most for a source that brings nothing."""


def taken_name(source: str) -> str:
    """The tracking row of a source that says how many seals were read for it.

    Read: its ranges in them are projected, its sealed verdicts compared.
    """
    return f"{SEALS}/{source}"


def behind_name(source: str) -> str:
    """The tracking row with the ordinal in ``seals`` behind the last of these seals."""
    return f"{SEALS}/{source}/next"


def advance(
    tracking: Tracking,
    cur: Cursor[Any],
    fold: Fold,
    *,
    tracked: Mapping[str, int],
    sources: Sequence[str],
) -> dict[str, int]:
    """Moves the tracking rows from ``tracked`` to where a fold stands; returns them.

    Done before the rows of its batch are written: whoever waits here for a rival, or for
    a swap of schemas, has written nothing yet and is judged by what it finds afterwards.
    Raises Fenced when a source is not where this fold took it up.
    """
    moved = own_places(fold.nexts, sources)
    for name in _changed(moved, tracked):
        tracking.advance(cur, name, tracked.get(name, 0), moved[name])
    # After all of the former, and in order: two projectors never wait for each other.
    read = marks(fold, tracked=tracked, sources=sources)
    if read:
        tracking.note(cur, read)
    return moved | read


def marks(
    fold: Fold, *, tracked: Mapping[str, int], sources: Sequence[str]
) -> dict[str, int]:
    """The rows about ``seals`` that are to be written now, sorted by name.

    Those of the sources that move, and of those whose row has fallen far behind. What a
    row says is true whoever writes it, a projector that lost its sources too.
    """
    places = own_places(fold.nexts, sources)
    taken = fold.reader.tip.seal_no + 1
    due = set(_changed(places, tracked)) | {
        source
        for source in places
        if taken - tracked.get(taken_name(source), 0) >= MARK_EVERY
    }
    rows = {taken_name(source): taken for source in due}
    rows |= {behind_name(source): fold.seals_next for source in due}
    return dict(sorted(rows.items()))


def resume(
    conn: Connection[Any],
    tracked: Mapping[str, int],
    *,
    log: EventLog,
    head: HeadStore,
    sources: Sequence[str],
    vouched: Vouched | None = None,
) -> Fold:
    """A fold that goes on behind what is projected; its chains come from the tables.

    Raises Unknown when the log holds no founding record.
    """
    tip = _place(tracked, sources, head)
    state = registry.load(conn, before=tip.tree_size) if tip.tree_size else Registry()
    keys = SealerKeys(state, found(log))
    return Fold(
        log=log,
        reader=SealReader(
            origin=keys.origin_line,
            keys=keys,
            verify=verify,
            seen=head.seal_bytes,
            tip=tip,
        ),
        admission=Admission(state, {}),
        sources=sources,
        own=OwnVerdicts(partial(audit_trail.verdicts_between, conn)),
        load=partial(store.load_chains, conn),
        nexts=own_places(tracked, sources),
        seals_next=_behind(tip.seal_no, tracked, sources, log=log, head=head),
        vouched=vouched,
        check=partial(check_leaves, head),
        to_the_end=False,
    )


def own_places(nexts: Mapping[str, int], sources: Sequence[str]) -> dict[str, int]:
    """The sources of a projector, those that succeeded one of them too."""
    return {source: n for source, n in nexts.items() if base_of(source) in sources}


def _changed(places: Mapping[str, int], tracked: Mapping[str, int]) -> list[str]:
    return sorted(name for name, n in places.items() if n != tracked.get(name, 0))


def _place(tracked: Mapping[str, int], sources: Sequence[str], head: HeadStore) -> Tip:
    """The tip to go on from, as late as it may be.

    (1) Nothing of the own sources behind it is projected less far, nor of the registry,
    whose tables are read; (2) all seals up to it were read for each of the own sources.
    """
    own = {source: n for source, n in own_places(tracked, sources).items() if n}
    known = own_places(tracked, (*sources, REGISTRY))

    def too_far(tip: Tip) -> bool:
        places = own_places(tip.nexts, (*sources, REGISTRY))
        return any(n > known.get(source, 0) for source, n in places.items())

    def tip_of(seal_no: int) -> Tip:
        return head.tip(seal_no) or Tip()

    taken = [tracked.get(taken_name(source), 0) for source in own]
    if taken and all(taken):
        tip = tip_of(min(taken) - 1)
        if not too_far(tip):
            return tip
    # The rows do not say it, but the seals do: whoever projected a source up to a
    # record has read the seal that brought it.
    published = head.published()
    end = 0 if published is None else decode_seal(published)["seal_no"] + 1

    def was_read(seal_no: int) -> bool:
        nexts = tip_of(seal_no).nexts
        return any(nexts.get(source, 0) >= n for source, n in own.items())

    end = min(end, bisect_left(range(end), x=True, key=was_read) + 1)
    return tip_of(
        bisect_left(range(end), x=True, key=lambda no: too_far(tip_of(no))) - 1
    )


def _behind(
    seal_no: int,
    tracked: Mapping[str, int],
    sources: Sequence[str],
    *,
    log: EventLog,
    head: HeadStore,
) -> int:
    """An ordinal in ``seals`` before which nothing new is to be found behind a seal.

    Each seal took one ordinal at least; repeats and junk may have taken more.
    """
    for source in own_places(tracked, sources):
        ordinal = tracked.get(behind_name(source), 0)
        if ordinal > 0 and tracked.get(taken_name(source)) == seal_no + 1:
            held = log.read(SEALS, ordinal - 1, limit=1, size_max=SEAL_SIZE_MAX)
            if held == [head.seal_bytes(seal_no)]:
                return ordinal
    return seal_no + 1
