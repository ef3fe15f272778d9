from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from consumers.seal import Sealer
from ledger.errors import Unavailable, Untrusted
from ledger.events import Seal
from ledger.log.head import Fenced
from ledger.log.journal import CheckpointJournal
from ledger.log.memory import MemoryLog
from ledger.seal import encode_seal, signed_seal
from ledger.seal_reader import Fork
from ledger.sources import SEALS
from tests.consumers.sealing import ALL, FOUND, ROTATE, SUCCEED, RotatingKeys, World
from tests.ledger.seal_maker import ORIGIN, SIGNERS

pytestmark = pytest.mark.postgres


@pytest.fixture
def world(dsn: str, tmp_path: Path) -> Iterator[World]:
    world = World(dsn, tmp_path)
    yield world
    world.connection.close()


@pytest.fixture
def founded(world: World) -> World:
    world.log.append("registry", [FOUND])
    assert world.sealer().step()
    return world


def drain(sealer: Sealer) -> int:
    steps = 0
    while sealer.step():
        steps += 1
    return steps


def ranges(seal: Seal) -> list[tuple[str, int, int]]:
    return [(r["source"], r["from"], r["to"]) for r in seal["ranges"]]


def test_nothing_is_sealed_before_the_founding_record(world: World) -> None:
    sealer = world.sealer()
    assert not sealer.step()
    world.log.append("events-0", [b"too early"])
    assert not sealer.step()
    assert world.log.ends() == {"events-0": 1}
    world.log.append("registry", [FOUND])
    assert sealer.step()
    (seal,) = world.check()
    assert ranges(seal) == [("registry", 0, 1), ("events-0", 0, 1)]


def test_each_step_seals_what_came_since(founded: World) -> None:
    sealer = founded.sealer()
    assert not sealer.step()
    founded.log.append("events-1", [b"a", b"b"])
    founded.log.append("events-0", [b"c"])
    founded.log.append("registry", [b"d"])
    assert sealer.step()
    assert not sealer.step()
    founded.log.append("events-1", [b"e"])
    assert sealer.step()
    seals = founded.check()
    assert [ranges(seal) for seal in seals] == [
        [("registry", 0, 1)],
        [("registry", 1, 2), ("events-0", 0, 1), ("events-1", 0, 2)],
        [("events-1", 2, 3)],
    ]
    assert [seal["tree_size"] for seal in seals] == [1, 5, 6]


def test_verdicts_ride_along_and_an_idle_ledger_comes_to_rest(founded: World) -> None:
    sealer = founded.sealer()
    founded.offer(founded.verdicts(0))
    founded.log.append("events-0", [b"good", b"bad"])
    assert sealer.step()
    assert not sealer.step()
    founded.offer(founded.verdicts(1))
    assert sealer.step()
    assert not sealer.step()
    founded.offer(founded.verdicts(2))
    assert not sealer.step()
    seals = founded.check()
    assert [len(seal["verdicts"]) for seal in seals] == [0, 1, 1]
    assert seals[2]["ranges"] == []
    assert seals[2]["verdicts"] == founded.verdicts(1)
    assert seals[2]["verdicts"][0]["refused"] == [{"position": 2, "code": "malformed"}]
    assert seals[2]["root"] == seals[1]["root"]


def test_projector_that_is_down_delays_only_its_own_sources(founded: World) -> None:
    sealer = founded.sealer()
    for _ in range(2):
        founded.log.append("events-0", [b"a"])
        founded.log.append("events-1", [b"b"])
        sealer.step()
    late = [v for n in (1, 2) for v in founded.verdicts(n) if v["source"] == "events-0"]
    founded.offer([v for n in (0, 1, 2) for v in founded.verdicts(n) if v not in late])
    assert sealer.step()
    founded.offer(late)
    assert sealer.step()
    seals = founded.check()
    assert [v["source"] for v in seals[3]["verdicts"]] == [
        "registry",
        "events-1",
        "events-1",
    ]
    assert seals[4]["verdicts"] == late


