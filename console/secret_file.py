"""A secret that stands on the first line of a file."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import Malformed


def first_line(file: Path, *, what: str) -> bytes:
    """The first line without its end; raises Malformed when there is none."""
    try:
        first = file.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as error:
        raise Malformed(
            f"{what} cannot be read",
            code="file_unreadable",
            found=error.strerror or type(error).__name__,
            where=str(file),
        ) from error
    if not first:
        raise Malformed(
            f"{what} is empty",
            code="file_unreadable",
            expected="a secret on the first line",
            where=str(file),
        )
    return first
