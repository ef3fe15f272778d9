"""Records come twice, or in another order: the tables are those of each record once."""

from __future__ import annotations

import pytest

from console.founding import DEPARTMENT_USCC
from console.ledger import Ledger
from console.wiring import open_ledger
from ledger.sources import SEALS, events_source
from projections.digest import digests
from tests.faults.brokers import until_sealed
from tests.faults.oracles import assert_whole
from tests.faults.province import Province
from tests.faults.seed import chance
from tests.faults.waiting import until
from tests.faults.world import PARTITIONS, World

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

_PAGE = 500
_PAGE_SIZE = 4 * 1024 * 1024


def ends_of(ledger: Ledger) -> dict[str, int]:
    return {name: n for name, n in ledger.log.ends().items() if name != SEALS}


def verdicts_of(ledger: Ledger, source: str, start: int, end: int) -> list[str]:
    rows = ledger.views.execute(
        "SELECT verdict FROM audit_trail WHERE source = %s AND ordinal >= %s "
        "AND ordinal < %s ORDER BY ordinal",
        (source, start, end),
    ).fetchall()
    return [row[0] for row in rows]


def append_again(ledger: Ledger, source: str, end: int) -> None:
    """Sends the first records of a source once more."""
    at = 0
    while at < end:
        page = ledger.log.read(
            source, at, limit=min(_PAGE, end - at), size_max=_PAGE_SIZE
        )
        ledger.log.append(source, page)
        at += len(page)


def test_everything_is_delivered_a_second_time(broken: World) -> None:
    with broken.load("twice") as load:
        load.more(60)
    broken.settled()
    with open_ledger(broken.settings) as ledger:
        ends = ends_of(ledger)
        before = digests(ledger.views)
        seals = ledger.head.load().seals_next
        for source, end in [*ends.items(), (SEALS, seals)]:
            append_again(ledger, source, end)
    broken.settled()
    with open_ledger(broken.settings) as ledger:
        assert ends_of(ledger) == {source: 2 * end for source, end in ends.items()}
        for source, end in ends.items():
            first = verdicts_of(ledger, source, 0, end)
            again = verdicts_of(ledger, source, end, 2 * end)
            accepted = [n for n, verdict in enumerate(first) if verdict == "accepted"]
            assert {again[n] for n in accepted} == {"duplicate"}, source
            assert "accepted" not in again
        after = digests(ledger.views)
    assert {name for name in before if before[name] != after[name]} == {"audit_trail"}
    assert_whole(broken)


@pytest.mark.parametrize("groups", [("3-5", "0-2"), ("1,4", "0,5", "2-3")])
def test_partitions_are_projected_one_group_after_the_other(
    broken: World, groups: tuple[str, ...]
) -> None:
    for running in broken.projectors:
        running.stop()
        assert running.end().code == 0
    broken.projectors.clear()
    with broken.load(f"order{len(groups)}") as load:
        load.more(60)
    until_sealed(broken)
    for group in groups:
        running = broken.commands.start("project", "--partitions", group)
        with open_ledger(broken.settings) as ledger:
            ends = ends_of(ledger)
            wanted = {source: ends.get(source, 0) for source in sources_of(group)}
            until(
                lambda ledger=ledger, wanted=wanted: all(  # type: ignore[misc]
                    ledger.projected().get(source, 0) >= end
                    for source, end in wanted.items()
                ),
                f"{group} is projected while the others are not",
            )
        running.stop()
        assert running.end().code == 0
    assert_whole(broken)  # a rebuild takes them in sealed order


def sources_of(group: str) -> list[str]:
    """The event sources of partitions like ``0,2-3``."""
    found: list[str] = []
    for span in group.split(","):
        first, _, last = span.partition("-")
        found += [events_source(n) for n in range(int(first), int(last or first) + 1)]
    return found


def test_event_that_overtook_its_predecessor_is_a_gap_and_is_sent_again(
    broken: World,
) -> None:
    with open_ledger(broken.settings) as ledger:
        province = Province(
            origin=ledger.origin,
            partitions=PARTITIONS,
            authority=DEPARTMENT_USCC,
            signers=ledger.signers(),
            rng=chance("overtaking"),
            name="overtaking",
            open_max=1,
        )
        signed = province.batch(2)
        assert len({one.source for one in signed}) == 1
        first, second = signed
        verdicts = [
            ledger.await_verdict(ledger.publish([one])[0]).verdict
            for one in (second, first, second, second)
        ]
    assert verdicts == ["gap", "accepted", "accepted", "duplicate"]
    assert_whole(broken)