def test_verdicts_with_a_gap_are_never_signed(founded: World) -> None:
    sealer = founded.sealer()
    founded.log.append("events-0", [b"a"])
    sealer.step()
    founded.log.append("events-0", [b"a"])
    sealer.step()
    founded.offer(founded.verdicts(2))
    with pytest.raises(Untrusted, match="follow one another"):
        sealer.step()
    assert len(founded.seals()) == 3


def test_flood_in_one_source_does_not_starve_the_others(founded: World) -> None:
    founded.log.append("events-0", [b"x"] * 40_000)
    founded.log.append("events-1", [b"y"] * 10)
    founded.log.append("registry", [b"z"])
    drain(founded.sealer())
    seals = founded.check()
    assert [ranges(seal) for seal in seals[1:]] == [
        [("registry", 1, 2), ("events-0", 0, 16_373), ("events-1", 0, 10)],
        [("events-0", 16_373, 32_757)],
        [("events-0", 32_757, 40_000)],
    ]


def test_seal_stops_at_its_bytes(founded: World) -> None:
    large = bytes(1_000_000)
    founded.log.append("events-0", [large] * 50)
    founded.log.append("events-1", [large] * 50)
    drain(founded.sealer())
    seals = founded.check()
    sealed = [sum(r["to"] - r["from"] for r in seal["ranges"]) for seal in seals]
    assert sum(sealed) == 101
    assert max(sealed) <= 67


def test_rotated_key_signs_from_the_next_seal_on(founded: World) -> None:
    keys = RotatingKeys()
    sealer = founded.sealer(keys=keys)
    founded.log.append("registry", [ROTATE])
    founded.log.append("events-0", [b"a"])
    sealer.step()
    founded.log.append("events-0", [b"b"])
    sealer.step()
    assert len(founded.check()) == 3
    assert keys.changes == 1
    assert keys.followed == [(0, [FOUND]), (1, [ROTATE])]
    restarted = RotatingKeys()
    founded.log.append("events-0", [b"c"])
    assert founded.sealer(keys=restarted).step()
    assert restarted.followed == [(0, [FOUND]), (1, [ROTATE])]
    assert len(founded.check()) == 4


def test_succeeding_source_stands_in_the_place_of_the_damaged_one(
    founded: World,
) -> None:
    founded.log.append("events-0", [b"a", b"b"])
    sealer = founded.sealer()
    assert sealer.step()
    lost = founded.store.records["events-0"].pop()
    with pytest.raises(Untrusted, match="events-0"):
        sealer.step()
    founded.store.records["events-0"].append(lost)
    founded.log.append("registry", [SUCCEED])
    assert sealer.step()
    founded.store.records["events-0"].pop()
    founded.log.append("events-0.1", [b"c"])
    founded.log.append("events-1", [b"d"])
    assert founded.sealer().step()
    founded.store.records["events-0"].append(lost)
    assert ranges(founded.check()[-1]) == [("events-0.1", 0, 1), ("events-1", 0, 1)]


def test_clock_behind_the_last_seal_stops_the_sealer(founded: World) -> None:
    last = founded.seals()[0]["sealed_at"]
    founded.log.append("events-0", [b"a"])
    now = last - 1
    sealer = founded.sealer(clock=lambda: now)
    with pytest.raises(Unavailable, match="behind the last seal"):
        sealer.step()
    now = last
    assert sealer.step()
    assert founded.check()[1]["sealed_at"] == last


@pytest.mark.parametrize("apart", [-61_000_000, 61_000_000])
def test_clock_that_disagrees_with_postgres_stops_the_sealer(
    world: World, apart: int
) -> None:
    world.log.append("registry", [FOUND])
    sealer = world.sealer(clock=lambda: world.head.clock() + apart)
    with pytest.raises(Unavailable, match="disagree"):
        sealer.step()
    assert world.seals() == []
    assert world.sealer().step()


