"""Publishers that remember what they sent and what was acknowledged, and can be killed.

Each attempt is written down before it is sent, with its bytes: whoever takes over from a
killed publisher sends the very same bytes again.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.founding import DEPARTMENT_USCC
from console.key_ring import DEPARTMENT, KeyRing
from console.settings import settings_of
from ledger.errors import Unavailable
from ledger.log.kafka_producer import KafkaAppender
from ledger.publish import RoleSigner, Signed
from tests.console.commands import Commands, Running
from tests.faults.province import Province
from tests.faults.waiting import until

PATIENCE_S = 4.0
PAUSE_S = 0.2


def publish(
    directory: str,
    diary: str,
    origin: str,
    partitions: int,
    name: str,
    seed: str,
    in_use: dict[str, str],
) -> None:
    """Publishes until the stop file is there; what an earlier process left comes first."""
    settings = settings_of(Path(directory), environment={})
    assert settings.kafka is not None
    signer = KeyRing(settings).signer(DEPARTMENT, purpose="act")
    chance = random.Random(seed)
    province = Province(
        origin=bytes.fromhex(origin),
        partitions=partitions,
        authority=DEPARTMENT_USCC,
        signers=[RoleSigner(signer=signer)],
        rng=chance,
        name=name,
    )
    book = Diary(Path(diary))
    log = KafkaAppender(settings.kafka, monotonic=time.monotonic, patience_s=PATIENCE_S)
    for number, batches in book.open_attempts():
        _append(log, book, number, batches)
    while not book.stopped:
        signed = province.single() if chance.random() < 0.7 else province.batch(12)
        number = book.attempt(signed)
        _append(log, book, number, _batches(signed, in_use))
        time.sleep(PAUSE_S)
    log.close()


def _append(
    log: KafkaAppender, book: Diary, number: int, batches: dict[str, list[bytes]]
) -> None:
    while True:
        try:
            log.append_all(batches)
        except Unavailable as error:
            book.write({"unavailable": number, "reason": error.reason})
            if book.stopped:
                return
        else:
            book.write({"acked": number})
            return


def _batches(
    signed: Sequence[Signed], in_use: dict[str, str]
) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for one in signed:
        source = in_use.get(one.source, one.source)
        found.setdefault(source, []).append(one.data)
    return found


@dataclass(slots=True)
class Told:
    """What diaries say: event digests, and how often a publisher was refused."""

    attempted: set[str] = field(default_factory=set)
    acked: set[str] = field(default_factory=set)
    refusals: int = 0
    _open: dict[int, list[str]] = field(default_factory=dict)

    def take(self, line: dict[str, Any]) -> None:
        if "attempt" in line:
            digests = [one[2] for one in line["records"]]
            self._open[line["attempt"]] = digests
            self.attempted.update(digests)
        self.acked.update(self._open.pop(line.get("acked", 0), ()))
        self.refusals += "unavailable" in line


@dataclass(slots=True)
class Diary:
    """One publisher's file of lines, written through before anything is sent."""

    path: Path
    _next: int = 0
    _read_to: int = 0
    _told: Told = field(default_factory=lambda: Told())

    def write(self, line: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def attempt(self, signed: Sequence[Signed]) -> int:
        self._next += 1
        self.write(
            {
                "attempt": self._next,
                "records": [
                    [one.source, base64.b64encode(one.data).decode(), one.digest.hex()]
                    for one in signed
                ],
            }
        )
        return self._next

    @property
    def stopped(self) -> bool:
        return self.path.with_suffix(".stop").exists()

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines from the first one on."""
        for line, _ in self._from(0):
            yield line

    def open_attempts(self) -> Iterator[tuple[int, dict[str, list[bytes]]]]:
        """Attempts without an acknowledgement, in the order in which they were made.

        What a kill has torn was never sent, or is not acknowledged: it is cut off.
        """
        if self.path.exists():
            with self.path.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        attempts: dict[int, dict[str, list[bytes]]] = {}
        for line in self.lines():
            if "attempt" in line:
                self._next = line["attempt"]
                found = attempts.setdefault(self._next, {})
                for source, data, _ in line["records"]:
                    found.setdefault(source, []).append(base64.b64decode(data))
            attempts.pop(line.get("acked", 0), None)
        yield from attempts.items()

    def told(self) -> Told:
        """What has been written down so far; what was read before is not read again."""
        for line, end in self._from(self._read_to):
            self._told.take(line)
            self._read_to = end
        return self._told

    def _from(self, at: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Whole lines, and where each ends: one may be about to be written."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                at += len(line)
                yield json.loads(line), at


@dataclass(slots=True, kw_only=True)
class Load:
    """Publishers at work on one ledger; ``in_use``: what they know of succeeded sources."""

    commands: Commands
    folder: Path
    origin: str
    partitions: int
    seed: str
    in_use: dict[str, str] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    _lives: Counter[str] = field(default_factory=Counter)
    _diaries: dict[str, Diary] = field(default_factory=dict)

    def start(self, name: str) -> Running:
        """Starts a publisher, or the successor of one that was killed."""
        self.folder.mkdir(exist_ok=True)
        self._lives[name] += 1
        life = f"{name}{self._lives[name]}".upper().replace("-", "")
        self.running[name] = self.commands.call(
            publish,
            str(self.commands.directory),
            str(self.diary(name).path),
            self.origin,
            self.partitions,
            life,
            f"{self.seed}/{life}",
            self.in_use,
        )
        return self.running[name]

    def diary(self, name: str) -> Diary:
        if name not in self._diaries:
            self._diaries[name] = Diary(self.folder / f"{name}.jsonl")
        return self._diaries[name]

    def acked(self) -> set[str]:
        """The digests of all that was acknowledged to anybody."""
        return {digest for one in self._told() for digest in one.acked}

    def attempted(self) -> set[str]:
        return {digest for one in self._told() for digest in one.attempted}

    def refusals(self) -> int:
        """How often a publisher was told Unavailable."""
        return sum(one.refusals for one in self._told())

    def _told(self) -> list[Told]:
        return [self.diary(name).told() for name in self._lives]

    def _acked(self) -> int:
        return sum(len(one.acked) for one in self._told())

    def more(self, count: int) -> None:
        """Returns when so many more events were acknowledged."""
        wanted = self._acked() + count

        def done() -> bool:
            # Only a publisher that was killed may be dead.
            for running in self.running.values():
                assert running.alive or running.killed, running.err.read_text()
            return self._acked() >= wanted

        until(
            done,
            lambda: f"{wanted} events acknowledged: {self._acked()}",
            poll_s=0.2,
        )

    def stop(self) -> None:
        """Lets every publisher finish what it has begun."""
        for name in self.running:
            self.diary(name).path.with_suffix(".stop").touch()
        for running in self.running.values():
            ended = running.end()
            assert ended.code == 0 or running.killed, ended
        self.running.clear()
