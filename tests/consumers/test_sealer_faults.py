"""Every point of failure of the sealer, twice: nothing happened, and all of it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from consumers.seal import Sealer
from ledger.errors import LedgerError, Unavailable
from ledger.events import Seal
from ledger.log.archive import Archive
from ledger.log.head import Fenced, HeadStore
from ledger.log.journal import CheckpointJournal
from ledger.log.memory import MemoryLog
from ledger.sources import SEALS
from tests.consumers.failing import (
    FailingArchive,
    FailingHead,
    FailingJournal,
    FailingLog,
    Fuse,
)
from tests.consumers.sealing import FOUND, ROTATE, RotatingKeys, World
from tests.ledger.log.archives import held

pytestmark = pytest.mark.postgres

# The story below makes five seals, each with four effects: commit, append, mark, journal.
# Four of them bring records, which go into the archive before all else.
POINTS = (5 * 4 + 4) * 2


class Crash(Exception):  # noqa: N818 - it stands for kill -9
    """The process is gone: nobody handles this."""


class Machines(World):
    """A world in which a sealer that starts takes its archive over from the one before."""

    def __init__(self, dsn: str, folder: Path) -> None:
        super().__init__(dsn, folder)
        self.archives: dict[str, Archive] = {}

    def archive(self, fuse: Fuse, machine: str = "first") -> Archive:
        """The archive of one machine, on which no other process runs any more."""
        if machine in self.archives:
            self.archives[machine].close()
        folder = self.archive_path.with_name(machine)
        self.archives[machine] = FailingArchive(folder, fuse)
        return self.archives[machine]

    def close_archives(self) -> None:
        for archive in self.archives.values():
            archive.close()
        self.archives.clear()


@pytest.fixture
def world(dsn: str, tmp_path: Path) -> Iterator[Machines]:
    world = Machines(dsn, tmp_path)
    yield world
    world.close_archives()
    world.connection.close()


def failing_sealer(
    world: Machines, fuse: Fuse, keys: RotatingKeys | None = None
) -> Sealer:
    return world.sealer(
        log=FailingLog(world.log, fuse),
        head=FailingHead(world.head, fuse),
        journal=FailingJournal(world.journal_path, fuse),
        archive=world.archive(fuse),
        keys=keys,
    )


def standby(world: Machines) -> Sealer:
    """A second sealer on a machine of its own."""
    return world.sealer(archive=world.archive(Fuse(), "second"))


def tell(world: Machines) -> Iterator[None]:
    """A short history, one scene at a time: records, a key change, verdicts."""
    world.log.append("registry", [FOUND])
    yield
    world.offer(world.verdicts(0))
    world.log.append("events-0", [b"a"] * 300)
    yield
    world.log.append("registry", [ROTATE])
    world.log.append("events-1", [b"bad", b"b"])
    world.offer(world.verdicts(1))
    yield
    world.offer(world.verdicts(2))
    yield
    world.log.append("events-1", [b"c"])
    yield


def outcome(seals: list[Seal]) -> list[object]:
    """What must be the same whatever failed: all but times and what hangs on them."""
    return [(seal["ranges"], seal["root"], seal["verdicts"]) for seal in seals]


def clean(world: Machines) -> None:
    world.wipe_head()
    for machine in list(world.archives):
        world.archives.pop(machine).close()
        for path in world.archive_path.with_name(machine).iterdir():
            path.unlink()
    for appended in world.store.records.values():
        appended.clear()
    world.journal_path.unlink(missing_ok=True)


def undisturbed(world: Machines) -> list[object]:
    fuse = Fuse()
    sealer = failing_sealer(world, fuse)
    for _ in tell(world):
        assert sealer.step()
    assert not sealer.step()
    assert fuse.count == POINTS
    expected = outcome(world.check())
    assert len(expected) == 5
    assert held(world.archives["first"]) == world.sealed()
    return expected


def test_crash_at_any_point_loses_and_doubles_nothing(world: Machines) -> None:
    expected = undisturbed(world)

    def die() -> None:
        raise Crash

    for point in range(POINTS):
        clean(world)
        fuse = Fuse(blow_at=point, at=die)
        sealer = failing_sealer(world, fuse)
        for _ in tell(world):
            try:
                assert sealer.step()
            except Crash:
                sealer = failing_sealer(world, fuse)
                sealer.step()
        assert not sealer.step()
        assert fuse.count > point
        assert outcome(world.check()) == expected, f"crash at {point}"
        assert held(world.archives["first"]) == world.sealed(), f"crash at {point}"


def test_failure_at_any_point_is_made_good_by_the_next_step(world: Machines) -> None:
    expected = undisturbed(world)

    def fail() -> None:
        raise Unavailable("the connection is gone")

    for point in range(POINTS):
        clean(world)
        fuse = Fuse(blow_at=point, at=fail)
        keys = RotatingKeys()
        sealer = failing_sealer(world, fuse, keys)
        for _ in tell(world):
            try:
                assert sealer.step()
            except Unavailable:
                sealer.step()
        assert not sealer.step()
        assert outcome(world.check()) == expected, f"failure at {point}"
        assert held(world.archives["first"]) == world.sealed(), f"failure at {point}"
        assert keys.followed == [(0, [FOUND]), (2, [ROTATE])]


def test_recovery_that_fails_anywhere_is_done_again(world: Machines) -> None:
    """The database is empty again, and the archive is that of a new machine."""
    for _ in tell(world):
        assert world.sealer().step()
    expected = world.check()

    def fail() -> None:
        raise Unavailable("the connection is gone")

    # Of five seals commit and mark, of four the archive; and the journal once.
    for point in range((5 * 2 + 4 + 1) * 2):
        world.wipe_head()
        world.archive(Fuse()).truncate(0)
        fuse, keys = Fuse(blow_at=point, at=fail), RotatingKeys()
        sealer = failing_sealer(world, fuse, keys)
        with pytest.raises(Unavailable):
            sealer.recover()
        sealer.recover()
        assert keys.followed == [(0, [FOUND]), (2, [ROTATE])], f"failure at {point}"
        assert world.check() == expected
        assert held(world.archives["first"]) == world.sealed()


def test_nothing_of_a_seal_is_shown_before_the_log_has_it(world: Machines) -> None:
    world.log.append("registry", [FOUND])
    seen: list[tuple[bytes | None, int | None]] = []

    def look() -> None:
        seen.append((world.head.published(), world.head.seal_of_position(0)))

    # After the commit, and before the append; the archive was first.
    for point in (3, 4):
        clean(world)
        world.log.append("registry", [FOUND])
        failing_sealer(world, Fuse(blow_at=point, at=look)).step()
    assert seen == [(None, None)] * 2


def test_second_sealer_at_any_point_forks_nothing(world: Machines) -> None:
    expected = undisturbed(world)
    fenced = 0
    for point in range(POINTS):
        clean(world)
        rival = standby(world)
        fuse = Fuse(blow_at=point, at=lambda rival=rival: rival.step())  # type: ignore[misc]
        sealer = failing_sealer(world, fuse)
        for _ in tell(world):
            try:
                sealer.step()
            except Fenced:
                fenced += 1
                sealer = failing_sealer(world, fuse)
                sealer.step()
        world.sealer().step()
        assert outcome(world.check()) == expected, f"rival at {point}"
        sealer.recover()
        rival.recover()
        for archive in world.archives.values():
            assert held(archive) == world.sealed(), f"rival at {point}"
    # The rival is quicker exactly when it comes before a commit: right before it, or
    # around the writing to the archive.
    assert fenced == 5 + 2 * 4


def test_sealers_that_race_make_one_chain(world: Machines) -> None:
    rounds = 40
    world.log.append("registry", [FOUND])
    wins: list[int] = []

    def race(number: int) -> None:
        with psycopg.connect(world.dsn, autocommit=True) as connection:
            head = HeadStore(connection)
            log = MemoryLog(world.store)
            sealer = world.sealer(log=log, head=head)
            while head.load().tip.seal_no < rounds:
                log.append(f"events-{number}", [b"x"])
                try:
                    if sealer.step():
                        wins.append(number)
                except Fenced:
                    sealer = world.sealer(log=log, head=head)

    threads = [Thread(target=race, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.sealer().recover()
    seals = world.check()
    assert len(wins) <= len(seals)
    assert len(seals) >= rounds
    # Whatever stands in the log twice is the same seal again.
    held = world.store.records[SEALS]
    assert set(held) == {data for _, data in world.head.seals()}


@pytest.mark.parametrize(
    "moment", ["log.ends", "head.load", "log.read", "journal.last"]
)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_rival_that_seals_during_recovery_is_no_contradiction(
    world: Machines, monkeypatch: pytest.MonkeyPatch, moment: str, call: int
) -> None:
    for _ in tell(world):
        assert world.sealer().step()
    world.log.append("events-0", [b"new"])
    rival = world.sealer(log=MemoryLog(world.store), head=HeadStore(world.connection))
    journal = CheckpointJournal(world.journal_path)
    doors = {"log": world.log, "head": world.head, "journal": journal}
    door, name = moment.split(".")
    method = getattr(doors[door], name)
    calls = 0

    def interrupted(*args: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            rival.step()
        return method(*args, **named)

    monkeypatch.setattr(doors[door], name, interrupted)
    with suppress(Fenced):
        world.sealer(journal=journal).step()
    monkeypatch.undo()
    world.sealer().step()
    assert len(world.check()) == 6


class Sealing(RuleBasedStateMachine):
    """Appends, verdicts, crashes, strangers and lost heads in any order."""

    def __init__(self, world: Machines, ends: list[int]) -> None:
        super().__init__()
        self.world = world
        self.ends = ends
        clean(world)
        self.fuse = Fuse()
        self.sealer = failing_sealer(world, self.fuse)
        self.offered: set[tuple[int, str]] = set()
        self.sealed = 0

    @initialize()
    def found(self) -> None:
        self.world.log.append("registry", [FOUND])

    @rule(
        source=st.sampled_from(["registry", "events-0", "events-1"]),
        records=st.lists(st.sampled_from([b"good", b"bad", b""]), min_size=1),
    )
    def append(self, source: str, records: list[bytes]) -> None:
        self.world.log.append(source, records)

    @precondition(lambda self: len(self.sealer_changes()) < 3)
    @rule()
    def rotate(self) -> None:
        self.world.log.append("registry", [ROTATE])

    @rule(source=st.sampled_from(["registry", "events-0", "events-1"]))
    def offer(self, source: str) -> None:
        """A projector brings its source up to the log's end."""
        for seal in self.world.seals():
            key = seal["seal_no"], source
            if key not in self.offered:
                self.offered.add(key)
                given = self.world.verdicts(seal["seal_no"])
                self.world.offer([v for v in given if v["source"] == source])

    @rule()
    def step(self) -> None:
        self.sealer.step()

    @rule(point=st.integers(0, 9), crash=st.booleans(), again=st.booleans())
    def fail(self, point: int, crash: bool, again: bool) -> None:
        def blow() -> None:
            raise Crash if crash else Unavailable("the connection is gone")

        self.fuse.count, self.fuse.blow_at, self.fuse.at = 0, point, blow
        with suppress(Crash, LedgerError):
            self.sealer.step()
        self.fuse.blow_at = -1
        if crash:
            self.sealer = failing_sealer(self.world, self.fuse)
        if again:
            self.sealer.step()

    @rule(data=st.sampled_from(["repeat", "garbage"]))
    def disturb(self, data: str) -> None:
        held = self.world.store.records[SEALS]
        self.world.log.append(SEALS, [held[0] if data == "repeat" and held else b"?"])

    @rule()
    def lose_head(self) -> None:
        """The database comes back from a backup; its verdicts are offered anew."""
        self.sealer.recover()
        self.world.wipe_head()
        self.offered.clear()
        self.sealer = failing_sealer(self.world, self.fuse)

    @invariant()
    def seals_only_grow(self) -> None:
        sealed = len(self.world.seals())
        assert sealed >= self.sealed
        self.sealed = sealed

    @override
    def teardown(self) -> None:
        if self.world.store.records["registry"]:
            sealer = failing_sealer(self.world, Fuse())
            while sealer.step():
                pass
            seals = self.world.check()
            assert held(self.world.archives["first"]) == self.world.sealed()
            sealed = sum(r["to"] - r["from"] for s in seals for r in s["ranges"])
            appended = sum(
                len(held)
                for source, held in self.world.store.records.items()
                if source != SEALS
            )
            assert sealed == appended
            self.ends.append(sealed)

    def sealer_changes(self) -> list[bytes]:
        return [r for r in self.world.store.records["registry"] if r == ROTATE]


def test_any_story_ends_in_one_sound_chain(world: Machines) -> None:
    ends: list[int] = []
    run_state_machine_as_test(
        lambda: Sealing(world, ends),  # type: ignore[arg-type]
        settings=settings(stateful_step_count=15),
    )
    assert max(ends) > 1  # some story sealed more than its founding
