"""Watches this process from a thread with connections of its own.

The main thread may hang in a client library, where nothing in Python reaches it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

from console.engine import Engine
from console.ledger import Ledger
from console.output import give_error
from consumers.watchdog import Stall, Watchdog
from ledger.errors import LedgerError, Unavailable
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.postgres import translated
from ledger.seal import decode_seal
from ledger.sources import SEALS, base_of, source_names
from ledger.tip import Tip
from ledger.workdays import instant_text
from projections import registry
from projections.migrate import VIEWS, use_schema
from projections.resume import own_places
from projections.tracking import Tracking

LOOKS = 10
_VERDICTS = "verdicts"
_JOIN_S = 5.0


class Watch:
    """Looks at progress and lag of what an engine has taken, some LOOKS times a stall.

    Belongs to one thread, except ``engine``, of which it only asks what it has taken.
    """

    def __init__(self, ledger: Ledger, engine: Engine, *, stall_after_s: float) -> None:
        self._ledger = ledger
        self._engine = engine
        self._partitions = ledger.partitions
        self._sealing = Watchdog(stall_after_s=stall_after_s)
        self._projecting = Watchdog(stall_after_s=stall_after_s)
        self._opened = ExitStack()
        self._open()

    def _open(self) -> None:
        self._opened.close()
        self._conn = self._ledger.connect()
        self._opened.callback(self._conn.close)
        use_schema(self._conn, VIEWS)
        self._tracking = Tracking(self._conn, schema=VIEWS)
        self._head = HeadStore(self._conn)
        self._log: EventLog | None = None  # a projector needs none

    def close(self) -> None:
        """Ends its connections."""
        self._opened.close()

    def look(self, now: float) -> Stall | None:
        """What stands still in this process, None when healthy or standing by."""
        try:
            with translated("watching"):
                return self._look_at_sealing(now) or self._look_at_projecting(now)
        except Unavailable:
            # The main thread meets the same; what it does about it is its own matter.
            with translated("watching"):
                self._open()
            return None

    def _look_at_sealing(self, now: float) -> Stall | None:
        if not self._engine.seals:
            self._sealing.rest()
            return None
        tip = self._sealed()
        carried = sum(tip.verdict_nexts.values())

        def ends() -> Mapping[str, int]:
            waiting = len(self._head.offered(limit=1))
            found, sources = self._ends(), self._sources()
            ends = {source: found.get(source, 0) for source in sources}
            return {**ends, _VERDICTS: carried + waiting}

        return self._sealing.look({**tip.nexts, _VERDICTS: carried}, ends, now)

    def _look_at_projecting(self, now: float) -> Stall | None:
        sources = self._engine.projects
        if not sources:
            self._projecting.rest()
            return None
        reached = {
            name: n
            for name, n in self._tracking.ordinals().items()
            if base_of(name.removeprefix(f"{SEALS}/")).split("/", 1)[0] in sources
        }
        return self._projecting.look(
            reached, lambda: own_places(self._sealed().nexts, sources), now
        )

    def _ends(self) -> Mapping[str, int]:
        if self._log is None:
            self._log = self._ledger.open_log()
            self._opened.callback(self._log.close)
        return self._log.ends()

    def _sources(self) -> Sequence[str]:
        """What a seal may cover; of a source that was succeeded, nothing is any more."""
        state = registry.load(self._conn)
        return state.sources() if state.founded else source_names(self._partitions)

    def _sealed(self) -> Tip:
        """Where the seals stand that are in the log."""
        data = self._head.published()
        seal_no = -1 if data is None else decode_seal(data)["seal_no"]
        return self._head.tip(seal_no) or Tip()


@contextmanager
def watched(
    ledger: Ledger,
    engine: Engine,
    *,
    stall_after_s: float,
    end: Callable[[Stall, float], None],
) -> Iterator[None]:
    """Watches for as long as the block lasts; 0 s: does not.

    ``end`` is called in the thread that watches, with a stall and for how many seconds
    it has lasted.
    """
    if not stall_after_s:
        yield
        return
    watch = Watch(ledger, engine, stall_after_s=stall_after_s)
    over = Event()

    def work() -> None:
        while not over.wait(stall_after_s / LOOKS):
            try:
                stall = watch.look(time.monotonic())
            except LedgerError:
                continue  # no connection yet: try again
            if stall is not None:
                end(stall, time.monotonic() - stall.since)

    thread = Thread(target=work, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_JOIN_S)
        if not thread.is_alive():
            watch.close()


def end_process(ledger: Ledger, *, as_json: bool) -> Callable[[Stall, float], None]:
    """Says what stands still since when, and ends this process at once."""

    def end(stall: Stall, seconds: float) -> None:
        since = instant_text(ledger.clock() - round(seconds * 1_000_000))
        error = Unavailable(
            "this process makes no progress",
            code="no_progress",
            expected=f"some since {since}",
            found=", ".join(f"{n} waiting" for n in stall.behind.values()),
            where=", ".join(stall.behind),
        )
        code = give_error(error, as_json=as_json)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        # The main thread hangs in foreign code and cannot be unwound. That is as safe as
        # a kill -9: what it had begun is either committed whole or not at all, and the
        # compare-and-swap on head and tracking rows stops it if it should come back.
        os._exit(code)

    return end
