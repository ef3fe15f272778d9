"""One file of the archive: a header that its neighbours foretell, a frame per record.

A frame is MARK ‖ u64 position ‖ u32 nth ‖ u32 length ‖ leaf hash ‖ u32 CRC-32 of all
that ‖ body; ``nth`` counts the records of the same write before this one. The body is
the record with every KEPT followed by a zero byte: so MARK stands nowhere inside it, and
a frame that is found behind damage is one, whatever publishers write into their records.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ledger.errors import Untrusted
from ledger.merkle import leaf_hash

MAGIC: Final = b"license-ledger/archive/v1\0"
KEPT: Final = b"\xa7LR"
MARK: Final = KEPT + b"\x01"
_STUFFED: Final = KEPT + b"\0"
_HEAD: Final = struct.Struct(">4sQII32s")
_CHECKED: Final = struct.Struct(">4sQII32sI")
_NEIGHBOURS: Final = struct.Struct(">QQQ")
HEADER_SIZE: Final = len(MAGIC) + _NEIGHBOURS.size + 4
_SUFFIX = ".segment"
_STRIDE = 64
_PAGE_SIZE = 256 * 1024


class Frame(NamedTuple):
    """The head of one frame; ``length`` is that of the body as it lies in the file."""

    position: int
    nth: int
    length: int
    leaf: bytes

    @property
    def write_start(self) -> int:
        """The position at which the write that this frame belongs to began."""
        return self.position - self.nth


class Survey(NamedTuple):
    """How far a segment is whole: ``end`` is the next position, at byte ``size``.

    ``damaged``: whether there is more in the file, which is no whole frame; ``size`` is 0
    when not even the header is whole.
    """

    end: int
    size: int
    damaged: bool


def segment_name(first: int) -> str:
    """The file name of the segment whose first record has this position."""
    return f"{first:020d}{_SUFFIX}"


def segments_of(folder: Path) -> list[int]:
    """The first positions of a folder's segments, in order; OSError if there is none."""
    names = [path.name for path in folder.iterdir()]
    stems = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
    return sorted(int(s) for s in stems if len(s) == 20 and s.isascii() and s.isdigit())


def segment_header(first: int, previous: int, previous_size: int) -> bytes:
    """The header: own first position, then the segment before and its size in bytes."""
    head = MAGIC + _NEIGHBOURS.pack(first, previous, previous_size)
    return head + zlib.crc32(head).to_bytes(4, "big")


def frames_of(position: int, records: Sequence[bytes]) -> bytes:
    """The frames of the records of one write, joined."""
    parts: list[bytes] = []
    for nth, record in enumerate(records):
        body = record.replace(KEPT, _STUFFED)
        head = _HEAD.pack(MARK, position + nth, nth, len(body), leaf_hash(record))
        parts += (head, zlib.crc32(head).to_bytes(4, "big"), body)
    return b"".join(parts)


