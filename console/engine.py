"""Sealer and projector in one process, for as long as nobody else runs them.

An advisory lock in the database says who does. It only spares work: what protects the
ledger is the compare-and-swap on head and tracking rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from consumers.project import Projector
from consumers.seal import Sealer
from ledger.errors import Unavailable
from ledger.log.contract import EventLog
from ledger.log.head import Fenced
from projections.tracking import Fenced as ProjectorFenced

POLL_S = 0.1
PATIENCE_S = 60.0
IDLE_WAIT_S = 1.0


class Lock(Protocol):
    """Who runs the engine: taken and given back by one connection, freed by its end."""

    def take(self) -> bool:
        """Takes it if it is free."""
        ...

    def give_back(self) -> None:
        """Gives it back."""
        ...


class Engine:
    """Runs sealer and projector until there is nothing left to do, or until told.

    ``make`` gives a fresh pair that starts from what is stored; ``after`` is called when
    records were projected.
    """

    def __init__(
        self,
        *,
        lock: Lock,
        log: EventLog,
        make: Callable[[], tuple[Sealer, Projector]],
        after: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._log = log
        self._make = make
        self._after = after
        self._pair: tuple[Sealer, Projector] | None = None
        self._held = 0

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Keeps the lock for a stretch of work, if it is free; says whether it is."""
        own = self._take()
        try:
            yield own
        finally:
            if own:
                self._release()

    def settle(self, done: Callable[[], bool]) -> None:
        """Returns when ``done`` holds: by own work, or by that of whoever runs it.

        Raises Unavailable when that does not happen within PATIENCE_S of no progress.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            with self.held() as own:
                if own and self._until(done):
                    return
            if time.monotonic() > deadline:
                raise Unavailable(
                    "the process that seals and projects makes no progress",
                    expected=f"the verdict within {PATIENCE_S:g} s",
                )
            self._log.wait(POLL_S)

    def _until(self, done: Callable[[], bool]) -> bool:
        """Own steps until ``done`` holds; False when nothing is left to do before."""
        while True:
            sealed, count = self.step()
            if count:
                self._after()
            if (count or not sealed) and done():
                return True
            if not sealed and not count:
                return False

    def rest(self) -> int:
        """Seals and projects until nothing is left; returns the records projected."""
        total = 0
        while True:
            sealed, count = self.step()
            total += count
            if not sealed and not count:
                break
        if total:
            self._after()
        return total

    def step(self) -> tuple[bool, int]:
        """One step of each: whether a seal was made, how many records were projected."""
        pair = self._pair or self._make()
        self._pair = None
        try:
            sealer, projector = pair
            sealed = sealer.step()
            count = projector.step()
        except (Fenced, ProjectorFenced):
            # Somebody else moved on: start again from what is stored now.
            return True, 0
        self._pair = pair
        return sealed, count

    def run(self, stop: Callable[[], bool], told: Callable[[int], None]) -> None:
        """Runs until ``stop``; ``told`` hears how many records each round projected."""
        while not self._take():
            if stop():
                return
            self._log.wait(IDLE_WAIT_S)
        try:
            while not stop():
                count = self.rest()
                told(count)
                if not count:
                    self._log.wait(IDLE_WAIT_S)
        finally:
            self._release()

    def _take(self) -> bool:
        if self._held == 0 and not self._lock.take():
            return False
        self._held += 1
        return True

    def _release(self) -> None:
        self._held -= 1
        if self._held == 0:
            # What is in memory grows stale as soon as others may run.
            self._pair = None
            # A lost connection has given it back already, and that loss is told where
            # it was met first.
            with suppress(Unavailable):
                self._lock.give_back()
