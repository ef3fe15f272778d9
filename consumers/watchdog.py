"""Tells a process that works or rests from one that stands still before its work.

A client library may wait for ever for what will not come (a connection nobody answers
on, a fetch that finds no leader); only somebody who looks from outside can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """No progress since ``since`` (the clock of ``look``) although there is work.

    ``behind``: how much is left to do, by name.
    """

    since: float
    behind: Mapping[str, int]


class Watchdog:
    """Unhealthy = something is left to do, and nothing moved for ``stall_after_s``."""

    def __init__(self, *, stall_after_s: float) -> None:
        self._stall_after_s = stall_after_s
        self._reached: Mapping[str, int] | None = None
        self._since: float | None = None

    def look(
        self,
        reached: Mapping[str, int],
        ends: Callable[[], Mapping[str, int]],
        now: float,
    ) -> Stall | None:
        """The stall, None when healthy; ``now`` in seconds of any clock that goes on.

        ``reached``: whatever grows with progress. ``ends``: for some of its names where
        it should get to; it may be dear, and is asked only when nothing has moved.
        """
        if reached != self._reached:
            self._reached, self._since = dict(reached), None
            return None
        behind = {
            name: end - reached.get(name, 0)
            for name, end in ends().items()
            if end > reached.get(name, 0)
        }
        if not behind:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if now - self._since < self._stall_after_s:
            return None
        return Stall(since=self._since, behind=behind)

    def rest(self) -> None:
        """The work is another one's now: what was seen of it means nothing any more."""
        self._reached = self._since = None
