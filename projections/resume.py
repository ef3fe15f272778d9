"""Where a fold goes on: registry, place in the seals, and chains as the tables hold them.

A projector that finds nothing of its own, or rows of its sources at different places,
reads the seals from the first one and passes over the ranges that are projected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from psycopg import Connection, Cursor

from ledger.admission import Admission
from ledger.errors import Unavailable
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.registry import Registry
from ledger.seal_reader import SealReader, Tip
from ledger.signing import verify
from ledger.sources import REGISTRY, SEALS, base_of
from projections import audit_trail, registry, store
from projections.fold import Fold, LoadChains, Vouched
from projections.founding import SealerKeys, found
from projections.own_verdicts import OwnVerdicts
from projections.tracking import Tracking


def follower_name(sources: Sequence[str]) -> str:
    """The tracking row that says how far the owner of these sources read ``seals``."""
    return SEALS if REGISTRY in sources else f"{SEALS}/{sources[0]}"


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
    follower = follower_name(sources)
    read = {
        follower: fold.seals_next,
        f"{follower}/taken": fold.reader.tip.seal_no + 1,
    }
    moved = own_places(fold.nexts, sources)
    for name, ordinal in sorted(moved.items()):
        before = tracked.get(name, 0)
        if ordinal != before:
            tracking.advance(cur, name, before, ordinal)
    tracking.note(cur, read)
    return moved | read


def resume(
    conn: Connection[Any],
    tracked: Mapping[str, int],
    *,
    log: EventLog,
    head: HeadStore,
    sources: Sequence[str],
    load: LoadChains | None = None,
    vouched: Vouched | None = None,
) -> Fold:
    """A fold that goes on behind what is projected; ``load`` finds chains elsewhere.

    Raises Unavailable while the owner of the registry's tables is behind the place
    where this projector stopped, Unknown when the log holds no founding record.
    """
    nexts = own_places(tracked, sources)
    follower = follower_name(sources)
    tip = head.tip(tracked.get(f"{follower}/taken", 0) - 1) or Tip()
    seals_next = tracked.get(follower, 0)
    if nexts != own_places(tip.nexts, sources):
        tip, seals_next = Tip(), 0
    state = Registry()
    if tip.tree_size:
        _check_registry(tracked, tip)
        state = registry.load(conn, before=tip.tree_size)
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
        load=load or partial(store.load_chains, conn),
        nexts=nexts,
        seals_next=seals_next,
        vouched=vouched,
    )


def own_places(nexts: Mapping[str, int], sources: Sequence[str]) -> dict[str, int]:
    """The sources of a projector, those that succeeded one of them too."""
    return {source: n for source, n in nexts.items() if base_of(source) in sources}


def _check_registry(tracked: Mapping[str, int], tip: Tip) -> None:
    for source, expected in own_places(tip.nexts, (REGISTRY,)).items():
        if tracked.get(source, 0) < expected:
            raise Unavailable(
                "the registry is not projected as far as these sources",
                expected=f"{expected} records",
                found=str(tracked.get(source, 0)),
                where=source,
            )
