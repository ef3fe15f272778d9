"""A second lifecycle, written from the rules' prose as an event-sourced aggregate.

It shares no code with ``ledger``. One act is one event class with its own rule (``may``)
and its own effect (``take``); a chain replays its acts in effective order onto a fresh
aggregate each time. Slow and plain on purpose: property tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.domain import Aggregate

LICENSE = UUID(int=1)
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


class Denied(Exception):  # noqa: N818 - a verdict, not a fault
    """An act that the rules do not allow; ``code`` as the ledger would say it."""

    def __init__(self, code: str = "illegal_transition") -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Switches:
    """What a license type decides: late renewal, grace (None = always), restricted acts."""

    late_renewal: bool = True
    grace_days: int | None = None
    while_restricted: frozenset[str] = frozenset()
    on_application: bool = False


@dataclass(frozen=True)
class Move:
    """One act as a department thinks of it; days count from any day 0.

    ``names`` is the number of an accepted act. ``sets`` are face fields, ``until`` a
    new end of validity (None = long term) when ``has_until``.
    """

    act: str
    day: int
    names: int | None = None
    sets: tuple[tuple[str, str | None], ...] = ()
    has_until: bool = False
    until: int | None = None
    term_until: int | None = None
    mark: str = ""
    on: bool = True
    mark_day: int | None = None
    effect_from: int | None = None
    told: str = ""
    void: int = 0
    replaces: bool = False
    backfill: bool = False


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

        def apply(self, aggregate: License) -> None:
            """Counts the place and takes the act."""
            aggregate.rank += 1
            self.take(aggregate)

        def take(self, license_: License) -> None:
            """What the act does."""

    class Changed(Act):
        at = "VALID SUSP PAUS"

        @classmethod
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            restricted = state in ("SUSP", "PAUS")
            if restricted and move.act not in license_.switches.while_restricted:
                raise Denied

        def take(self, license_: License) -> None:
            license_.write(self.move, license_.rank)

    class Renewed(Changed):
        at = "VALID SUSP PAUS EXP"

        @classmethod
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            late = state == "EXP"
            if late and not (license_.switches.late_renewal or move.backfill):
                raise Denied

        def take(self, license_: License) -> None:
            super().take(license_)
            license_.pending = False
            license_.flags.discard("renewal_pending")
            if self.state == "EXP" and self.move.backfill:
                license_.flags.add("late_renewal")

    class Replaced(Changed):
        at = "VALID EXP"

        @classmethod
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            grace = license_.switches.grace_days
            if state != "EXP" or grace is None:
                return
            if day - license_.shows("until") > grace:
                raise Denied("out_of_grace")

        def take(self, license_: License) -> None:
            license_.write(self.move, license_.rank)

    class Reissued(Changed):
        at = "VALID"

    class Downgraded(Act):
        at = "VALID SUSP PAUS"

        def take(self, license_: License) -> None:
            license_.write(self.move, license_.rank)

    class Suspended(Act):
        at = "VALID SUSP PAUS EXP"

        def take(self, license_: License) -> None:
            license_.restrict(self.number, "SUSP", self.move.term_until)
            if self.state == "EXP" and self.allowed:
                license_.flags.add("penalty_recorded")

    class Paused(Act):
        at = "VALID PAUS"

        def take(self, license_: License) -> None:
            license_.restrict(self.number, "PAUS", self.move.term_until)

    class Resumed(Act):
        at = "VALID SUSP PAUS EXP"

        @classmethod
        def may(cls, license_: License, move: Move, state: str, day: int) -> None:
            super().may(license_, move, state, day)
            if move.names not in license_.open:
                raise Denied

        def take(self, license_: License) -> None:
            license_.open.pop(self.move.names, None)  # type: ignore[arg-type]

    class Revoked(Act):
        at = "VALID SUSP PAUS EXP CANC"

        def take(self, license_: License) -> None:
            if self.allowed and self.state in ("EXP", "CANC"):
                license_.flags.add("penalty_recorded")
            else:
                license_.finish("REVD", self.move.day, allowed=self.allowed)

    class Annulled(Act):
        at = "VALID SUSP PAUS EXP REVD"

        def take(self, license_: License) -> None:
            since = self.move.effect_from
            day = self.move.day if since is None else since
            license_.finish("ANND", day, allowed=self.allowed)

    class Withdrawn(Act):
        at = "VALID SUSP PAUS"

        def take(self, license_: License) -> None:
            license_.finish("WDRN", self.move.day, allowed=self.allowed)

    class Cancelled(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN"

        def take(self, license_: License) -> None:
            if self.allowed or not license_.end:
                license_.after = self.state
            license_.finish("CANC", self.move.day, allowed=self.allowed)

    class TransferredOut(Act):
        at = "VALID"

        def take(self, license_: License) -> None:
            if self.allowed or not license_.end:
                license_.after = "转出"
            license_.finish("CANC", self.move.day, allowed=self.allowed)

    class Corrected(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN CANC"
        rank_of_named: int | None

        def take(self, license_: License) -> None:
            if self.rank_of_named is not None:
                license_.write(self.move, self.rank_of_named)

    class Restored(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN CANC MRGD VOID"

    class Marked(Act):
        at = "VALID SUSP PAUS EXP REVD ANND WDRN CANC"

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
        def take(self, license_: License) -> None:
            if self.move.act == "ARCHIVE":
                license_.flags.add("archived")

    class Linked(Marked):
        def take(self, license_: License) -> None:
            license_.finish("MRGD", self.move.day, allowed=self.allowed)

    class VersionVoided(Marked):
        alone: bool

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
OPENINGS = frozenset({"BASELINE", "ISSUE", "TRANSFER_IN"})
TECHNICAL = frozenset({"CORRECT", "ANNUL", "RESTORE", "LINK", "VOID_VERSION"})
UNSTOPPABLE = frozenset(
    {"SUSPEND", "DOWNGRADE", "REVOKE", "WITHDRAW", "CANCEL", "ANNUL", "RESTORE"}
)
NEW_VERSION = frozenset(
    {"CHANGE", "RENEW", "REPLACE", "REISSUE", "DOWNGRADE", "CORRECT"} | OPENINGS
)
FACE = NEW_VERSION | {"VOID_VERSION"}


@dataclass
class Replay:
    """A chain replayed: the license, and which acts (by number) were not allowed."""

    license: License
    denied: dict[int, str] = field(default_factory=dict)


@dataclass
class Chain:
    """Accepted moves in recorded order, each with the day on which it was recorded."""

    switches: Switches
    moves: list[Move] = field(default_factory=list)
    recorded: list[int] = field(default_factory=list)
    replayed: Replay | None = None

    @property
    def version(self) -> int:
        """The highest version number given so far."""
        return sum(map(self.made_version, range(len(self.moves))))

    def made_version(self, number: int) -> bool:
        """Whether an accepted move made a version."""
        move = self.moves[number]
        if move.act == "RESTORE":
            return move.names is not None and self.made_version(move.names)
        return move.act in NEW_VERSION or (move.act == "VOID_VERSION" and move.replaces)

    def offer(self, move: Move, recorded: int) -> str:
        """Takes a move or says why not; the empty string means accepted."""
        try:
            replayed = self._judge(move)
        except Denied as denied:
            return denied.code
        self.moves.append(move)
        self.recorded.append(recorded)
        self.replayed = replayed
        return ""

    def late(self) -> set[int]:
        """Moves older than one in force already when they were recorded."""
        return {
            i
            for i, move in enumerate(self.moves)
            if any(
                move.day < earlier.day <= self.recorded[i] for earlier in self.moves[:i]
            )
        }

    def _judge(self, move: Move) -> Replay:
        if self.replayed is None:
            self._check_named(move)
            if move.act not in OPENINGS:
                raise Denied
            return self._replay([move])
        if self.replayed.license.end == "MRGD" and not (
            move.act == "RESTORE"
            and move.names is not None
            and self.moves[move.names].act == "LINK"
        ):
            raise Denied("merged")
        self._check_named(move)
        if move.act in OPENINGS:
            raise Denied
        opening = self.moves[0]
        if (
            opening.act == "ISSUE"
            and move.day < opening.day
            and move.act not in TECHNICAL
        ):
            raise Denied
        replayed = self._replay([*self.moves, move])
        if len(self.moves) in replayed.denied:
            raise Denied(replayed.denied[len(self.moves)])
        if replayed.denied.keys() - self.replayed.denied.keys() and not (
            move.act in UNSTOPPABLE or move.mark == "stayed"
        ):
            raise Denied("conflicts_with")
        voids = move.act == "VOID_VERSION" and not move.replaces
        if voids and move.void == self.version > 1:
            raise Denied("invalid_fields")
        return replayed

    def _check_named(self, move: Move) -> None:
        """What a move names is there, and of the kind that it can name."""
        named = move.names
        voids = move.act == "VOID_VERSION" and bool(self.moves)
        if voids and not 1 <= move.void <= self.version:
            raise Denied("unknown_target")
        needs = move.act in ("RESUME", "CORRECT", "RESTORE") or move.mark == "stayed"
        if not needs:
            return
        if named is None or named >= len(self.moves):
            raise Denied("unknown_target")
        target = self.moves[named]
        fits: Callable[[], bool] = lambda: named > 0  # noqa: E731
        if move.act == "RESUME":
            restricts = target.act in ("SUSPEND", "PAUSE")
            fits = lambda: restricts or target.told in ("SUSP", "PAUS")  # noqa: E731
        elif move.act == "CORRECT":
            fits = lambda: self.moves[self.root(named)].act in FACE  # noqa: E731
        elif move.act == "RESTORE":
            fits = lambda: named > 0 and not self._restored(named)  # noqa: E731
        if not fits():
            raise Denied("unknown_target")

    def root(self, number: int) -> int:
        """The original that a chain of corrections corrects."""
        move = self.moves[number]
        if move.act != "CORRECT":
            return number
        assert move.names is not None
        return self.root(move.names)

    def _restored(self, number: int) -> bool:
        return any(
            later.act == "RESTORE"
            and later.names == number
            and not _out(self.moves, after)
            for after, later in enumerate(self.moves)
        )

    def _replay(self, moves: list[Move]) -> Replay:
        """Every move in effective order onto a fresh aggregate."""
        order = arrange(moves)
        opening = moves[0]
        license_ = License._create(
            License.Opened,
            id=LICENSE,
            timestamp=EPOCH,
            switches=self.switches,
            move=opening,
        )
        replay = Replay(license_)
        ranks = {number: rank for rank, (number, _) in enumerate(order)}
        for number, day in order[1:]:
            move = moves[number]
            event = EVENTS[move.act]
            state = license_.state(day)
            try:
                event.may(license_, move, state, day)
            except Denied as denied:
                replay.denied[number] = denied.code
            extra: dict[str, Any] = {}
            if event is License.Corrected:
                extra["rank_of_named"] = ranks.get(_root(moves, number))
            elif event is License.VersionVoided:
                extra["alone"] = self._versions(moves[:number]) == 1
            license_.trigger_event(
                event,
                timestamp=EPOCH,
                move=move,
                number=number,
                state=state,
                allowed=number not in replay.denied,
                **extra,
            )
        return replay

    def _versions(self, moves: list[Move]) -> int:
        return Chain(self.switches, moves).version


def _root(moves: list[Move], number: int) -> int:
    while moves[number].act == "CORRECT":
        named = moves[number].names
        assert named is not None
        number = named
    return number


def _out(moves: list[Move], number: int) -> bool:
    """Whether a move is out: restored by one that is in, or stayed last by one that is."""
    naming = [
        (i, move)
        for i, move in enumerate(moves)
        if i > number and move.names == number and not _out(moves, i)
    ]
    if any(move.act == "RESTORE" for _, move in naming):
        return True
    stays = [(move.day, i, move.on) for i, move in naming if move.mark == "stayed"]
    return bool(stays) and max(stays)[2]


def arrange(moves: list[Move]) -> list[tuple[int, int]]:
    """(number, day) of every move in the fold, put in its place one after another."""
    first = moves[0]
    stock = first.act != "ISSUE"
    older: list[tuple[int, int]] = []
    line: list[tuple[int, int]] = [(0, first.day)]
    for number, move in enumerate(moves[1:], start=1):
        if move.act in TECHNICAL:
            newest = max(earlier.day for earlier in moves[:number])
            line.append((number, max(move.day, newest)))
        elif stock and move.day < first.day:
            older.append((number, move.day))
        else:
            place = len(line)
            while line[place - 1][1] > move.day:
                place -= 1
            line.insert(place, (number, move.day))
    older.sort(key=lambda one: (one[1], one[0]))
    whole = [one for one in [line[0], *older, *line[1:]] if not _out(moves, one[0])]
    return _annulments_first(whole, moves)


def _annulments_first(
    line: list[tuple[int, int]], moves: list[Move]
) -> list[tuple[int, int]]:
    """Puts each ANNUL directly before the first CANCEL that it is not younger than."""
    annuls = [one for one in line if moves[one[0]].act == "ANNUL"]
    for one in sorted(annuls, key=lambda annul: (moves[annul[0]].day, annul[0])):
        own = moves[one[0]].day
        for index, (number, _) in enumerate(line):
            if number == one[0]:
                break
            if moves[number].act == "CANCEL" and own <= moves[number].day:
                line.remove(one)
                line.insert(index, one)
                break
    return line


def shown_face(license_: License, names: Iterable[str]) -> dict[str, Any]:
    """The values that show, without empty ones."""
    values = {name: license_.shows(name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
