"""Reads what the archive holds: verified records by position, from files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import Unavailable, Untrusted, disk_code
from ledger.log.archive_segment import (
    SegmentFile,
    Survey,
    check_neighbours,
    open_segment,
    segment_of,
    segments_of,
)

_REMEMBERED_SEGMENTS = 8


class ArchiveReader:
    """Reads an archive, also beside the process that writes it; changes nothing.

    Opening walks the last segment and reads the headers of all others. Memory: some
    bytes per segment, and 8 KB per MB of small records for the last few used.
    Raises Unavailable when the file system does not do as told, Untrusted, naming file
    and position, for damage. Threads: one instance belongs to one thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._firsts: list[int] = []
        self._end = 0
        self._offsets: OrderedDict[int, list[int]] = OrderedDict()
        with self._translated():
            self._start()

    @property
    def end(self) -> int:
        """The position that the next record will get, as far as is known."""
        return self._end

    def read(self, position: int, *, limit: int, size_max: int) -> list[bytes]:
        """Records from ``position`` on: at most ``limit`` and ``size_max`` bytes.

        At least one when there is one, however large; may end where a file ends. Empty
        at the end. Every record is verified.
        """
        with self._translated():
            if position >= self._end:
                self._look_again()
            if not 0 <= position < self._end or limit < 1:
                return []
            first = self._firsts[segment_of(self._firsts, position)]
            try:
                with self._opened(first) as segment:
                    return segment.read(position, limit=limit, size_max=size_max)
            except Untrusted:
                # Where a writer cut the file, other frames stand where these began.
                del self._offsets[first]
                with self._opened(first) as segment:
                    return segment.read(position, limit=limit, size_max=size_max)

    @property
    def last_write(self) -> int:
        """The position at which the last write began; 0 when there is none.

        All before it was on disk, and its head committed, when it began.
        """
        if self._end == 0:
            return 0
        last = self._end - 1
        first = self._firsts[segment_of(self._firsts, last)]
        with self._translated(), self._opened(first) as segment:
            return segment.frame(last).write_start

    def close(self) -> None:
        """Gives back what is held open; the records stay."""

    def _look(self) -> Survey | None:
        """Takes stock; returns the survey of the last segment."""
        self._firsts = segments_of(self._folder)
        self._offsets.clear()
        self._end = 0
        check_neighbours(self._folder, self._firsts)
        if not self._firsts:
            return None
        survey = self._survey(self._firsts[-1])
        self._end = survey.end
        return survey

    def _survey(self, first: int) -> Survey:
        with self._opened(first) as segment:
            return segment.survey()

    def _start(self) -> None:
        self._look()

    def _look_again(self) -> None:
        """A writer may have gone on."""
        self._look()

    @contextmanager
    def _opened(self, first: int) -> Iterator[SegmentFile]:
        offsets = self._offsets.setdefault(first, [])
        self._offsets.move_to_end(first)
        while len(self._offsets) > _REMEMBERED_SEGMENTS:
            self._offsets.popitem(last=False)
        last = first == self._firsts[-1]
        end = self._end if last else self._firsts[segment_of(self._firsts, first) + 1]
        with open_segment(self._folder, first) as file:
            yield SegmentFile(file, first, end, offsets)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(
                "the archive cannot be used",
                code=disk_code(error, "folder_unusable"),
                found=error.strerror or type(error).__name__,
                where=self._folder.name,
            ) from error
