"""Waiting for what must happen, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 180.0
_POLL_S = 0.05


def until(
    done: Callable[[], object],
    what: Callable[[], str] | str,
    *,
    poll_s: float = _POLL_S,
) -> None:
    """Returns once ``done`` holds; fails, saying what did not happen, when it never does.

    What ``done`` raises ends the wait.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"did not happen within {PATIENCE_S:g} s: {told}")
        time.sleep(poll_s)
