"""The archive at work: what is written is there, by position, whatever happens between."""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from ledger.errors import Unavailable, Untrusted
from ledger.log.archive import Archive
from ledger.log.archive_reader import ArchiveReader
from ledger.log.archive_segment import KEPT, MARK, frames_of
from tests.ledger.log.archives import ALL, fill, held, records, segments, stored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def test_new_archive_is_empty(folder: Path) -> None:
    archive = Archive(folder)
    assert archive.end == archive.last_write == 0
    assert held(archive) == []
    archive.truncate(0)
    archive.write(0, [])
    archive.close()
    assert segments(folder) == []
    assert ArchiveReader(folder).end == 0


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    made = fill(folder, [records(3), [b""], records(200)])
    archive = Archive(folder)
    assert archive.end == len(made) == 204
    assert archive.last_write == 4
    assert held(archive) == held(ArchiveReader(folder)) == made
    for start in (0, 3, 63, 64, 65, 130, 203):
        assert archive.read(start, limit=1, size_max=0) == [made[start]]
        assert held(archive, start) == made[start:]
    assert archive.read(204, limit=9, size_max=9) == []
    assert archive.read(-1, limit=9, size_max=9) == []


def test_page_ends_at_its_limit_and_its_bytes(folder: Path) -> None:
    fill(folder, [[b"1234", b"5678", b"90"]])
    archive = ArchiveReader(folder)
    assert archive.read(0, limit=2, size_max=ALL) == [b"1234", b"5678"]
    assert archive.read(0, limit=3, size_max=8) == [b"1234", b"5678"]
    assert archive.read(0, limit=3, size_max=1) == [b"1234"]
    assert archive.read(0, limit=0, size_max=1) == []


def test_segments_roll_and_are_named_by_their_first_position(folder: Path) -> None:
    made = fill(folder, [records(10)] * 5, segment_size=1_500)
    assert [path.name for path in segments(folder)] == [
        "00000000000000000000.segment",
        "00000000000000000020.segment",
        "00000000000000000040.segment",
    ]
    archive = Archive(folder, segment_size=1_500)
    assert archive.last_write == 40
    assert held(archive) == made
    assert archive.read(19, limit=5, size_max=ALL) == made[19:20]
    archive.write(50, [b"more"])
    assert held(ArchiveReader(folder), 39) == [*made[39:], b"more"]


def test_write_that_is_larger_than_a_segment_stands_alone(folder: Path) -> None:
    made = fill(folder, [[b"a"], [bytes(5_000)], [b"b"]], segment_size=200)
    assert len(segments(folder)) == 3
    assert held(ArchiveReader(folder)) == made


@given(
    st.lists(
        st.lists(st.sampled_from([KEPT, MARK, KEPT + b"\0", b"\xa7", b"LR", b"\0"]))
        .map(b"".join)
        .flatmap(lambda head: st.binary(max_size=9).map(lambda tail: head + tail)),
        min_size=1,
    )
)
def test_no_record_can_hold_a_frame(made: list[bytes]) -> None:
    frames = frames_of(0, made)
    assert frames.count(MARK) == len(made)
    assert frames_of(0, [frames]).count(MARK) == 1


def test_records_that_imitate_frames_are_kept_as_they_are(folder: Path) -> None:
    inner = frames_of(7, [KEPT, MARK, KEPT + b"\0\0"])
    made = fill(folder, [[inner], [inner * 3, KEPT, MARK]])
    assert held(Archive(folder)) == made


def test_write_must_begin_where_the_archive_ends(folder: Path) -> None:
    archive = Archive(folder)
    archive.write(0, [b"a"])
    for position in (0, 2):
        with pytest.raises(Untrusted, match="position 1"):
            archive.write(position, [b"b"])
    assert held(archive) == [b"a"]


@pytest.mark.parametrize("size", [*range(0, 51, 5), 13, 51, 60])
def test_truncated_archive_goes_on_from_there(folder: Path, size: int) -> None:
    made = fill(folder, [records(10)] * 5, segment_size=1_500)
    archive = Archive(folder, segment_size=1_500)
    assert held(archive) == made
    archive.truncate(size)
    assert archive.end == min(size, 50)
    assert held(archive) == made[:size]
    archive.write(archive.end, [b"new", b"er"])
    archive.close()
    assert held(Archive(folder)) == [*made[:size], b"new", b"er"]


class Growing(RuleBasedStateMachine):
    """Writes, cuts, restarts and reads in any order, beside a plain list."""

    def __init__(self, folder: Path, ends: list[int]) -> None:
        super().__init__()
        self.folder = folder
        self.ends = ends
        for path in folder.glob("*"):
            path.unlink()
        self.model: list[bytes] = []
        self.writes: list[int] = []
        self.archive = Archive(folder, segment_size=1_000)
        self.reader = ArchiveReader(folder)

    @rule(
        given=st.lists(
            st.binary(max_size=40) | st.just(KEPT) | st.just(bytes(700)),
            min_size=1,
            max_size=90,
        )
    )
    def write(self, given: list[bytes]) -> None:
        self.writes.append(len(self.model))
        self.archive.write(len(self.model), given)
        self.model += given

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(0, len(self.model)))
        self.archive.truncate(size)
        del self.model[size:]
        self.writes = [start for start in self.writes if start < size]
        # What was cut may have been seen: a reader is told by its caller what counts.
        self.reader = ArchiveReader(self.folder)

    @rule()
    def restart(self) -> None:
        self.archive.close()
        self.archive = Archive(self.folder, segment_size=1_000)

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        limit = data.draw(st.integers(1, 100))
        for archive in (self.archive, self.reader):
            found = archive.read(start, limit=limit, size_max=ALL)
            assert found == self.model[start : start + len(found)]
            assert bool(found) == (start < len(self.model))
            assert held(archive, start) == self.model[start:]
        assert self.archive.last_write == (self.writes or [0])[-1]

    @override
    def teardown(self) -> None:
        self.archive.close()
        self.ends.append(len(self.model))


