"""``scan``: what does not fit together in the ledger, one finding at a time (一致性检查).

Each license is judged by its own chain, so two chains can contradict each other and both
be right by the rules (design: "it finds and disputes them"). This is the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from console.batches import incomplete
from console.ledger import Ledger
from console.scan_kinds import KINDS
from ledger.license import License, State
from ledger.lifecycle import shown_state, state_at
from ledger.lifecycle_step import TRANSFERRED
from ledger.registry import Registry
from ledger.workdays import day_start
from projections import chain, consistency, holder_archive
from projections import license as licenses
from projections.consistency import HeldRow
from projections.holder_archive import DescentRow
from projections.states import types_of

LINKS_MAX: Final = 100
"""How far a chain of LINKs is followed."""
IN_FORCE: Final = frozenset((State.VALID, State.SUSP, State.PAUS))
NEVER_THERE: Final = frozenset((State.VOID, State.ANND))


_PAIRS: Final = frozenset(
    name for name in KINDS if name.startswith(("transfer_", "link_"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not fit: the licenses and the events it rests on."""

    kind: str
    licenses: tuple[str, ...]
    positions: tuple[int, ...]
    detail: str = ""


def scan(
    ledger: Ledger, kinds: Sequence[str], *, day: int, start: int = 0
) -> Iterator[Finding]:
    """Everything found of these kinds, as it is found; ``day`` counts in UTC+8.

    ``start``: the position from which batches are followed. In the memory of one page,
    whatever the number of licenses.
    """
    wanted = set(kinds)
    if wanted & _PAIRS:
        for finding in _pairs(ledger):
            if finding.kind in wanted:
                yield finding
    if "two_in_force" in wanted:
        yield from _several(ledger, day)
    if "nonstandard_identifier" in wanted:
        for row in consistency.nonstandard(ledger.views):
            yield Finding(
                kind="nonstandard_identifier",
                licenses=(row.license_id,),
                positions=(row.position,),
                detail=row.identifier,
            )
    if "batch_incomplete" in wanted:
        yield from _batches(ledger, start)


# --- LINK and TRANSFER -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Some joining acts, the licenses they are about, and all that joins those."""

    ledger: Ledger
    licenses: Mapping[str, License]
    joined: Sequence[DescentRow]


def _pairs(ledger: Ledger) -> Iterator[Finding]:
    for rows in consistency.descents(ledger.views):
        ids = {row.license_id for row in rows} | {row.other for row in rows} - {""}
        joined = holder_archive.descents_of(ledger.views, sorted(ids))
        ids |= {row.license_id for row in joined}
        page = _Page(
            ledger=ledger, licenses=licenses.load(ledger.views, ids), joined=joined
        )
        for row in rows:
            yield from _OF_ACT[row.act](page, row)


def _out(page: _Page, row: DescentRow) -> Iterator[Finding]:
    if _left(page.licenses[row.license_id]) and not _arrivals(page, row.license_id):
        yield _found("transfer_out_unmatched", row)


def _in(page: _Page, row: DescentRow) -> Iterator[Finding]:
    if page.licenses[row.license_id].terminal in NEVER_THERE:
        return
    old = page.licenses.get(row.other)
    if old is None:
        yield _found("transfer_in_unknown", row)
    elif not _left(old) and old.terminal != State.MRGD:
        yield _found("transfer_in_unmatched", row)
    arrived = _arrivals(page, row.other)
    if len(arrived) > 1 and row.position == arrived[0].position:
        yield Finding(
            kind="transfer_in_twice",
            licenses=(row.other, *(one.license_id for one in arrived)),
            positions=tuple(one.position for one in arrived),
        )


def _link(page: _Page, row: DescentRow) -> Iterator[Finding]:
    mine = page.licenses[row.license_id]
    if mine.terminal != State.MRGD or mine.merged_into != row.other:
        return  # a RESTORE undid it
    if row.other not in page.licenses:
        yield _found("link_target_missing", row)
        return
    ring = _ring(page.ledger, row.license_id, row.other)
    if ring and row.license_id == min(ring):
        yield Finding(
            kind="link_cycle", licenses=tuple(ring), positions=(row.position,)
        )
    refs = [ref for _, ref, _ in mine.holders]
    if not consistency.ever_held(page.ledger.views, refs, row.other):
        yield _found("link_holders_differ", row)