class ClockedLog(MemoryLog):
    """The world's log, in a store that has a clock of its own."""

    def __init__(self, world: World, clock: Callable[[], int]) -> None:
        super().__init__(world.store)
        self._own_clock = clock

    @override
    def clock(self) -> int:
        return self._own_clock()


@pytest.mark.parametrize("apart", [-61_000_000, 61_000_000])
def test_clock_that_disagrees_with_the_logs_store_stops_the_sealer(
    world: World, apart: int
) -> None:
    world.log.append("registry", [FOUND])
    brokers = ClockedLog(world, lambda: world.head.clock() + apart)
    with pytest.raises(Unavailable, match="the log's"):
        world.sealer(log=brokers).step()
    assert world.seals() == []
    assert world.sealer(log=ClockedLog(world, world.head.clock)).step()


def test_clock_that_jumps_while_running_stops_the_sealer(founded: World) -> None:
    apart = 0
    sealer = founded.sealer(clock=lambda: founded.head.clock() + apart)
    founded.log.append("events-0", [b"a"])
    assert sealer.step()
    apart = 62_000_000
    founded.log.append("events-0", [b"b"])
    with pytest.raises(Unavailable, match="disagree"):
        sealer.step()
    assert len(founded.check()) == 2


def test_operator_may_say_that_the_clock_is_right(founded: World) -> None:
    last = founded.seals()[0]["sealed_at"]
    founded.log.append("events-0", [b"a"])
    assert founded.sealer(clock=lambda: last - 5, accept_clock=True).step()
    founded.log.append("events-0", [b"b"])
    ahead = last + 3_600_000_000
    assert founded.sealer(clock=lambda: ahead, accept_clock=True).step()
    assert [seal["sealed_at"] for seal in founded.check()] == [last, last, ahead]


def test_of_two_sealers_one_wins_and_the_other_is_fenced(founded: World) -> None:
    first, second = founded.sealer(), founded.sealer()
    first.recover()
    second.recover()
    founded.log.append("events-0", [b"a"])
    assert first.step()
    founded.log.append("events-0", [b"b"])
    with pytest.raises(Fenced):
        second.step()
    assert first.step()
    assert len(founded.check()) == 3
    assert founded.log.ends()[SEALS] == 3


def test_sealer_that_slept_is_fenced_by_verdicts_on_seals_it_does_not_know(
    founded: World,
) -> None:
    sleeper, rival = founded.sealer(), founded.sealer()
    sleeper.recover()
    founded.log.append("events-0", [b"a"])
    assert rival.step()
    founded.offer(founded.verdicts(1))
    with pytest.raises(Fenced):
        sleeper.step()
    assert rival.step()
    assert len(founded.check()) == 3


def test_strangers_in_the_seals_are_passed_over(founded: World) -> None:
    founded.log.append(SEALS, [b"garbage", b""])
    founded.log.append("events-0", [b"a"])
    assert founded.sealer().step()
    founded.log.append(SEALS, [founded.store.records[SEALS][0]])
    founded.log.append("events-0", [b"b"])
    assert founded.sealer().step()
    assert len(founded.check()) == 3
    assert founded.skipped == 3


def grown(founded: World) -> World:
    """Some history: five seals, verdicts, a key change."""
    sealer = founded.sealer()
    founded.offer(founded.verdicts(0))
    for n in range(3):
        founded.log.append("events-0", [b"%d" % n] * (200 * n + 1))
        founded.log.append("events-1", [b"bad %d" % n])
        if n == 1:
            founded.log.append("registry", [ROTATE])
        assert sealer.step()
        founded.offer(founded.verdicts(n + 1))
    assert sealer.step()
    assert len(founded.check()) == 5
    return founded


