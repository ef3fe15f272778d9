"""The two halves of the work on a ledger: sealing, and projecting its sources.

Each is done by whoever holds its locks, in one process or in several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from consumers.locks import Locks, projecting
from consumers.project import Projector
from consumers.seal import Sealer
from ledger.errors import Unavailable
from ledger.log.head import Fenced
from projections.tracking import Fenced as ProjectorFenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round of work came to: seals made, records projected.

    ``idle``: there was nothing left to do.
    """

    sealed: int = 0
    projected: int = 0
    idle: bool = True

    def __add__(self, other: Round) -> Round:
        return Round(
            sealed=self.sealed + other.sealed,
            projected=self.projected + other.projected,
            idle=self.idle and other.idle,
        )


class SealingHalf:
    """Seals while it holds the one lock of sealing.

    ``make`` gives a sealer that starts from what is stored; what it opens for it goes
    on the stack, which is closed before the lock is given back.
    """

    def __init__(self, locks: Locks, make: Callable[[ExitStack], Sealer]) -> None:
        self._locks = locks
        self._make = make
        self._opened = ExitStack()
        self._sealer: Sealer | None = None

    @property
    def complete(self) -> bool:
        """Whether this process seals."""
        return self._locks.complete

    def take(self) -> None:
        """Takes the lock if it is free."""
        self._locks.take()

    def give_back(self) -> None:
        """Gives the lock back; what is in memory grows stale as soon as others may seal."""
        self._drop()
        _give_back(self._locks)

    def step(self) -> Round:
        """Makes one seal if there is something to seal and the lock is held.

        Raises what the sealer raises, except Fenced: then another one has moved on, and
        this one begins again, once the lock is free.
        """
        if not self.complete:
            return Round()
        try:
            sealed = self._running().step()
        except Fenced:
            self.give_back()
            return Round(idle=False)
        except BaseException:
            self._drop()
            raise
        return Round(sealed=int(sealed), idle=not sealed)

    def recover(self) -> None:
        """Brings head and log together and makes no seal; the lock must be held."""
        self._running().recover()

    def _running(self) -> Sealer:
        if self._sealer is None:
            self._sealer = self._make(self._opened)
        return self._sealer

    def _drop(self) -> None:
        self._sealer = None
        self._opened.close()


class ProjectingHalf:
    """Projects those of its sources whose lock it holds.

    ``make`` gives a projector of some sources that starts from what is stored.
    """

    def __init__(
        self,
        locks: Locks,
        make: Callable[[Sequence[str]], Projector],
        *,
        sources: Sequence[str],
    ) -> None:
        self._locks = locks
        self._make = make
        self._sources = tuple(sources)
        self._projector: Projector | None = None

    @property
    def complete(self) -> bool:
        """Whether it projects all of its sources."""
        return self._locks.complete

    @property
    def owned(self) -> tuple[str, ...]:
        """The sources that this process projects, in sealed order."""
        held = self._locks.held
        return tuple(s for s in self._sources if projecting(s) in held)

    def take(self) -> None:
        """Takes the locks that are free; with more sources a new projector begins."""
        if self._locks.take():
            self._projector = None

    def give_back(self) -> None:
        """Gives the locks back; memory grows stale as soon as others may project."""
        self._projector = None
        _give_back(self._locks)

    def step(self) -> Round:
        """Projects one batch of what is sealed of the sources that are held.

        Raises what the projector raises, except Fenced: then another one has moved on,
        and this one begins again, once the locks are free.
        """
        owned = self.owned
        if not owned:
            return Round()
        projector, self._projector = self._projector, None
        try:
            projector = projector or self._make(owned)
            before = projector.written
            moved = projector.step()
        except ProjectorFenced:
            self.give_back()
            return Round(idle=False)
        self._projector = projector
        return Round(projected=projector.written - before, idle=not moved)

    def only(self, sources: Sequence[str]) -> ProjectingHalf:
        """The same for some of the sources, while none of them is held."""
        locks = self._locks.only([projecting(source) for source in sources])
        return ProjectingHalf(locks, self._make, sources=sources)


def _give_back(locks: Locks) -> None:
    # A lost connection has given them back already, and that loss is told where it was
    # met first.
    with suppress(Unavailable):
        locks.give_back()
