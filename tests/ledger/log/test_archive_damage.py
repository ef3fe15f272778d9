"""What a crash leaves is cut; what is damaged is named; wrong bytes are never given out."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import Untrusted
from ledger.log.archive import Archive
from ledger.log.archive_reader import ArchiveReader
from ledger.log.archive_segment import HEADER_SIZE, frames_of
from tests.ledger.log.archives import fill, held, records, segments, stored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def reopened(folder: Path) -> list[bytes]:
    """What a writer finds, having cut what it may cut; and everybody after it."""
    archive = Archive(folder)
    found = held(archive)
    assert archive.end == len(found)
    archive.write(len(found), [b"next"])
    archive.close()
    assert held(ArchiveReader(folder)) == [*found, b"next"]
    return found


def test_last_write_torn_at_any_byte_is_cut(folder: Path, tmp_path: Path) -> None:
    writes = [records(3), [b"a", b"", b"bc"]]
    made = fill(folder, writes)
    (last,) = segments(folder)
    whole = last.read_bytes()
    ends = [HEADER_SIZE + len(frames_of(0, made[:n])) for n in range(len(made) + 1)]
    assert ends[-1] == len(whole)
    for length in range(ends[3], len(whole)):
        last.write_bytes(whole[:length])
        kept = max(n for n, end in enumerate(ends) if end <= length)
        assert ArchiveReader(folder).end == kept
        assert last.read_bytes() == whole[:length]
        assert reopened(folder) == made[:kept]


def test_first_write_of_a_segment_torn_at_any_byte_is_cut(folder: Path) -> None:
    made = fill(folder, [records(4), [b"a", b"bc"]], segment_size=100)
    first, last = segments(folder)
    before, whole = first.read_bytes(), last.read_bytes()
    second = HEADER_SIZE + len(frames_of(0, [b"a"]))
    for length in range(len(whole)):
        first.write_bytes(before)
        last.write_bytes(whole[:length])
        kept = 5 if length >= second else 4
        assert ArchiveReader(folder).end == kept
        assert reopened(folder) == made[:kept]


def test_pages_of_the_last_write_that_never_came_are_cut(folder: Path) -> None:
    """The disk may take the pages of one write in any order."""
    made = fill(folder, [records(3), [b"x" * 5_000] * 3])
    (last,) = segments(folder)
    whole = last.read_bytes()
    for lost, kept in ((4_096, 3), (8_192, 4), (12_288, 5)):
        last.write_bytes(whole[:lost] + bytes(1_000) + whole[lost + 1_000 :])
        assert reopened(folder) == made[:kept]
        last.write_bytes(whole)


def test_segment_whose_header_never_came_is_dropped(folder: Path) -> None:
    made = fill(folder, [records(3), [b"x" * 5_000] * 3], segment_size=100)
    last = segments(folder)[1]
    last.write_bytes(bytes(4_096) + last.read_bytes()[4_096:])
    assert reopened(folder) == made[:3]


def test_every_flipped_byte_is_found_and_none_is_given_out(folder: Path) -> None:
    """Three writes, the first two in one segment, the last in another."""
    made = fill(folder, [records(2), [b"a", b""], [b"bc"]], segment_size=300)
    whole = stored(folder)
    first, last = sorted(whole)
    for name, data in whole.items():
        for place in range(len(data)):
            for bit in (1, 128):
                damaged = bytearray(data)
                damaged[place] ^= bit
                (folder / first).write_bytes(whole[first])
                (folder / last).write_bytes(whole[last])
                (folder / name).write_bytes(damaged)
                found, error = read_one_by_one(folder)
                assert found == made[: len(found)]
                if name == first:
                    assert name in str(error)
                    assert not found or f"position {len(found)}" in str(error)
                else:  # the last write: as if it had never ended
                    assert (found, error) == (made[:4], None)


def read_one_by_one(folder: Path) -> tuple[list[bytes], Untrusted | None]:
    """What a writer reads of an archive, and what stopped it."""
    found: list[bytes] = []
    try:
        with closing(Archive(folder)) as archive:
            while page := archive.read(len(found), limit=1, size_max=0):
                found += page
    except Untrusted as error:
        return found, error
    return found, None


@pytest.mark.parametrize("place", ["head", "body"])
def test_damage_before_a_later_write_is_named_and_left_as_it_is(
    folder: Path, place: str
) -> None:
    fill(folder, [records(3), [b"one", b"two"], [b"three"]])
    (last,) = segments(folder)
    damaged = bytearray(last.read_bytes())
    at = damaged.index(b"one") - (10 if place == "head" else 0)
    damaged[at] ^= 1
    last.write_bytes(damaged)
    for opener in (Archive, ArchiveReader):
        with pytest.raises(Untrusted, match=f"{last.name}, position 3"):
            opener(folder)
    assert last.read_bytes() == damaged


def test_damage_in_an_older_segment_is_named_when_it_is_read(folder: Path) -> None:
    made = fill(folder, [records(100), records(100), [b"z"]], segment_size=100)
    first = segments(folder)[0]
    damaged = bytearray(first.read_bytes())
    damaged[damaged.index(b"70:") + 1] ^= 1
    first.write_bytes(damaged)
    archive = Archive(folder)
    for _ in range(2):
        assert archive.read(0, limit=70, size_max=10_000) == made[:70]
        with pytest.raises(Untrusted, match=f"{first.name}, position 70"):
            archive.read(69, limit=2, size_max=10_000)
        assert held(archive, 71) == made[71:]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_missing_segment_is_named(folder: Path, lost: int) -> None:
    fill(folder, [records(5)] * 4, segment_size=100)
    path = segments(folder)[lost]
    path.unlink()
    for opener in (Archive, ArchiveReader):
        with pytest.raises(Untrusted, match=f"{path.name}, position {lost * 5}"):
            opener(folder)


def test_missing_last_segment_leaves_an_archive_that_ends_before(folder: Path) -> None:
    made = fill(folder, [records(5)] * 4, segment_size=100)
    segments(folder)[3].unlink()
    assert reopened(folder) == made[:15]


@pytest.mark.parametrize("change", ["shorter", "longer", "renamed", "another's"])
def test_segment_that_was_changed_is_named(folder: Path, change: str) -> None:
    fill(folder, [records(5)] * 3, segment_size=100)
    first, second, _ = segments(folder)
    if change == "shorter":
        second.write_bytes(second.read_bytes()[:-1])
    elif change == "longer":
        second.write_bytes(second.read_bytes() + b"\0")
    elif change == "renamed":
        second.rename(folder / "00000000000000000006.segment")
    else:
        shutil.copyfile(first, second)
    with pytest.raises(Untrusted, match="position"):
        Archive(folder)


def test_segment_that_was_only_begun_does_not_excuse_the_one_before(
    folder: Path,
) -> None:
    fill(folder, [records(5)] * 2, segment_size=100)
    first, last = segments(folder)
    damaged = bytearray(first.read_bytes())
    damaged[damaged.index(b"3:")] ^= 1
    first.write_bytes(damaged)
    last.write_bytes(b"")
    before = stored(folder)
    with pytest.raises(Untrusted, match=f"{first.name}, position 3"):
        Archive(folder)
    assert stored(folder) == before


def test_other_files_in_the_folder_do_no_harm(folder: Path) -> None:
    made = fill(folder, [records(5)])
    for name in ("notes", "5.segment", "0000000000000000000x.segment"):
        (folder / name).write_bytes(b"?")
    assert reopened(folder) == made