def _ring(ledger: Ledger, start: str, follow: str) -> list[str]:
    """The licenses that go on as one another from ``start`` back to it, if they do."""
    ring = [start]
    while follow and follow != start and len(ring) < LINKS_MAX:
        ring.append(follow)
        found = licenses.load(ledger.views, [follow]).get(follow)
        follow = "" if found is None else found.merged_into
    return ring if follow == start else []


def _left(license_: License) -> bool:
    return license_.terminal == State.CANC and license_.after == TRANSFERRED


def _arrivals(page: _Page, old: str) -> list[DescentRow]:
    """The TRANSFER_INs of one license that left, without those that came to nothing."""
    return [
        one
        for one in page.joined
        if one.act == "TRANSFER_IN"
        and one.other == old
        and page.licenses[one.license_id].terminal not in NEVER_THERE
    ]


def _found(kind: str, row: DescentRow) -> Finding:
    named = (row.license_id, row.other) if row.other else (row.license_id,)
    return Finding(kind=kind, licenses=named, positions=(row.position,))


_OF_ACT: Final[Mapping[str, Callable[[_Page, DescentRow], Iterator[Finding]]]] = (
    MappingProxyType({"LINK": _link, "TRANSFER_OUT": _out, "TRANSFER_IN": _in})
)

# --- two of one right, and batches -------------------------------------------------------


def _several(ledger: Ledger, day: int) -> Iterator[Finding]:
    registry = ledger.registry()
    kinds = ((code, registry.license_type(code)) for code in registry.type_codes())
    single = [c for c, kind in kinds if kind and kind.current_per_holder == "one"]
    for row in consistency.held_together(ledger.views, single, day=day):
        states = _states(ledger, registry, row, day)
        if len(states) > 1:
            yield Finding(
                kind="two_in_force",
                licenses=tuple(states),
                positions=tuple(
                    position
                    for license_id, position in zip(
                        row.license_ids, row.positions, strict=True
                    )
                    if license_id in states
                ),
                detail=f"holder {row.ref.hex()}: {', '.join(states.values())}",
            )


def _states(
    ledger: Ledger, registry: Registry, row: HeldRow, day: int
) -> dict[str, str]:
    """Which of them are in force on the day and held by this holder, and their states."""
    found: dict[str, str] = {}
    for license_id in row.license_ids:
        folded = state_at(
            chain.acts_of(ledger.views, license_id),
            effective=day_start(day),
            known_at=ledger.clock(),
            types=types_of(registry, license_id),
        )
        if folded is None or row.ref not in [ref for _, ref, _ in folded.holders]:
            continue
        state = shown_state(folded, day)
        if state in IN_FORCE:
            found[license_id] = str(state)
    return found


def _batches(ledger: Ledger, start: int) -> Iterator[Finding]:
    pages = consistency.records(ledger.views, start=start)
    for batch in incomplete(ledger.log, pages):
        refused = sorted(batch.refused.values())
        words = f"{batch.missing} of {batch.count} not accepted"
        if refused:
            words += "; refused: " + ", ".join(
                f"position {position} {code}" for position, code in refused[:10]
            )
        yield Finding(
            kind="batch_incomplete",
            licenses=(),
            positions=(batch.first, *(position for position, _ in refused)),
            detail=f"batch {batch.batch_id.hex()}: {words}",
        )


def document_of(finding: Finding) -> dict[str, Any]:
    """One finding for programs."""
    kind = KINDS[finding.kind]
    return {
        "kind": finding.kind,
        "zh": kind.zh,
        "licenses": list(finding.licenses),
        "positions": list(finding.positions),
        "detail": finding.detail,
        "meaning": kind.meaning,
        "meaning_zh": kind.meaning_zh,
        "remedy": kind.remedy,
        "remedy_zh": kind.remedy_zh,
    }
