"""One license as an event-sourced aggregate, written from the rules' prose.

It shares no code with ``ledger``. One act is one event class with its own rule (``may``)
and its own effect (``take``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from eventsourcing.domain import Aggregate
from typing_extensions import override

from tests.oracle_moves import Denied, Move, Switches


class License(Aggregate):
    """One license as its acts made it, one after the other."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.end = ""
        self.end_day: int | None = None
        self.after = ""
        self.layers: dict[str, dict[int, Any]] = {}
        self.pending = False
        self.open: dict[int, tuple[str, int | None]] = {}
        self.flags: set[str] = set()
        self.rank = 0

    def shows(self, name: str) -> Any:
        """The value set by the act that stands last, corrections in their places."""
        layers = self.layers.get(name, {})
        return layers[max(layers)] if layers else None

    def state(self, day: int) -> str:
        """Terminal state, EXP, SUSP, PAUS, VALID: the first that holds."""
        if self.end:
            return self.end
        until = self.shows("until")
        if until is not None and day > until and not self.pending:
            return "EXP"
        running = {
            kind for kind, last in self.open.values() if last is None or day <= last
        }
        return "SUSP" if "SUSP" in running else "PAUS" if running else "VALID"

    def write(self, move: Move, rank: int) -> None:
        """Puts an act's values at its place in the layers."""
        for name, value in move.sets:
            self.layers.setdefault(name, {})[rank] = value
        if move.has_until:
            self.layers.setdefault("until", {})[rank] = move.until

    def restrict(self, number: int, kind: str, until: int | None) -> None:
        """Opens a restriction under the act's number."""
        self.open[number] = (kind, None if self.switches.on_application else until)

    def finish(self, end: str, day: int, *, allowed: bool) -> None:
        """Ends the license; an overtaken act leaves a terminal state that stands."""
        if allowed or not self.end:
            self.end, self.end_day = end, day

    class Opened(Aggregate.Created):
        """BASELINE, ISSUE or TRANSFER_IN."""

        switches: Switches
        move: Move

        @override
        def apply(self, aggregate: License) -> None:
            """Carries the whole face; BASELINE tells the state it found."""
            aggregate.write(self.move, 0)
            told = self.move.told
            if told in ("SUSP", "PAUS"):
                aggregate.restrict(0, told, self.move.term_until)
            elif told not in ("", "VALID", "EXP"):
                aggregate.end, aggregate.end_day = told, self.move.day

    class Act(Aggregate.Event):
        """One act; ``number`` in recorded order, ``state`` before it on its day."""

        at: ClassVar[str] = ""
        move: Move
        number: int
        state: str
        allowed: bool

        @classmethod
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            """Raises Denied where the rules do not allow the act."""
            if state not in cls.at.split():
                raise Denied

        @override
        def apply(self, aggregate: License) -> None:
            """Counts the place and takes the act."""
            aggregate.rank += 1
            self.take(aggregate)

        def take(self, license_: License) -> None:
            """What the act does."""

    class Changed(Act):
        at = "VALID SUSP PAUS"

        @classmethod
        @override
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            restricted = state in ("SUSP", "PAUS")
            if restricted and move.act not in license_.switches.while_restricted:
                raise Denied

        @override
        def take(self, license_: License) -> None:
            license_.write(self.move, license_.rank)

    class Renewed(Changed):
        at = "VALID SUSP PAUS EXP"

        @classmethod
        @override
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            late = state == "EXP"
            if late and not (license_.switches.late_renewal or move.backfill):
                raise Denied

        @override
        def take(self, license_: License) -> None:
            super().take(license_)
            license_.pending = False
            license_.flags.discard("renewal_pending")
            if self.state == "EXP" and self.move.backfill:
                license_.flags.add("late_renewal")

    class Replaced(Changed):
        at = "VALID EXP"

        @classmethod
        @override
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            grace = license_.switches.grace_days
            if state != "EXP" or grace is None:
                return
            if day - license_.shows("until") > grace:
                raise Denied("out_of_grace")

        @override
        def take(self, license_: License) -> None:
            license_.write(self.move, license_.rank)

    class Reissued(Changed):
        at = "VALID"

    class Downgraded(Act):
        at = "VALID SUSP PAUS"

        @override
        def take(self, license_: License) -> None:
            license_.write(self.move, license_.rank)

    class Suspended(Act):
        at = "VALID SUSP PAUS EXP"

        @override
        def take(self, license_: License) -> None:
            license_.restrict(self.number, "SUSP", self.move.term_until)
            if self.state == "EXP" and self.allowed:
                license_.flags.add("penalty_recorded")

    class Paused(Act):
        at = "VALID PAUS"

        @override
        def take(self, license_: License) -> None:
            license_.restrict(self.number, "PAUS", self.move.term_until)

    class Resumed(Act):
        at = "VALID SUSP PAUS EXP"

        @classmethod
        @override
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            if move.names not in license_.open:
                raise Denied

        @override
        def take(self, license_: License) -> None:
            license_.open.pop(self.move.names, None)  # type: ignore[arg-type]

    class Revoked(Act):
        at = "VALID SUSP PAUS EXP CANC"

        @override
        def take(self, license_: License) -> None:
            if self.allowed and self.state in ("EXP", "CANC"):
                license_.flags.add("penalty_recorded")
            else:
                license_.finish("REVD", self.move.day, allowed=self.allowed)

    class Annulled(Act):
        at = "VALID SUSP PAUS EXP REVD"

        @override
        def take(self, license_: License) -> None:
            since = self.move.effect_from
            day = self.move.day if since is None else since
            license_.finish("ANND", day, allowed=self.allowed)

    class Withdrawn(Act):
        at = "VALID SUSP PAUS"

        @override
        def take(self, license_: License) -> None:
            license_.finish("WDRN", self.move.day, allowed=self.allowed)

    class Cancelled(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN"

        @override
        def take(self, license_: License) -> None:
            if self.allowed or not license_.end:
                license_.after = self.state
            license_.finish("CANC", self.move.day, allowed=self.allowed)

    class TransferredOut(Act):
        at = "VALID"

        @override
        def take(self, license_: License) -> None:
            if self.allowed or not license_.end:
                license_.after = "转出"
            license_.finish("CANC", self.move.day, allowed=self.allowed)

    class Corrected(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN CANC"
        rank_of_named: int | None

        @override
        def take(self, license_: License) -> None:
            if self.rank_of_named is not None:
                license_.write(self.move, self.rank_of_named)

    class Restored(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN CANC MRGD VOID"

    class Marked(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN CANC"

        @override
        def take(self, license_: License) -> None:
            move = self.move
            if move.mark == "stayed":
                return
            (license_.flags.add if move.on else license_.flags.discard)(move.mark)
            if move.mark == "renewal_pending":
                until = license_.shows("until")
                asked = move.day if move.mark_day is None else move.mark_day
                license_.pending = move.on and (until is None or asked <= until)

    class Noted(Marked):
        @override
        def take(self, license_: License) -> None:
            if self.move.act == "ARCHIVE":
                license_.flags.add("archived")

    class Linked(Marked):
        @override
        def take(self, license_: License) -> None:
            license_.finish("MRGD", self.move.day, allowed=self.allowed)

    class VersionVoided(Marked):
        alone: bool

        @override
        def take(self, license_: License) -> None:
            if self.move.replaces:
                license_.write(self.move, license_.rank)
            elif self.alone:
                license_.finish("VOID", self.move.day, allowed=self.allowed)


EVENTS: dict[str, type[License.Act]] = {
    "CHANGE": License.Changed,
    "RENEW": License.Renewed,
    "REPLACE": License.Replaced,
    "REISSUE": License.Reissued,
    "DOWNGRADE": License.Downgraded,
    "SUSPEND": License.Suspended,
    "PAUSE": License.Paused,
    "RESUME": License.Resumed,
    "REVOKE": License.Revoked,
    "ANNUL": License.Annulled,
    "WITHDRAW": License.Withdrawn,
    "CANCEL": License.Cancelled,
    "CORRECT": License.Corrected,
    "RESTORE": License.Restored,
    "MARK": License.Marked,
    "ANNOTATE": License.Noted,
    "ARCHIVE": License.Noted,
    "LINK": License.Linked,
    "TRANSFER_OUT": License.TransferredOut,
    "VOID_VERSION": License.VersionVoided,
}
