"""Own verdicts against sealed ones: equal, split, and different."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ledger.errors import Untrusted
from ledger.events import VerdictRange
from ledger.refusals import ACCEPTED
from ledger.seal import SealedVerdict, verdict_range
from projections.own_verdicts import OwnVerdicts
from tests.projections.made import digest_of


def _judged(first: int, codes: Sequence[str]) -> list[SealedVerdict]:
    return [
        SealedVerdict(position=at, leaf=digest_of(f"leaf {at}"), code=code)
        for at, code in enumerate(codes, first)
    ]


def _sealed(entries: list[SealedVerdict]) -> VerdictRange:
    return verdict_range(seal_no=3, source="events-1", entries=entries)


def _nothing_stored(first: int, end: int) -> list[SealedVerdict]:
    raise AssertionError(f"{first} to {end} are held")


ENTRIES = _judged(10, [ACCEPTED, "stale", ACCEPTED, "malformed", ACCEPTED])


def test_equal_verdicts_are_confirmed() -> None:
    own = OwnVerdicts(_nothing_stored)
    assert own.add(3, "events-1", ENTRIES) == _sealed(ENTRIES)
    own.confirm(_sealed(ENTRIES), seal_no=4)


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_range_may_be_confirmed_in_pieces(cut: int) -> None:
    own = OwnVerdicts(_nothing_stored)
    own.add(3, "events-1", ENTRIES)
    own.confirm(_sealed(ENTRIES[:cut]), seal_no=4)
    own.confirm(_sealed(ENTRIES[cut:]), seal_no=5)


def test_after_a_restart_the_tables_answer() -> None:
    own = OwnVerdicts(lambda first, end: ENTRIES[first - 10 : end - 10])
    own.confirm(_sealed(ENTRIES[:2]), seal_no=4)
    own.confirm(_sealed(ENTRIES[2:]), seal_no=5)


def test_another_verdict_halts_and_is_named() -> None:
    own = OwnVerdicts(_nothing_stored)
    own.add(3, "events-1", ENTRIES)
    other = _judged(10, [ACCEPTED, "gap", ACCEPTED, "malformed", ACCEPTED])
    with pytest.raises(Untrusted) as caught:
        own.confirm(_sealed(other), seal_no=4)
    assert caught.value.where == "position 11, events-1"
    assert caught.value.found == "stale"


def test_another_root_halts() -> None:
    own = OwnVerdicts(_nothing_stored)
    own.add(3, "events-1", ENTRIES)
    forged: VerdictRange = {**_sealed(ENTRIES), "root": bytes(32)}
    with pytest.raises(Untrusted):
        own.confirm(forged, seal_no=4)


def test_verdicts_on_records_that_nobody_judged_halt() -> None:
    own = OwnVerdicts(lambda first, end: [])
    with pytest.raises(Untrusted):
        own.confirm(_sealed(ENTRIES), seal_no=4)
