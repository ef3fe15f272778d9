"""The checkpoint journal: a small file outside the database that remembers what was sealed.

A database that was put back to an older copy would seal the same numbers again, with
other contents. The journal, fsynced line by line, is behind no such copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import Malformed, Unavailable, Untrusted, disk_code
from ledger.note import decode_base64, encode_base64, parse_note

SIZE_MAX: Final = 32 * 1024 * 1024
KEPT_LINES: Final = 10_000


class CheckpointJournal:
    """One line per checkpoint: ``<seal> <size> <root> <seal digest> <note, base64>``.

    ``append`` returns when the line is on disk. A last line torn by a crash is dropped.
    Above SIZE_MAX only the latest KEPT_LINES stay; the seals in the log have them all.
    Raises Unavailable when the file system does not do as told, Untrusted for a line
    that this class never wrote. One process writes at a time; the sealer does.
    """

    def __init__(self, path: Path, *, size_max: int = SIZE_MAX) -> None:
        self._path = path
        self._size_max = size_max
        self._last: Checkpoint | None = None
        self._opened = False

    def append(self, note: bytes) -> None:
        """Adds the checkpoint of a signed note; one that is there already is not added.

        Raises Untrusted for a checkpoint that is not newer than the last one.
        """
        checkpoint = parse_checkpoint(parse_note(note).text)
        last = self.last()
        if checkpoint == last:
            return
        if last is not None and checkpoint.seal_no <= last.seal_no:
            raise Untrusted(
                "the checkpoint journal is ahead",
                code="head_behind_journal",
                expected=f"a seal after {last.seal_no}",
                found=f"seal {checkpoint.seal_no}",
                where=self._path.name,
            )
        with self._translated():
            if self._path.exists() and self._path.stat().st_size > self._size_max:
                self._shorten()
            self._write(_line(checkpoint, note))
        self._last = checkpoint

    def last(self) -> Checkpoint | None:
        """The latest checkpoint; None if there is none yet."""
        if not self._opened:
            with self._translated():
                self._mend()
            for checkpoint, _ in self.all():
                if self._last is None or checkpoint.seal_no >= self._last.seal_no:
                    self._last = checkpoint
            self._opened = True
        return self._last

    def all(self) -> Iterator[tuple[Checkpoint, bytes]]:
        """All checkpoints with their notes, oldest first; a torn last line left out."""
        with self._translated():
            if not self._path.exists():
                return
            with self._path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.endswith(b"\n"):
                        yield self._parsed(line, number)

    def _parsed(self, line: bytes, number: int) -> tuple[Checkpoint, bytes]:
        try:
            encoded = line.decode().rsplit(" ", 1)[-1].removesuffix("\n")
            note = decode_base64(encoded, "note")
            checkpoint = parse_checkpoint(parse_note(note).text)
            if _line(checkpoint, note) == line:
                return checkpoint, note
        except (Malformed, UnicodeDecodeError):
            pass
        raise Untrusted(
            "a line of the checkpoint journal is damaged",
            code="journal_damaged",
            where=f"{self._path.name}, line {number}",
        )

    def _mend(self) -> None:
        """Cuts off what a crash left of a line."""
        if not self._path.exists():
            return
        with self._path.open("r+b") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            if whole != len(data):
                file.truncate(whole)
                os.fsync(file.fileno())

    def _write(self, line: bytes) -> None:
        new = not self._path.exists()
        with self._path.open("ab", buffering=0) as file:
            before = file.tell()
            if file.write(line) != len(line):
                file.truncate(before)
                raise OSError("short write")
            os.fdatasync(file.fileno())
        if new:
            self._sync_folder()

    def _shorten(self) -> None:
        lines = self._path.read_bytes().splitlines(keepends=True)[-KEPT_LINES:]
        beside = self._path.with_name(f"{self._path.name}.new")
        with beside.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(
                "the checkpoint journal cannot be used",
                code=disk_code(error, "folder_unusable"),
                found=type(error).__name__,
                where=self._path.name,
            ) from error


def _line(checkpoint: Checkpoint, note: bytes) -> bytes:
    parts = (
        str(checkpoint.seal_no),
        str(checkpoint.size),
        checkpoint.root.hex(),
        checkpoint.seal_digest.hex(),
        encode_base64(note),
    )
    return (" ".join(parts) + "\n").encode()