@pytest.mark.parametrize("kept", range(6))
def test_head_behind_the_log_is_rebuilt_from_the_seals(
    founded: World, kept: int
) -> None:
    world = grown(founded)
    tiles = list(world.head.tiles())
    sealed = list(world.head.seals())
    world.older_head(kept)
    assert world.head.load().tip.seal_no == kept - 1
    world.sealer().recover()
    assert list(world.head.tiles()) == tiles
    assert list(world.head.seals()) == sealed
    world.log.append("events-0", [b"new"])
    assert world.sealer().step()
    assert len(world.check()) == 6


def test_head_and_log_behind_the_journal_halt(founded: World) -> None:
    world = grown(founded)
    del world.store.records[SEALS][4:]
    world.wipe_head()
    with pytest.raises(Untrusted, match="behind the checkpoint journal"):
        world.sealer().step()


def test_rewritten_history_does_not_meet_the_journal(
    founded: World, tmp_path: Path
) -> None:
    world = grown(founded)
    for held in world.store.records.values():
        del held[:]
    world.wipe_head()
    journal = world.journal_path
    world.journal_path = tmp_path / "other"
    world.log.append("registry", [FOUND])
    for n in range(7):
        world.log.append("events-0", [b"%d" % n])
        assert world.sealer().step()
    world.journal_path = journal
    with pytest.raises(Untrusted, match="not the one in the checkpoint journal"):
        world.sealer().step()


def test_rebuilt_head_must_meet_every_checkpoint(
    founded: World, tmp_path: Path
) -> None:
    world = grown(founded)
    entries = list(CheckpointJournal(world.journal_path).all())
    for held in world.store.records.values():
        del held[:]
    world.wipe_head()
    world.journal_path = tmp_path / "other"
    world.log.append("registry", [FOUND])
    assert world.sealer().step()
    world.wipe_head()
    journal = CheckpointJournal(tmp_path / "first only")
    journal.append(entries[0][1])
    with pytest.raises(Untrusted, match="not the one in the checkpoint journal"):
        world.sealer(journal=journal).recover()
    assert world.head.load().tip.seal_no == -1


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_log_that_lost_seals_halts(founded: World, lost: int) -> None:
    world = grown(founded)
    del world.store.records[SEALS][-lost:]
    with pytest.raises(Untrusted, match="lost records that are sealed"):
        world.sealer().step()


@pytest.mark.parametrize("source", ["registry", "events-0"])
def test_log_that_lost_sealed_records_halts(founded: World, source: str) -> None:
    world = grown(founded)
    running = world.sealer()
    assert not running.step()
    world.store.records[source].pop()
    for sealer in (running, world.sealer()):
        with pytest.raises(Untrusted, match="lost records that are sealed"):
            sealer.step()


def test_log_with_another_last_seal_halts(founded: World) -> None:
    world = grown(founded)
    world.store.records[SEALS][-1] = b"something else"
    with pytest.raises(Untrusted, match="does not hold the seal"):
        world.sealer().step()


def test_changed_record_is_found_when_the_head_is_rebuilt(founded: World) -> None:
    world = grown(founded)
    world.store.records["events-0"][0] = b"changed"
    world.wipe_head()
    with pytest.raises(Untrusted, match="do not give the sealed root"):
        world.sealer().step()


def test_fork_in_the_log_halts_and_shows_both(founded: World) -> None:
    world = grown(founded)
    last = world.seals()[-1]
    other = cast(Seal, {**last, "sealed_at": last["sealed_at"] + 1})
    data = encode_seal(signed_seal(other, ORIGIN, SIGNERS[1]))
    world.log.append(SEALS, [data])
    with pytest.raises(Fork) as caught:
        world.sealer().step()
    assert caught.value.first == world.store.records[SEALS][4]
    assert caught.value.second == data


def test_seals_are_in_the_log_once_when_nothing_fails(founded: World) -> None:
    world = grown(founded)
    held = world.log.read(SEALS, 0, limit=ALL, size_max=ALL)
    assert held == [data for _, data in world.head.seals()]
