"""Sealer and projector, run by this process as far as no other one runs them.

Advisory locks in the database say who does what. They only spare work: what protects the
ledger is the compare-and-swap on head and tracking rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from consumers.halves import ProjectingHalf, Round, SealingHalf
from ledger.errors import Unavailable
from ledger.log.contract import EventLog

POLL_S = 0.1
PATIENCE_S = 60.0
IDLE_WAIT_S = 1.0
TAKE_EVERY_S = 0.5


class Engine:
    """Runs sealer and projector until there is nothing left to do, or until told.

    ``reached``: how many records of each source are projected, by anybody; ``after`` is
    called when records were projected here. Either half may be left to others.
    """

    def __init__(
        self,
        *,
        sealing: SealingHalf | None,
        projecting: ProjectingHalf | None,
        log: EventLog,
        reached: Callable[[], Mapping[str, int]],
        after: Callable[[], None],
    ) -> None:
        self._sealing = sealing
        self._projecting = projecting
        self._log = log
        self._reached = reached
        self._after = after
        self._holders = 0

    @property
    def seals(self) -> bool:
        """Whether this process seals now."""
        return self._sealing is not None and self._sealing.complete

    @property
    def projects(self) -> tuple[str, ...]:
        """The sources that this process projects now."""
        return () if self._projecting is None else self._projecting.owned

    def only(self, *, seal: bool, sources: Sequence[str]) -> Engine:
        """An engine for a part of the work, while this one does nothing."""
        projecting = self._projecting
        return Engine(
            sealing=self._sealing if seal else None,
            projecting=projecting.only(sources) if projecting and sources else None,
            log=self._log,
            reached=self._reached,
            after=self._after,
        )

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Keeps what is free of the work for a while; says whether that is all of it."""
        self._holders += 1
        try:
            self._take()
            yield self._whole
        finally:
            self._holders -= 1
            if not self._holders:
                self._give_back()

    def settle(self, wanted: Mapping[str, int]) -> None:
        """Returns when so many records of each source are projected.

        By own work, as far as no other process does it. Raises Unavailable, naming the
        sources, when nothing moves for PATIENCE_S.
        """
        if not self._missing(wanted, self._reached()):
            return
        with self.held():
            self._settle(wanted)

    def _settle(self, wanted: Mapping[str, int]) -> None:
        seen: Mapping[str, int] = {}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = self.step()
            if done.projected:
                self._after()
            reached = self._reached()
            missing = self._missing(wanted, reached)
            if not missing:
                return
            if reached != seen or not done.idle:
                seen, deadline = reached, time.monotonic() + PATIENCE_S
            if time.monotonic() > deadline:
                raise self._stalled(missing)
            if done.idle:
                self._log.wait(POLL_S)
                self._take()

    def _missing(
        self, wanted: Mapping[str, int], reached: Mapping[str, int]
    ) -> list[str]:
        return sorted(s for s, end in wanted.items() if reached.get(s, 0) < end)

    def _stalled(self, missing: Sequence[str]) -> Unavailable:
        others = [source for source in missing if source not in self.projects]
        who = [] if self.seals else ["another process seals"]
        if others:
            who.append(f"another process projects {', '.join(others)}")
        return Unavailable(
            "whoever seals and projects makes no progress",
            code="no_progress",
            expected=f"some within {PATIENCE_S:g} s",
            found="; ".join(who) or "nobody else does it",
            where=", ".join(missing),
        )

    def adopt(self) -> None:
        """Takes over the seals that the log holds and projects them; makes none.

        Raises Unavailable while another process seals or projects.
        """
        with self.held() as whole:
            if not whole or self._sealing is None or self._projecting is None:
                raise Unavailable(
                    "another process seals or projects this ledger",
                    code="busy_elsewhere",
                )
            self._sealing.recover()
            while not self._projecting.step().idle:
                pass
        self._after()

    def rest(self) -> Round:
        """Seals and projects what is held until nothing is left; returns the whole."""
        total = Round()
        while not (done := self.step()).idle:
            total += done
        if total.projected:
            self._after()
        return total

    def step(self) -> Round:
        """One step of each half that is held."""
        done = Round()
        if self._sealing is not None:
            done += self._sealing.step()
        if self._projecting is not None:
            done += self._projecting.step()
        return done

    def run(self, stop: Callable[[], bool], told: Callable[[Round], None]) -> None:
        """Runs until ``stop``, and stands by for what others hold; then gives all back.

        ``told`` hears of every round; the one under way ends before this stops.
        """
        taken_at = time.monotonic()
        with self.held():
            while not stop():
                done = self.step()
                if done.projected:
                    self._after()
                told(done)
                if done.idle:
                    self._log.wait(IDLE_WAIT_S)
                if time.monotonic() - taken_at >= TAKE_EVERY_S:
                    taken_at = time.monotonic()
                    self._take()

    @property
    def _whole(self) -> bool:
        halves = (self._sealing, self._projecting)
        return all(half is None or half.complete for half in halves)

    def _take(self) -> None:
        for half in (self._sealing, self._projecting):
            if half is not None:
                half.take()

    def _give_back(self) -> None:
        for half in (self._sealing, self._projecting):
            if half is not None:
                half.give_back()
