"""What the archive's tests share: records, small segments, and a look at the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ledger.log.archive import Archive
from ledger.log.archive_reader import ArchiveReader

ALL = 1_000_000_000


def records(count: int, size: int = 20) -> list[bytes]:
    """Records that differ from one another."""
    return [b"%d:" % n + b"x" * (n % size) for n in range(count)]


def fill(
    folder: Path, writes: Sequence[Sequence[bytes]], *, segment_size: int = ALL
) -> list[bytes]:
    """An archive of these writes; returns all their records."""
    archive = Archive(folder, segment_size=segment_size)
    for batch in writes:
        archive.write(archive.end, batch)
    archive.close()
    return [record for batch in writes for record in batch]


def held(archive: ArchiveReader, start: int = 0) -> list[bytes]:
    """Everything from a position on, read to the end."""
    found: list[bytes] = []
    while page := archive.read(start + len(found), limit=ALL, size_max=ALL):
        found += page
    return found


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def stored(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in segments(folder)}
