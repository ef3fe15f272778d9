"""Waiting for what another process will do."""

from __future__ import annotations

import time
from collections.abc import Callable

_GIVEN_UP_S = 120.0


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _GIVEN_UP_S
    while not done():
        assert time.monotonic() < deadline, f"waited {_GIVEN_UP_S:.0f} s in vain"
        time.sleep(0.05)
