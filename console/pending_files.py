"""Pending acts on disk: mode 0600, changed as a whole or not at all, by one at a time."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import Malformed, Unavailable, disk_code
from ledger.pending import PendingAct
from ledger.pending_file import FILE_SIZE_MAX, read_pending, write_pending


def load(path: Path) -> PendingAct:
    """The pending act in a file; raises Malformed or Untrusted."""
    try:
        with path.open("rb") as file:
            return read_pending(file.read(FILE_SIZE_MAX + 1))
    except OSError as error:
        raise _unreadable(path, error) from error


def create(path: Path, pending: PendingAct) -> None:
    """Writes a new file; raises Malformed where one is."""
    _write(path, pending, replacing=False)


def change(path: Path, changed: Callable[[PendingAct], PendingAct]) -> PendingAct:
    """Replaces the act in a file by what ``changed`` makes of it, and returns that.

    Nobody else who asks this way has the file meanwhile; it stays as it was when
    ``changed`` raises.
    """
    with _locked(path) as data:
        pending = changed(read_pending(data))
        _write(path, pending, replacing=True)
        return pending


@contextmanager
def _locked(path: Path) -> Iterator[bytes]:
    while True:
        try:
            file = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever had it before has put another file in its place.
            if _lies_at(path, file.fileno()):
                yield file.read(FILE_SIZE_MAX + 1)
                return


def _lies_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _write(path: Path, pending: PendingAct, *, replacing: bool) -> None:
    """Beside it, fsynced, moved there: a crash leaves the old file or the new one."""
    try:
        handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # mode 0600
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(write_pending(pending))
                file.flush()
                os.fsync(file.fileno())
            if replacing:
                beside.replace(path)
            else:
                path.hardlink_to(beside)
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError as error:
        raise Malformed(
            "the file exists already", code="file_exists", where=str(path)
        ) from error
    except OSError as error:
        raise Unavailable(
            "the pending act cannot be written",
            code=disk_code(error, "folder_unusable"),
            found=error.strerror or type(error).__name__,
            where=str(path),
        ) from error


def _unreadable(path: Path, error: OSError) -> Malformed:
    return Malformed(
        "the pending act cannot be read",
        code="file_unreadable",
        found=error.strerror or "",
        where=str(path),
    )
