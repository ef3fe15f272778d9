"""How long brokers that do not answer are borne with, and how often they are asked."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Final

Monotonic = Callable[[], float]
"""A clock that only goes forward, in seconds."""

_FIRST_PAUSE_S: Final = 0.02
_LAST_PAUSE_S: Final = 1.0


class Patience:
    """A bounded time, with pauses in it that grow."""

    def __init__(self, monotonic: Monotonic, limit_s: float) -> None:
        self._monotonic = monotonic
        self._limit_s = limit_s
        self.renew()

    def renew(self) -> None:
        """Starts anew: there was progress."""
        self._end = self._monotonic() + self._limit_s
        self._pause_s = _FIRST_PAUSE_S

    @property
    def left_s(self) -> float:
        """What is left of it; 0 at the end."""
        return max(0.0, self._end - self._monotonic())

    def pause(self) -> bool:
        """Waits before the next try; False, at once, when the time is up."""
        left_s = self.left_s
        if not left_s:
            return False
        Event().wait(min(self._pause_s, left_s))
        self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)
        return True