def test_archive_is_a_list_that_survives(folder: Path) -> None:
    ends: list[int] = []
    run_state_machine_as_test(lambda: Growing(folder, ends))  # type: ignore[arg-type]
    assert max(ends) > 1  # some story had records to lose


def test_second_writer_is_turned_away_and_changes_nothing(folder: Path) -> None:
    first = Archive(folder)
    first.write(0, [b"a"])
    before = stored(folder)
    with pytest.raises(Unavailable, match="another process"):
        Archive(folder)
    assert stored(folder) == before
    first.write(1, [b"b"])
    first.close()
    assert Archive(folder).end == 2


def test_lock_ends_with_its_process(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ledger.log.archive import Archive\n"
        "archive = Archive(Path(sys.argv[1])); archive.write(0, [b'a'])\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable, match="another process"):
            Archive(folder)
        process.kill()
    assert held(Archive(folder)) == [b"a"]


def test_reader_beside_the_writer_sees_what_is_whole(folder: Path) -> None:
    writer = Archive(folder, segment_size=1_500)
    reader = ArchiveReader(folder)
    assert reader.read(0, limit=1, size_max=1) == []
    made: list[bytes] = []
    for _ in range(6):
        writer.write(len(made), records(10))
        made += records(10)
        assert held(reader, len(made) - 10) == made[-10:]
    assert held(reader) == made
    with segments(folder)[-1].open("ab") as file:
        file.write(frames_of(60, [b"half of a frame"])[:-1])
    assert held(reader, 55) == made[55:]
    assert ArchiveReader(folder).end == 60
    assert segments(folder)[-1].read_bytes()[-1:] == b"m"


def test_reader_finds_its_way_after_the_writer_cut_and_wrote_anew(folder: Path) -> None:
    writer = Archive(folder)
    writer.write(0, records(300))
    reader = ArchiveReader(folder)
    assert held(reader) == records(300)
    writer.truncate(100)
    writer.write(100, [bytes(99)] * 200)
    assert held(reader) == records(300)[:100] + [bytes(99)] * 200


@contextmanager
def file_size_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, 45, 90, 200, 1_000])
def test_write_that_does_not_fit_leaves_nothing(folder: Path, room: int) -> None:
    archive = Archive(folder, segment_size=3_000)
    archive.write(0, records(20))
    before = stored(folder)
    size = len(before["00000000000000000000.segment"])
    for large in ([bytes(1_100)], [bytes(4_000)]):
        with file_size_at_most(room if large == [bytes(4_000)] else size + room):
            with pytest.raises(Unavailable, match="archive"):
                archive.write(20, large)
            assert archive.end == 20
            assert held(archive) == records(20)
        assert stored(folder) == before
    archive.write(20, [bytes(1_100)])
    archive.write(21, [bytes(4_000)])
    archive.close()
    assert held(Archive(folder), 20) == [bytes(1_100), bytes(4_000)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    try:
        done = subprocess.run(["mount", *options], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)  # noqa: S607


def test_full_disk_is_unavailable_until_there_is_space(small_disk: Path) -> None:
    folder = small_disk / "archive"
    ballast = small_disk / "ballast"
    made: list[bytes] = []
    ballast.write_bytes(bytes(100_000))
    with closing(Archive(folder, segment_size=20_000)) as archive:

        def fill_up() -> None:
            while True:
                archive.write(len(made), [bytes(3_000)] * 4)
                made.extend([bytes(3_000)] * 4)

        with pytest.raises(Unavailable, match="No space left") as caught:
            fill_up()
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        assert len(made) > 20
        assert held(archive) == held(ArchiveReader(folder)) == made
        ballast.unlink()
        archive.write(len(made), [b"after"])
    with closing(Archive(folder)) as archive:
        assert held(archive) == [*made, b"after"]


def test_file_that_cannot_be_put_back_is_put_back_by_the_next_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(folder)
    archive.write(0, records(3))

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.fdatasync", broken)
        patched.setattr("os.ftruncate", broken)
        for _ in range(2):
            with pytest.raises(Unavailable, match="Input/output"):
                archive.write(3, [b"lost"])
    assert held(archive) == records(3)
    archive.write(3, [b"kept"])
    archive.close()
    assert held(Archive(folder)) == [*records(3), b"kept"]


def test_segment_whose_folder_entry_is_not_on_disk_is_taken_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(folder, segment_size=100)
    archive.write(0, records(3))

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", broken)
        with pytest.raises(Unavailable):
            archive.write(3, [b"lost"])
    archive.write(3, [b"kept"])
    archive.close()
    assert held(Archive(folder)) == [*records(3), b"kept"]


def test_archive_in_no_place_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        Archive(tmp_path / "missing" / "archive")
    with pytest.raises(Unavailable):
        ArchiveReader(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        Archive(tmp_path / "file")
