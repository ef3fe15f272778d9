"""An error that nobody foresaw, as it may be shown: its kind and place, never its words."""

from __future__ import annotations

import traceback


class Unforeseen(Exception):  # noqa: N818 - what it is about is an error already
    """Kind and place of an error, here or in another process."""

    def __init__(self, kind: str, where: str) -> None:
        super().__init__(kind, where)
        self.kind = kind
        self.where = where


def unforeseen(error: Exception) -> Unforeseen:
    """What may be told of an error: its message may quote a value."""
    if isinstance(error, Unforeseen):
        return error
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return Unforeseen(type(error).__name__, f"{frame.name}, line {frame.lineno}")
