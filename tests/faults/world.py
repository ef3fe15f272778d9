"""A ledger on three brokers of its own, run by processes of its own, to be broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from console.settings import Settings, settings_of
from console.wiring import open_ledger
from deploy.kafka import LocalKafka
from ledger.sources import SEALS
from tests.console.commands import Commands, Running, commands
from tests.faults.load import Load
from tests.faults.seed import SEED
from tests.faults.waiting import until
from tests.fix_kafka import own_kafka

PARTITIONS = 6
SEALER = ("seal", "--stall-after", "0")
PROJECTORS = tuple(
    ("project", "--partitions", group, "--stall-after", "0") for group in ("0-2", "3-5")
)
# A killed broker that starts again waits until the others have missed it.
QUICK = {"broker.session.timeout.ms": "4000", "broker.heartbeat.interval.ms": "500"}


@dataclass(slots=True, kw_only=True)
class World:
    """One such ledger; ``loads`` are all publishers that ever worked on it.

    ``figures``: what it has been through, told at the end of a run.
    """

    folder: Path
    kafka: LocalKafka
    commands: Commands
    origin: str
    sealer: Running | None = None
    projectors: list[Running] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    receipts: list[Path] = field(default_factory=list)
    in_use: dict[str, str] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return settings_of(self.commands.directory, environment={})

    def start(self) -> None:
        """Starts the sealer and two projectors, as far as they do not run."""
        if self.sealer is None or not self.sealer.alive:
            self.sealer = self.commands.start(*SEALER)
        if len(self.projectors) < len(PROJECTORS):
            self.projectors += [
                self.commands.start(*given)
                for given in PROJECTORS[len(self.projectors) :]
            ]
        for index, running in enumerate(self.projectors):
            if not running.alive:
                self.projectors[index] = self.commands.start(*PROJECTORS[index])
        for one in (self.sealer, *self.projectors):
            until(partial(_works, one), one.err.read_text)

    def stop(self) -> None:
        """Ends them as an operator does; each must say goodbye with code 0."""
        running: list[Running | None] = [self.sealer, *self.projectors]
        for one in running:
            if one is not None and one.alive:
                one.stop()
        for one in running:
            if one is not None:
                ended = one.end()
                assert ended.code == 0, ended
        self.sealer, self.projectors = None, []

    @contextmanager
    def load(self, name: str, publishers: int = 2) -> Iterator[Load]:
        """Publishers at work while the block lasts; they finish what they began."""
        load = Load(
            commands=self.commands,
            folder=self.folder / f"load-{name}",
            origin=self.origin,
            partitions=PARTITIONS,
            seed=f"{SEED}/{name}",
            in_use=self.in_use,
        )
        self.loads.append(load)
        for number in range(publishers):
            load.start(f"{name}{number}")
        yield load
        load.stop()

    def settled(self) -> None:
        """Returns when all that the log holds is projected, and its verdicts sealed."""
        with open_ledger(self.settings) as ledger:
            ends = {s: n for s, n in ledger.log.ends().items() if s != SEALS}

            def done() -> bool:
                sealed = ledger.head.load().tip.verdict_nexts
                return all(sealed.get(source, 0) >= end for source, end in ends.items())

            until(done, lambda: f"verdicts up to {ends}: {ledger.head.load().tip}")

    def receipt(self) -> None:
        """Makes a receipt of some license now, to be verified at the end."""
        with open_ledger(self.settings) as ledger:

            def accepted() -> str | None:
                row = ledger.views.execute(
                    "SELECT subject FROM audit_trail WHERE chain = 'license' "
                    "AND verdict = 'accepted' ORDER BY position DESC LIMIT 1"
                ).fetchone()
                return None if row is None else str(row[0])

            until(accepted, "a license is accepted")
            license_id = accepted()
        assert license_id is not None
        out = self.folder / f"{len(self.receipts)}.receipt"
        self.commands.answer("receipt", license_id, "--out", str(out))
        self.receipts.append(out)


def _works(running: Running) -> bool:
    """Whether it has taken something upon itself, or stands by."""
    if "holding=" in running.err.read_text():
        return True
    assert running.alive, running.err.read_text()
    return False


@contextmanager
def world(folder: Path, **given: Any) -> Iterator[World]:
    """Founds a ledger on three brokers of its own and starts its processes."""
    with (
        own_kafka(folder / "kafka", settings=QUICK, **given) as kafka,
        commands(folder / "ledger", folder / "said") as made,
    ):
        document = made.answer(
            *("init", "--kafka", kafka.bootstrap, "--topics", "faults"),
            *("--partitions", str(PARTITIONS)),
        )
        world = World(
            folder=folder, kafka=kafka, commands=made, origin=document["origin"]
        )
        world.start()
        yield world
        world.stop()
