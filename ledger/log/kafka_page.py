"""The answer to one read, within its limits."""

from __future__ import annotations


class Page:
    """Records from ordinal ``start``: at most ``limit``, and ``size_max`` bytes or one."""

    def __init__(self, start: int, *, limit: int, size_max: int) -> None:
        self.start = start
        self.records: list[bytes] = []
        self.full = limit < 1
        self._limit = limit
        self._size_left = size_max

    @property
    def next(self) -> int:
        """The ordinal of the record that comes next."""
        return self.start + len(self.records)

    @property
    def room(self) -> int:
        """How many records it takes at most."""
        return self._limit - len(self.records)

    def take(self, record: bytes) -> bool:
        """Takes the next record; False when there is no room for it."""
        if self.full or (self.records and len(record) > self._size_left):
            self.full = True
            return False
        self.records.append(record)
        self._size_left -= len(record)
        self.full = self.room < 1
        return True
