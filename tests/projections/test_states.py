"""Counts by state on a day: the columns alone where they can answer, else a new fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.license import License, Restriction, State
from ledger.lifecycle import shown_state
from ledger.workdays import legal_day
from projections import license, timeline
from projections.states import settled_day, shown_on, types_of
from tests.builders import World
from tests.projections.sealed import DAY_US, SealedLedger, history
from tests.sample_province import TODAY

pytestmark = pytest.mark.postgres
FIRST = legal_day(TODAY)


@pytest.fixture
def ledger(dsn: str) -> Iterator[SealedLedger]:
    world = history(5)
    _late_acts(world)
    made = SealedLedger(dsn, world)
    made.seal_each(8)
    made.settle()
    yield made
    made.close()


def _late_acts(world: World) -> None:
    """Acts that are older than others which are known already."""
    subject = world.license_id("L1")
    world.issue("L1", effective_at=TODAY - 40 * DAY_US)
    world.act("REVOKE", subject, effective_at=TODAY - 2 * DAY_US)
    world.act(
        "SUSPEND",
        subject,
        effective_at=TODAY - 20 * DAY_US,
        fields={"term_until": "2026-02-20"},
    )


@pytest.mark.parametrize("days", [-50, -40, -20, -10, -2, -1, 0, 1, 5, 6, 100, 3000])
def test_the_counts_are_those_of_every_license_by_itself(
    ledger: SealedLedger, days: int
) -> None:
    day, registry = FIRST + days, ledger.world.registry
    expected = Counter(
        shown_on(day, state.acts, types_of(registry, subject)).value
        for (_, subject), state in ledger.world.chains.items()
    )
    found = license.count_by_state(ledger.conn, day, registry)
    assert found == expected
    assert sum(found.values()) == len(ledger.world.chains)


def test_a_late_act_shows_the_states_of_its_own_day(ledger: SealedLedger) -> None:
    subject = ledger.world.license_id("L1")
    lines = timeline.timeline_of(ledger.conn, subject)
    assert [(line.act, line.state_before, line.state_after) for line in lines] == [
        ("ISSUE", "NONE", "VALID"),
        ("REVOKE", "VALID", "REVD"),
        ("SUSPEND", "VALID", "SUSP"),
    ]
    assert lines[2].flags == ["late"]


_DAYS = st.integers(FIRST - 50, FIRST + 50)
_RESTRICTIONS = st.builds(
    Restriction,
    digest=st.just(b""),
    state=st.sampled_from(["SUSP", "PAUS"]),
    since_day=_DAYS,
    until_day=st.none() | _DAYS,
    position=st.just(0),
)
_LICENSES = st.builds(
    License,
    opening=st.just("ISSUE"),
    type_version=st.just(1),
    version=st.just(1),
    identifier=st.just(""),
    terminal=st.sampled_from(["", "", "", "REVD", "VOID"]),
    terminal_day=st.none() | _DAYS,
    valid_until=st.none() | _DAYS,
    renewal_pending=st.booleans(),
    restrictions=st.lists(_RESTRICTIONS, max_size=3).map(tuple),
    last_day=_DAYS,
)


@given(folded=_LICENSES, later=st.integers(0, 60))
def test_the_columns_show_what_the_lifecycle_shows(folded: License, later: int) -> None:
    """The CASE of the counting statement, in Python, over the columns of a row."""
    day = settled_day(folded) + later
    suspended = license.until(folded, State.SUSP)
    paused = license.until(folded, State.PAUS)
    expired = folded.valid_until is not None and folded.valid_until < day
    found = (
        folded.terminal
        or (expired and not folded.renewal_pending and "EXP")
        or (suspended is not None and suspended >= day and "SUSP")
        or (paused is not None and paused >= day and "PAUS")
        or "VALID"
    )
    assert found == shown_state(folded, day)
