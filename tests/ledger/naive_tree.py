"""The tree of RFC 6962 §2.1, word for word and slow: the oracle of the tree's tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

CANONICAL = tuple(
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)


def numbered(count: int) -> tuple[bytes, ...]:
    return tuple(number.to_bytes(8, "big") for number in range(count))


class NaiveTree:
    """MTH, PATH and PROOF over the first leaves of ``data``; ranges are remembered."""

    def __init__(self, data: Sequence[bytes], algorithm: str = "sm3") -> None:
        self.data = data
        self.algorithm = algorithm
        self.mth = cache(self._mth)

    def hash(self, data: bytes) -> bytes:
        return hashlib.new(self.algorithm, data).digest()

    def leaf(self, index: int) -> bytes:
        return self.hash(b"\x00" + self.data[index])

    def leaves(self, size: int) -> list[bytes]:
        return [self.leaf(index) for index in range(size)]

    def _mth(self, start: int, end: int) -> bytes:
        if start == end:
            return self.hash(b"")
        if end - start == 1:
            return self.leaf(start)
        k = largest_power_below(end - start)
        return self.hash(
            b"\x01" + self.mth(start, start + k) + self.mth(start + k, end)
        )

    def root(self, size: int) -> bytes:
        return self.mth(0, size)

    def path(self, m: int, size: int) -> list[bytes]:
        return self._path(m, 0, size)

    def _path(self, m: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        k = largest_power_below(end - start)
        if m < k:
            return [*self._path(m, start, start + k), self.mth(start + k, end)]
        return [*self._path(m - k, start + k, end), self.mth(start, start + k)]

    def proof(self, m: int, size: int) -> list[bytes]:
        return self._subproof(m, 0, size, True)

    def _subproof(self, m: int, start: int, end: int, whole: bool) -> list[bytes]:
        if m == end - start:
            return [] if whole else [self.mth(start, end)]
        k = largest_power_below(end - start)
        if m <= k:
            return [
                *self._subproof(m, start, start + k, whole),
                self.mth(start + k, end),
            ]
        return [
            *self._subproof(m - k, start + k, end, False),
            self.mth(start, start + k),
        ]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k
