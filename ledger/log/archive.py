"""The archive: sealed records by position in fsynced files, before their head commits.

A replicated log acknowledges what is in the memory of several brokers and on no disk;
what is sealed must survive the loss of all of them at once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from typing_extensions import override

from ledger.errors import Unavailable, Untrusted
from ledger.log.archive_reader import ArchiveReader
from ledger.log.archive_segment import (
    HEADER_SIZE,
    frames_of,
    segment_header,
    segment_name,
)

SEGMENT_SIZE: Final = 64 * 1024 * 1024


class Archive(ArchiveReader):
    """The one writer of an archive: a second gets Unavailable, by a lock on the folder.

    Opening makes the folder if need be, and cuts off what a crash left of a write.
    """

    def __init__(self, folder: Path, *, segment_size: int = SEGMENT_SIZE) -> None:
        self._segment_size = segment_size
        self._folder = folder
        self._size = 0
        self._file = self._lock = -1
        self._torn = False
        with self._translated():
            self._lock = _locked(folder)
        try:
            super().__init__(folder)
        except BaseException:
            self.close()
            raise

    def write(self, position: int, records: Sequence[bytes]) -> None:
        """Adds records; on disk when it returns, all of them or, if it raises, none.

        Raises Untrusted unless ``position`` is ``end``. After Unavailable (no space
        left, say) the same call may be made again.
        """
        if position != self._end:
            raise Untrusted(
                "the archive does not end where these records begin",
                code="archive_damaged",
                expected=f"position {position}",
                found=f"position {self._end}",
                where=self._folder.name,
            )
        if not records:
            return
        frames = frames_of(position, records)
        with self._translated():
            self._put_back()
            # Whatever ends this early, the next call starts from a whole file again;
            # after a crash the next opening does.
            self._torn = True
            try:
                self._put(frames)
            except OSError:
                with suppress(OSError):
                    self._put_back()
                raise
            self._torn = False
        self._end += len(records)

    def truncate(self, size: int) -> None:
        """Drops the records from position ``size`` on; durable when it returns.

        The newest files go first: a crash leaves fewer records, and no hole.
        """
        with self._translated():
            self._put_back()
            while self._firsts and self._firsts[-1] >= size:
                self._drop_last()
            if not self._firsts or size >= self._end:
                return
            with self._opened(self._firsts[-1]) as segment:
                at = segment.offset(size)
            self._open_last()
            self._cut(at)
            self._end = size

    @override
    def close(self) -> None:
        for held in (self._file, self._lock):
            if held >= 0:
                os.close(held)
        self._file = self._lock = -1

    @override
    def _look_again(self) -> None:
        """Nobody else adds anything."""

    @override
    def _start(self) -> None:
        """Cuts what a crash left of the last write, which no head can cover."""
        survey = self._look()
        if survey is None:
            return
        if survey.end > self._firsts[-1]:
            self._open_last()
            if survey.damaged:
                self._cut(survey.size)
            return
        # The last segment was only begun: so the one before was on disk, whole.
        if len(self._firsts) > 1:
            before = self._survey(self._firsts[-2])
            if before.damaged or before.end != self._firsts[-1]:
                raise Untrusted(
                    "a record of the archive is damaged",
                    code="archive_damaged",
                    expected=f"whole records up to position {self._firsts[-1]}",
                    where=f"{segment_name(self._firsts[-2])}, position {before.end}",
                )
        self._drop_last()

    def _put(self, frames: bytes) -> None:
        if self._firsts:
            self._open_last()
        if not self._firsts or self._size + len(frames) > self._segment_size:
            self._begin(frames)
            return
        _write_all(self._file, frames, self._size)
        os.fdatasync(self._file)
        self._size += len(frames)

    def _begin(self, frames: bytes) -> None:
        """Starts a segment with these frames; of none of it the folder knows before."""
        previous = self._firsts[-1] if self._firsts else 0
        header = segment_header(self._end, previous, self._size)
        file = os.open(self._begun, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_all(file, header + frames, 0)
            os.fsync(file)
            os.fsync(self._lock)
        except BaseException:
            os.close(file)
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._size = file, HEADER_SIZE + len(frames)
        self._firsts.append(self._end)

    @property
    def _begun(self) -> Path:
        return self._folder / segment_name(self._end)

    def _put_back(self) -> None:
        """Takes away what a failed write left.

        An fsync that failed may have marked pages clean that never reached the disk
        (fsync(2), "Errors"): they are cut off and written anew, never synced again.
        """
        if not self._torn:
            return
        if self._end not in self._firsts[-1:] and self._begun.exists():
            self._begun.unlink()
            os.fsync(self._lock)
        if self._firsts:
            self._open_last()
            self._cut(self._size)
        self._torn = False

    def _open_last(self) -> None:
        if self._file < 0:
            last = self._folder / segment_name(self._firsts[-1])
            self._file = os.open(last, os.O_RDWR)
            self._size = os.fstat(self._file).st_size

    def _cut(self, size: int) -> None:
        os.ftruncate(self._file, size)
        os.fsync(self._file)
        self._size = size
        self._offsets.pop(self._firsts[-1], None)

    def _drop_last(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        first = self._firsts[-1]
        (self._folder / segment_name(first)).unlink(missing_ok=True)
        os.fsync(self._lock)
        self._offsets.pop(first, None)
        self._firsts.pop()
        self._end, self._size = first, 0
        if self._firsts:
            self._open_last()


def _locked(folder: Path) -> int:
    """Opens the folder, made if need be, for its only writer; gives the descriptor."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        parent = os.open(folder.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise Unavailable(
            "another process writes this archive",
            code="busy_elsewhere",
            where=folder.name,
        ) from error
    return lock


def _write_all(file: int, data: bytes, at: int) -> None:
    """One write, unless the file system takes less at a time."""
    left = memoryview(data)
    while left:
        taken = os.pwrite(file, left, at)
        left, at = left[taken:], at + taken
