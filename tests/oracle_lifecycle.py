"""A second lifecycle: a chain of moves, replayed onto a fresh aggregate each time.

It shares no code with ``ledger`` and is slow and plain on purpose: property tests hold
the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.oracle_license import EVENTS, License
from tests.oracle_moves import Denied, Move, Switches

LICENSE = UUID(int=1)
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
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
        if move.act == "RESUME":
            restricts = target.act in ("SUSPEND", "PAUSE")
            fits = restricts or target.told in ("SUSP", "PAUS")
        elif move.act == "CORRECT":
            fits = self.moves[_root(self.moves, named)].act in FACE
        elif move.act == "RESTORE":
            fits = named > 0 and not self._restored(named)
        else:
            fits = named > 0
        if not fits:
            raise Denied("unknown_target")

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
