"""The sealer's archive: never behind a head, and never with records that are not sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest
from typing_extensions import override

from consumers import seal_archive
from ledger.errors import Untrusted
from ledger.log.archive import Archive
from ledger.log.head import Fenced
from ledger.log.journal import CheckpointJournal
from ledger.log.memory import MemoryLog
from ledger.sources import SEALS
from tests.consumers.failing import FailingArchive, FailingHead, Fuse
from tests.consumers.sealing import FOUND, SUCCEED, World
from tests.ledger.log.archives import held, records, stored

pytestmark = pytest.mark.postgres


@pytest.fixture
def world(dsn: str, tmp_path: Path) -> Iterator[World]:
    world = World(dsn, tmp_path)
    world.log.append("registry", [FOUND])
    yield world
    world.connection.close()


@pytest.fixture
def archive(world: World) -> Iterator[Archive]:
    archive = Archive(world.archive_path, segment_size=4_000)
    yield archive
    archive.close()


def grow(world: World, archive: Archive | None, seals: int = 4) -> None:
    """Some seals, of which one brings verdicts alone."""
    sealer = world.sealer(archive=archive)
    assert sealer.step()
    for n in range(seals - 2):
        world.log.append("events-1", [b"one %d" % n] * 3)
        world.log.append("events-0", [b"%d: %d" % (n, i) for i in range(40)])
        assert sealer.step()
    world.offer(world.verdicts(0))
    assert sealer.step()
    assert len(world.check()) == seals


class Crash(Exception):  # noqa: N818 - it stands for kill -9
    """The process is gone: nobody handles this."""


def die() -> None:
    raise Crash


def test_records_are_archived_before_their_head_commits(
    world: World, archive: Archive
) -> None:
    seen: list[tuple[int, int]] = []

    def look() -> None:
        seen.append((archive.end, world.head.load().tip.tree_size))

    world.log.append("events-0", [b"a", b"b"])
    head = FailingHead(world.head, Fuse(blow_at=0, at=look))
    assert world.sealer(head=head, archive=archive).step()
    assert seen == [(3, 0)]
    assert held(archive) == world.sealed() == [FOUND, b"a", b"b"]


def test_sealed_order_is_the_order_of_the_archive(
    world: World, archive: Archive
) -> None:
    grow(world, archive)
    assert held(archive) == world.sealed()
    assert len(held(archive)) == 87


def test_new_folder_is_filled_from_the_log(
    world: World, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal_archive, "_FILL_SIZE", 300)
    monkeypatch.setattr(seal_archive, "_PAGE", 7)
    grow(world, None)
    archive.write(0, world.sealed()[:50])
    world.sealer(archive=archive).recover()
    assert held(archive) == world.sealed()


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (b"one ?", r"does not hold.* events-1, record 4"),
        (b"lost", r"neither in the archive nor.* record 4; at events-1"),
    ],
)
def test_folder_that_the_log_cannot_fill_halts_and_says_why(
    world: World, archive: Archive, record: bytes, what: str
) -> None:
    grow(world, None)
    world.store.records["events-1"][4] = record
    with pytest.raises(Untrusted, match=what):
        world.sealer(log=Damaged(world), archive=archive).step()
    assert held(archive) == []


def test_folder_lacks_what_a_succeeded_source_lost(
    world: World, archive: Archive
) -> None:
    grow(world, None)
    world.log.append("registry", [SUCCEED])
    assert world.sealer().step()
    del world.store.records["events-0"][50:]
    with pytest.raises(Untrusted, match=r"neither in the.* record 50; at events-0"):
        world.sealer(archive=archive).step()


class Damaged(MemoryLog):
    """Finds that some records are gone, as a log with a hole does."""

    LOST = b"lost"

    def __init__(self, world: World) -> None:
        super().__init__(world.store)

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        page = super().read(source, start, limit=limit, size_max=size_max)
        if page[:1] == [self.LOST]:
            raise Untrusted("the log has a hole", where=source)
        return page[: page.index(self.LOST)] if self.LOST in page else page


def crashed_before_commit(world: World, archive: Archive) -> None:
    """A sealer that wrote its records to the archive, and died."""
    head = FailingHead(world.head, Fuse(blow_at=0, at=die))
    with pytest.raises(Crash):
        world.sealer(head=head, archive=archive).step()


def test_records_of_a_seal_that_never_was_go(world: World, archive: Archive) -> None:
    grow(world, archive)
    world.log.append("events-1", [b"a", b"b"])
    crashed_before_commit(world, archive)
    assert archive.end == 89
    world.sealer(archive=archive).recover()
    assert archive.end == 87
    assert world.sealer(archive=archive).step()
    assert held(archive) == world.sealed()


@pytest.mark.parametrize(
    "more",
    [
        {"registry": 1},
        {"events-0": 1},
        {"events-0": 5, "events-1": 5},
        {"events-1": 5},
        {},
    ],
)
def test_rival_that_sealed_other_records_there_is_believed(
    world: World, archive: Archive, more: Mapping[str, int]
) -> None:
    """What the dead sealer archived stands at positions that others took."""
    grow(world, archive)
    world.log.append("events-0", [b"a", b"b"])
    world.log.append("events-1", [b"c"])
    crashed_before_commit(world, archive)
    for source, count in more.items():
        world.log.append(source, [b"more %d" % n for n in range(count)])
    rival = world.sealer()
    assert rival.step()
    world.log.append("events-1", [b"d"])
    assert rival.step()
    world.sealer(archive=archive).recover()
    assert held(archive) == world.sealed()


def test_rival_that_sealed_less_is_believed(world: World, archive: Archive) -> None:
    """The dead sealer had read further than the one that won."""
    grow(world, archive)
    world.log.append("events-0", [b"a"])
    assert world.sealer().step()
    fooled = Archive(world.archive_path.with_name("fooled"))
    fooled.write(0, world.sealed()[:-1])
    fooled.write(fooled.end, [b"a", b"b", b"c"])
    world.sealer(archive=fooled).recover()
    assert held(fooled) == world.sealed()
    fooled.close()


def test_loser_drops_what_it_wrote(world: World, archive: Archive) -> None:
    grow(world, archive)
    world.log.append("events-0", [b"a"])
    rival = world.sealer()

    def overtake() -> None:
        assert rival.step()

    fuse = Fuse(blow_at=1, at=overtake)
    archive.close()
    with closing(FailingArchive(world.archive_path, fuse)) as failing:
        sealer = world.sealer(archive=failing)
        with pytest.raises(Fenced):
            sealer.step()
        assert held(failing) == world.sealed()[:-1]


@pytest.mark.parametrize("kept", [0, 2])
def test_rebuilt_head_finds_its_records_archived(
    world: World, archive: Archive, kept: int
) -> None:
    grow(world, archive)
    before = stored(world.archive_path)
    world.older_head(kept)
    assert archive.end > world.head.load().tip.tree_size
    world.sealer(archive=archive).recover()
    world.check()
    assert held(archive) == world.sealed()
    assert stored(world.archive_path) == before


def test_rebuilt_head_goes_into_a_new_archive(world: World, archive: Archive) -> None:
    grow(world, None)
    world.older_head(2)
    world.sealer(archive=archive).recover()
    world.check()
    assert held(archive) == world.sealed()


def test_rebuilt_head_takes_what_a_succeeded_source_lost_from_the_archive(
    world: World, archive: Archive
) -> None:
    grow(world, archive)
    sealed = world.sealed()
    world.log.append("registry", [SUCCEED])
    world.log.append("events-0.1", [b"goes on"])
    for _ in range(2):
        world.sealer(archive=archive).step()
    lost = world.store.records["events-0"][10:]
    del world.store.records["events-0"][10:]
    world.wipe_head()
    with pytest.raises(Untrusted, match=r"lost.* record 10; at events-0"):
        world.sealer().recover()
    world.sealer(archive=archive).recover()
    world.store.records["events-0"] += lost
    world.check()
    assert held(archive) == world.sealed()
    assert held(archive)[: len(sealed)] == sealed


def test_false_last_write_never_makes_a_head(world: World, archive: Archive) -> None:
    """The log lost what the archive has wrong: nobody can say what was sealed."""
    grow(world, archive)
    archive.truncate(86)
    archive.write(86, [b"never sealed"])
    world.wipe_head()
    world.store.records["events-1"].pop()
    with pytest.raises(Untrusted, match="do not give the sealed root"):
        world.sealer(archive=archive).recover()


def test_archive_of_another_ledger_halts(world: World, archive: Archive) -> None:
    grow(world, None)
    for batch in (records(30), records(30)):
        archive.write(archive.end, batch)
    before = stored(world.archive_path)
    with pytest.raises(Untrusted, match=r"another ledger's.* position 29"):
        world.sealer(archive=archive).recover()
    world.wipe_head()
    with pytest.raises(Untrusted, match=r"another ledger's.* position 0"):
        world.sealer(archive=archive).recover()
    assert stored(world.archive_path) == before


def test_archive_ahead_of_older_copies_of_head_and_log_is_kept(
    world: World, archive: Archive, tmp_path: Path
) -> None:
    grow(world, archive, seals=5)
    before = stored(world.archive_path)
    world.older_head(2)
    del world.store.records[SEALS][2:]
    journal = CheckpointJournal(tmp_path / "none")
    with pytest.raises(Untrusted, match="ahead of head and log"):
        world.sealer(archive=archive, journal=journal).recover()
    with pytest.raises(Untrusted, match="behind the checkpoint journal"):
        world.sealer(archive=archive).recover()
    assert stored(world.archive_path) == before


@pytest.mark.parametrize("point", range(8))
def test_crash_while_filling_is_made_good(
    world: World, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    monkeypatch.setattr(seal_archive, "_FILL_SIZE", 200)
    grow(world, None)
    fuse = Fuse(blow_at=point, at=die)
    with closing(FailingArchive(world.archive_path, fuse)) as failing:
        with suppress(Crash):
            world.sealer(archive=failing).recover()
        written = failing.end
        assert held(failing) == world.sealed()[:written]
    with closing(FailingArchive(world.archive_path, Fuse())) as failing:
        world.sealer(archive=failing).recover()
        assert held(failing) == world.sealed()
