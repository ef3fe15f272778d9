"""Where sealed order stands, and which seal may follow there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.errors import Untrusted
from ledger.events import ZERO_DIGEST, Seal, VerdictRange
from ledger.merkle import empty_root
from ledger.refusals import ACCEPTED
from ledger.seal import SEAL_RECORDS_MAX, Placed, seal_digest
from ledger.sources import REGISTRY, base_of, successor_of

PlacedOf = Callable[[int], Sequence[Placed] | None]
"""seal number -> the ranges of an earlier seal, None if there is no such seal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """Where sealed order stands after a seal; as it is before seal 0 by default.

    ``nexts``: per source, how many of its records are sealed; ``verdict_nexts``: on how
    many of them the verdict is sealed. A source that is not there has none.
    """

    seal_no: int = -1
    digest: bytes = ZERO_DIGEST
    sealed_at: int = 0
    tree_size: int = 0
    root: bytes = field(default_factory=empty_root)
    nexts: Mapping[str, int] = field(default_factory=dict)
    verdict_nexts: Mapping[str, int] = field(default_factory=dict)


def next_tip(
    tip: Tip, seal: Seal, *, sources: Sequence[str], placed_of: PlacedOf
) -> Tip:
    """Returns the tip after ``seal``; raises Untrusted if it does not follow ``tip``.

    (1) number, predecessor, time; (2) ranges: not empty, in the order of ``sources``,
    each from where its source's last one ended, registry first of all; (3) size and
    root; (4) verdicts: on records of earlier seals, per source each once in order.
    ``placed_of`` gives the ranges of an earlier seal, None if there is no such seal.
    """
    # Step 1.
    number = tip.seal_no + 1
    _same(number, seal["seal_no"], "the seal's number does not follow", number)
    if seal["previous"] != tip.digest:
        raise broken(number, "the seal names another predecessor")
    if seal["sealed_at"] < tip.sealed_at:
        raise broken(number, "ledger time goes back")
    # Step 2.
    nexts = _nexts(tip, seal, sources)
    # Step 3.
    count = sum(given["to"] - given["from"] for given in seal["ranges"])
    if count > SEAL_RECORDS_MAX:
        raise broken(number, "the seal covers too many records")
    _same(tip.tree_size + count, seal["tree_size"], "sizes do not add up", number)
    if not count and seal["root"] != tip.root:
        raise broken(number, "the root changes without new records")
    # Step 4.
    return Tip(
        seal_no=number,
        digest=seal_digest(seal),
        sealed_at=seal["sealed_at"],
        tree_size=seal["tree_size"],
        root=seal["root"],
        nexts=nexts,
        verdict_nexts=_verdict_nexts(tip, seal, placed_of),
    )


def _nexts(tip: Tip, seal: Seal, sources: Sequence[str]) -> dict[str, int]:
    number = seal["seal_no"]
    nexts = dict(tip.nexts)
    places = {source: place for place, source in enumerate(sources)}
    for source in sources[:1]:
        opened = successor_of(source)
        if base_of(source) == REGISTRY and not nexts.get(opened):
            # The registry's successor begins with the record that makes it one, so no
            # reader can know of it before. Whoever folds that record judges it.
            places[opened] = 0
    last = -1
    for given in seal["ranges"]:
        source = given["source"]
        place = places.get(source, -1)
        if place <= last:
            raise broken(number, "a range's source is unknown or out of order", source)
        last = place
        if given["from"] != nexts.get(source, 0) or given["to"] <= given["from"]:
            raise broken(number, "a range does not start where the last ended", source)
        nexts[source] = given["to"]
    if not nexts.get(REGISTRY):
        raise broken(number, "nothing comes before the founding record", REGISTRY)
    return nexts


def _verdict_nexts(tip: Tip, seal: Seal, placed_of: PlacedOf) -> dict[str, int]:
    nexts = dict(tip.verdict_nexts)
    for verdict in seal["verdicts"]:
        source, number = verdict["source"], seal["seal_no"]
        placed = _placed(verdict, placed_of) if verdict["seal_no"] < number else None
        if placed is None:
            raise broken(number, "a verdict on records that no seal covers", source)
        ordinal = placed.start + verdict["first"] - placed.position
        end = ordinal + verdict["count"]
        if ordinal != nexts.get(source, 0) or not ordinal < end <= placed.end:
            raise broken(number, "verdicts do not follow one another", source)
        _check_refused(verdict, number)
        nexts[source] = end
    return nexts


def _placed(verdict: VerdictRange, placed_of: PlacedOf) -> Placed | None:
    for placed in placed_of(verdict["seal_no"]) or ():
        if placed.source == verdict["source"] and placed.position <= verdict["first"]:
            return placed
    return None


def _check_refused(verdict: VerdictRange, number: int) -> None:
    last, end = verdict["first"] - 1, verdict["first"] + verdict["count"]
    for refusal in verdict["refused"]:
        if not last < refusal["position"] < end or refusal["code"] in ("", ACCEPTED):
            raise broken(number, "a list of refusals is wrong", verdict["source"])
        last = refusal["position"]


def _same(expected: int, found: int, reason: str, number: int) -> None:
    if expected != found:
        raise Untrusted(
            reason,
            code="seal_invalid",
            expected=str(expected),
            found=str(found),
            where=f"seal {number}",
        )


def broken(number: int, reason: str, source: str = "") -> Untrusted:
    """What a seal's breach of the rules is raised as."""
    return Untrusted(
        reason,
        code="seal_invalid",
        where=f"seal {number}" + (f", {source}" if source else ""),
    )
