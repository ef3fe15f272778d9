"""``log refill``: the seals in their topic again, from the head that has them all.

Nothing is signed anew and nothing is renumbered: these are the same bytes in the same
order. Killed anywhere, the command is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from console.ledger import Ledger
from console.log_repair import add_source, drop_source, remains_of, source_alone
from console.log_wiring import on_kafka
from console.settings import Settings
from console.wiring import open_ledger
from consumers.seal_chain import verify_seals
from consumers.sealing_keys import SealingKeys
from ledger.errors import Malformed, Unavailable, Untrusted
from ledger.log.head_refill import note_refilled
from ledger.log.head_rows import Head
from ledger.log.journal import CheckpointJournal
from ledger.log.offset_gaps import MemoryGaps
from ledger.seal_reader import SealReader
from ledger.signing import verify
from ledger.sources import SEALS
from projections.founding import found
from projections.migrate import VIEWS
from projections.resume import behind_name, taken_name
from projections.tracking import Tracking

Told = Callable[[str], None]
_PAGE: Final = 256
_PAGE_SIZE: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the topic holds: the seals from 0 on that a reader would take, in order.

    ``start``: the first offset, None when there is no topic.
    """

    start: int | None
    seals: int


def refill(settings: Settings, *, told: Told) -> dict[str, Any]:
    """Appends the seals that ``seals`` lacks; makes it again when its start is lost.

    Other sources may be damaged: nothing is sealed or projected here. Raises Malformed
    when nothing is missing, Unavailable while others seal or project, Untrusted when the
    head's seals do not hold, or the topic has seals that contradict them or go further.
    """
    on_kafka(settings)
    with (
        open_ledger(settings, checked=False) as ledger,
        ledger.engine.held() as own,
    ):
        if not own:
            raise Unavailable(
                "another process seals or projects this ledger",
                code="busy_elsewhere",
                expected="run, seal and project stopped",
            )
        head = ledger.head.load()
        told(f"verifying {head.tip.seal_no + 1} seals")
        reader = _verified(ledger)
        held = _held(settings, ledger, reader)
        _check_missing(settings, ledger, head, held)
        made = bool(held.start) or held.start is None
        if made:
            told("the start of the topic is lost: it is made again")
            drop_source(settings, SEALS)
            add_source(settings, SEALS)
            held = _Held(start=0, seals=0)
        appended = _append(settings, ledger, head, held.seals)
        seals_next = _note(settings, ledger, head)
        told(f"{appended} seals were appended")
        return {
            "seals": head.tip.seal_no + 1,
            "appended": appended,
            "topic_made_again": made,
            "seals_next": seals_next,
        }


def _verified(ledger: Ledger) -> SealReader:
    keys = SealingKeys(found(ledger.log), ledger.ring.sealer_of)
    return verify_seals(
        ledger.log,
        ledger.head,
        keys,
        origin=ledger.origin_line,
        verify=verify,
        journal=CheckpointJournal(ledger.settings.journal),
    )


def _held(settings: Settings, ledger: Ledger, reader: SealReader) -> _Held:
    """Reads all that is left. Raises Fork, and Untrusted for a seal that is newer.

    The topic may be deleted afterwards: what it knows and the head does not is no junk.
    """
    tip = reader.tip
    seals = 0
    with remains_of(settings, SEALS) as remains:
        if not remains.there:
            return _Held(start=None, seals=0)
        start = remains.start
        wanted = ledger.head.seal_bytes(0)
        for data in remains.read():
            if data == wanted:
                seals += 1
                wanted = ledger.head.seal_bytes(seals)
            if reader.feed(data) is not None:
                raise Untrusted(
                    "the log holds a seal that the head lacks: an older database?",
                    code="head_behind_journal",
                    expected=f"seal {tip.seal_no} to be the last",
                    found=f"seal {reader.tip.seal_no}",
                    where=SEALS,
                )
    return _Held(start=start, seals=0 if start else seals)


def _check_missing(settings: Settings, ledger: Ledger, head: Head, held: _Held) -> None:
    if held.start != 0 or held.seals <= head.published:
        return
    with source_alone(settings, SEALS, gaps=MemoryGaps()) as log:
        at = head.seals_next - 1
        found_there = log.read(SEALS, at, limit=1, size_max=1) if at >= 0 else []
    if head.published < 0 or found_there == [ledger.head.seal_bytes(head.published)]:
        raise Malformed(
            "nothing is missing: the log has every seal of the head",
            code="nothing_to_repair",
            expected="a damaged log",
            found=f"{held.seals} seals",
            where=SEALS,
        )


def _append(settings: Settings, ledger: Ledger, head: Head, first: int) -> int:
    """Appends the seals from ``first`` on, in order; a crash leaves a shorter topic."""
    count = 0
    with source_alone(settings, SEALS, gaps=MemoryGaps()) as log:
        page: list[bytes] = []
        for number, data in ledger.head.seals(first):
            if number > head.tip.seal_no:
                break
            page.append(data)
            if len(page) == _PAGE:
                log.append(SEALS, page)
                count, page = count + len(page), []
        if page:
            log.append(SEALS, page)
            count += len(page)
    return count


def _note(settings: Settings, ledger: Ledger, head: Head) -> int:
    """Notes where the seals lie now, for the sealer and for projectors; all or nothing."""
    gaps = MemoryGaps()
    ordinals: list[int] = []
    with source_alone(settings, SEALS, gaps=gaps) as log:
        wanted, at = ledger.head.seal_bytes(0), 0
        while page := log.read(SEALS, at, limit=_PAGE, size_max=_PAGE_SIZE):
            for data in page:
                if data == wanted:
                    ordinals.append(at)
                    wanted = ledger.head.seal_bytes(len(ordinals))
                at += 1
    if len(ordinals) != head.tip.seal_no + 1:
        raise Untrusted(
            "the log does not hold the seals that were appended to it",
            code="seals_lost",
            expected=f"{head.tip.seal_no + 1} seals",
            found=f"{len(ordinals)} seals",
            where=SEALS,
        )
    seals_next = ordinals[-1] + 1 if ordinals else 0
    tracking = Tracking(ledger.views, schema=VIEWS)
    rows = _hints(tracking.ordinals(), ordinals)
    with ledger.views.transaction(), ledger.views.cursor() as cur:
        if rows:
            tracking.note(cur, rows)
        note_refilled(
            ledger.views,
            seal_no=head.tip.seal_no,
            digest=head.tip.digest,
            seals_next=seals_next,
            gaps=[gap for gap in gaps.known(SEALS)[1] if gap.ordinal < seals_next],
        )
    return seals_next


def _hints(tracked: Mapping[str, int], ordinals: list[int]) -> dict[str, int]:
    """Behind which ordinal each projector goes on, as the seals lie now."""
    rows: dict[str, int] = {}
    for source in (name.removeprefix(f"{SEALS}/") for name in tracked):
        taken = tracked.get(taken_name(source), 0)
        if behind_name(source) in tracked and 0 < taken <= len(ordinals):
            rows[behind_name(source)] = ordinals[taken - 1] + 1
    return dict(sorted(rows.items()))
