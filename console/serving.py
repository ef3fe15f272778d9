"""Keeps a process at its work: opens the ledger again after what it needs was lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from console.engine import Engine
from console.error_book import entry_of
from console.ledger import Ledger
from console.output import say
from console.settings import Settings
from console.watching import end_process, watched
from console.wiring import now_us, open_ledger
from consumers.halves import Round
from ledger.errors import LedgerError, Unavailable
from ledger.workdays import instant_text

PATIENCE_S = 60.0
_PAUSE_FIRST_S = 0.1
_PAUSE_MAX_S = 5.0
_SLICE_S = 0.2


class Stop:
    """Set by SIGTERM or SIGINT: the round under way ends first."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked

    def ask(self, _number: int, _frame: object) -> None:
        """Asks to stop; a signal handler."""
        self.asked = True


@contextmanager
def stopping() -> Iterator[Stop]:
    """Takes SIGTERM and SIGINT for as long as the block lasts."""
    stop = Stop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, stop.ask) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def serve(
    settings: Settings,
    stop: Stop,
    *,
    part: Callable[[Ledger], Engine],
    told: Callable[[Engine, Round], None],
    accept_clock: bool,
    stall_after_s: float,
    as_json: bool,
) -> None:
    """Runs ``part`` of a ledger's engine until ``stop``.

    What is lost (PostgreSQL, Kafka) is sought for PATIENCE_S, then raised as
    Unavailable; so is a clock that is wrong for so long. At the start it is raised at
    once. Untrusted is always raised at once.
    """
    patience = _Patience(stop)

    def heard(engine: Engine, done: Round) -> None:
        patience.renew()
        told(engine, done)

    while not stop():
        try:
            with open_ledger(settings, accept_clock=accept_clock) as ledger:
                patience.renew_first()
                _run(
                    ledger,
                    part(ledger),
                    stop,
                    heard,
                    stall_after_s=stall_after_s,
                    as_json=as_json,
                )
        except LedgerError as error:
            if error.family != Unavailable.family or not patience.lasts:
                raise
            again = f"trying again 正在重试 ({error.code} {entry_of(error.code).zh})"
            say(f"{instant_text(now_us())} {error.family}: {error}; {again}")
            patience.pause()


def _run(
    ledger: Ledger,
    engine: Engine,
    stop: Stop,
    told: Callable[[Engine, Round], None],
    *,
    stall_after_s: float,
    as_json: bool,
) -> None:
    end = end_process(ledger, as_json=as_json)
    with watched(ledger, engine, stall_after_s=stall_after_s, end=end):
        engine.run(stop, lambda done: told(engine, done))


class _Patience:
    """How long to go on trying, and how long to pause between."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._until: float | None = None
        self._pause_s = _PAUSE_FIRST_S

    @property
    def lasts(self) -> bool:
        return self._until is not None and time.monotonic() < self._until

    def renew_first(self) -> None:
        """The ledger could be opened once: from now on it is worth waiting for."""
        if self._until is None:
            self.renew()

    def renew(self) -> None:
        self._until = time.monotonic() + PATIENCE_S
        self._pause_s = _PAUSE_FIRST_S

    def pause(self) -> None:
        until = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _PAUSE_MAX_S)
        while not self._stop() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))