class SegmentFile:
    """One segment, opened for reading; the file is its owner's to close.

    ``end`` is the position behind its last record; a survey finds it and does not ask.
    ``offsets`` holds the byte at which every 64th frame begins, as far as was walked;
    kept by the caller, it spares the next walk. What is not as it was written raises
    Untrusted, naming file and position.
    """

    def __init__(
        self, file: BinaryIO, first: int, end: int, offsets: list[int]
    ) -> None:
        self._file = file
        self._first = first
        self._end = end
        self._offsets = offsets
        if not offsets:
            offsets.append(HEADER_SIZE)

    def survey(self) -> Survey:
        """Walks and verifies from the first frame to the first that is not whole.

        What a write left that never ended is such a tail: its pages may have reached
        the disk in any order. Raises Untrusted for one that a later write follows,
        since that began only when all before it was on disk.
        """
        size = self._file.seek(0, 2)
        self._file.seek(0)
        at, position = 0, self._first
        if _neighbours(self._file.read(HEADER_SIZE)) is not None:
            at = HEADER_SIZE
            while (frame := self._frame(position)) is not None:
                if self._record(frame) is None:
                    break
                at, position = self._file.tell(), position + 1
                self._note(position, at)
        if at < size:
            self._check_tail(at, size, position)
        return Survey(position, at, at < size)

    def read(self, position: int, *, limit: int, size_max: int) -> list[bytes]:
        """Verified records from a position of this segment on, at least one."""
        self._file.seek(self.offset(position))
        records: list[bytes] = []
        size = 0
        while len(records) < limit and position != self._end:
            frame = self._frame(position)
            if frame is None:
                raise self._damaged(position)
            size += frame.length
            if records and size > size_max:
                break
            record = self._record(frame)
            if record is None:
                raise self._damaged(position)
            records.append(record)
            position += 1
        return records

    def frame(self, position: int) -> Frame:
        """The head of one frame."""
        self._file.seek(self.offset(position))
        frame = self._frame(position)
        if frame is None:
            raise self._damaged(position)
        return frame

    def offset(self, position: int) -> int:
        """The byte at which the frame of a position begins."""
        stride = min((position - self._first) // _STRIDE, len(self._offsets) - 1)
        at = self._file.seek(self._offsets[stride])
        for passed in range(self._first + stride * _STRIDE, position):
            frame = self._frame(passed)
            if frame is None:
                raise self._damaged(passed)
            at = self._file.seek(frame.length, 1)
            self._note(passed + 1, at)
        return at

    def _frame(self, position: int) -> Frame | None:
        frame = _parsed(self._file.read(_CHECKED.size))
        return frame if frame is not None and frame.position == position else None

    def _record(self, frame: Frame) -> bytes | None:
        body = self._file.read(frame.length)
        record = body.replace(_STUFFED, KEPT)
        whole = len(body) == frame.length and leaf_hash(record) == frame.leaf
        return record if whole else None

    def _note(self, position: int, at: int) -> None:
        if position == self._first + len(self._offsets) * _STRIDE:
            self._offsets.append(at)

    def _check_tail(self, at: int, size: int, position: int) -> None:
        """Only up to ``size``: a writer may be adding to the file at this moment."""
        self._file.seek(at)
        rest = self._file.read(size - at)
        found = rest.find(MARK)
        while found >= 0:
            frame = _parsed(rest[found : found + _CHECKED.size])
            if frame is not None and frame.write_start > position:
                raise self._damaged(position)
            found = rest.find(MARK, found + 1)

    def _damaged(self, position: int) -> Untrusted:
        return Untrusted(
            "a record of the archive is damaged",
            code="archive_damaged",
            expected="the record as it was written",
            where=f"{segment_name(self._first)}, position {position}",
        )


def open_segment(folder: Path, first: int) -> BinaryIO:
    """Opens a segment's file to be read in pages."""
    return (folder / segment_name(first)).open("rb", buffering=_PAGE_SIZE)


def check_neighbours(folder: Path, firsts: Sequence[int]) -> None:
    """Raises Untrusted for a segment that is gone, cut short, or in another's place.

    Names file and position. Reads headers only; one that is no header at all may be the
    tail of the last segment, which ``survey`` judges.
    """
    previous = size = 0
    for first in firsts:
        with (folder / segment_name(first)).open("rb") as file:
            header = file.read(HEADER_SIZE)
            next_size = file.seek(0, 2)
        told = _neighbours(header)
        if told is None and first != firsts[-1]:
            raise Untrusted(
                "the header of an archive segment is damaged",
                code="archive_damaged",
                where=f"{segment_name(first)}, position {first}",
            )
        if told is not None and told != (first, previous, size):
            raise Untrusted(
                "the archive lacks a segment, or has one that was changed",
                code="archive_damaged",
                expected=f"{told[2]} bytes",
                found=f"{size if told[1] == previous else 0} bytes",
                where=f"{segment_name(told[1])}, position {told[1]}",
            )
        previous, size = first, next_size


def segment_of(firsts: Sequence[int], position: int) -> int:
    """The index of the segment that holds a position, which must not be negative."""
    return bisect_left(firsts, position + 1) - 1


def _neighbours(header: bytes) -> tuple[int, int, int] | None:
    if len(header) != HEADER_SIZE:
        return None
    first, previous, size = _NEIGHBOURS.unpack_from(header, len(MAGIC))
    if header != segment_header(first, previous, size):
        return None
    return first, previous, size


def _parsed(data: bytes) -> Frame | None:
    if len(data) != _CHECKED.size:
        return None
    mark, position, nth, length, leaf, check = _CHECKED.unpack(data)
    if mark != MARK or zlib.crc32(data[: _HEAD.size]) != check or nth > position:
        return None
    return Frame(position, nth, length, leaf)
