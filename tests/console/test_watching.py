"""Processes that really hang end themselves, and others go on with their work."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest
from typing_extensions import override

from console.engine import Engine
from console.ledger import Ledger
from console.serving import Stop
from console.settings import settings_of
from console.watching import Watch, end_process, watched
from console.wiring import open_ledger
from consumers.halves import ProjectingHalf, Round, SealingHalf
from consumers.locks import SEALING, Locks, projecting
from consumers.project import Projector
from consumers.seal import Sealer
from consumers.sealing_keys import SealingKeys
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.publish import sign
from ledger.signing import verify
from ledger.sources import SEALS, source_names
from projections.founding import found
from tests.console.cli_ledger import CliLedger
from tests.console.commands import Commands
from tests.console.test_engine import draft_of
from tests.deploy.waiting import until

pytestmark = pytest.mark.postgres


class HangingLog(EventLog):
    """Never answers a read behind the records that it held when it was opened."""

    def __init__(self, log: EventLog, hangs: Sequence[str]) -> None:
        self._log = log
        self._hangs = {source: log.ends().get(source, 0) for source in hangs}

    @override
    def append_all(
        self, batches: Mapping[str, Sequence[bytes]]
    ) -> dict[str, list[int]]:
        return self._log.append_all(batches)

    @override
    def read(
        self, source: str, start: int, *, limit: int, size_max: int
    ) -> list[bytes]:
        page = self._log.read(source, start, limit=limit, size_max=size_max)
        if page and start >= self._hangs.get(source, start + 1):
            threading.Event().wait()
        return page

    @override
    def start(self, source: str) -> int:
        return self._log.start(source)

    @override
    def ends(self) -> Mapping[str, int]:
        return self._log.ends()

    @override
    def clock(self) -> int | None:
        return self._log.clock()

    @override
    def wait(self, timeout_s: float) -> None:
        self._log.wait(timeout_s)

    @override
    def close(self) -> None:
        self._log.close()


# --- what runs in the processes that hang ---------------------------------------------


def hanging_projector(directory: Path, *, stall_after_s: float) -> None:
    with open_ledger(settings_of(directory)) as ledger:
        sources = source_names(ledger.partitions)
        log, conn = HangingLog(ledger.open_log(), [SEALS]), ledger.connect()

        def make(sources: Sequence[str]) -> Projector:
            head = HeadStore(ledger.connect())
            return Projector(conn, log=log, head=head, sources=sources)

        locks = Locks(conn, [projecting(source) for source in sources])
        half = ProjectingHalf(locks, make, sources=sources)
        _hang(ledger, _engine(ledger, None, half), stall_after_s=stall_after_s)


def hanging_sealer(directory: Path, *, stall_after_s: float) -> None:
    with open_ledger(settings_of(directory)) as ledger:
        log = HangingLog(ledger.open_log(), source_names(ledger.partitions))

        def make(_opened: ExitStack) -> Sealer:
            keys = SealingKeys(found(ledger.log), ledger.ring.sealer_of)
            return Sealer(
                log,
                HeadStore(ledger.connect()),
                keys,
                origin=keys.origin_line,
                clock=ledger.clock,
                verify=verify,
            )

        half = SealingHalf(Locks(ledger.connect(), [SEALING]), make)
        _hang(ledger, _engine(ledger, half, None), stall_after_s=stall_after_s)


def _engine(
    ledger: Ledger, sealing: SealingHalf | None, projecting: ProjectingHalf | None
) -> Engine:
    return Engine(
        sealing=sealing,
        projecting=projecting,
        log=ledger.log,
        reached=ledger.projected,
        after=lambda: None,
    )


def _hang(ledger: Ledger, engine: Engine, *, stall_after_s: float) -> None:
    def told(_done: Round) -> None:
        (ledger.settings.directory / "hanging").touch()

    end = end_process(ledger, as_json=True)
    with watched(ledger, engine, stall_after_s=stall_after_s, end=end):
        engine.run(Stop(), told)


# --- the tests ------------------------------------------------------------------------


@pytest.fixture
def processes(cli_ledger: CliLedger, tmp_path: Path) -> Iterator[Commands]:
    cli_ledger.json("status")  # catches up
    made = Commands(cli_ledger.directory, tmp_path)
    yield made
    for running in made.started:
        with suppress(ValueError):  # closed: it ended long ago
            running.kill()
    (cli_ledger.directory / "hanging").unlink(missing_ok=True)


def _wait_until_it_works(directory: Path) -> None:
    pause = threading.Event()
    while not (directory / "hanging").exists():
        pause.wait(0.02)


def _publish(ledger: CliLedger) -> str:
    """Publishes a license and waits for nothing; its identifier."""
    draft = draft_of(ledger)
    with open_ledger(settings_of(ledger.directory)) as opened:
        signers = opened.signers()
        event = opened.draft(draft, signers)
        opened.publish([sign(event, signers, partitions=opened.partitions)])
    return draft.license_id


@pytest.mark.parametrize("work", [hanging_projector, hanging_sealer])
def test_a_process_that_hangs_says_so_and_ends(
    cli_ledger: CliLedger, processes: Commands, work: object
) -> None:
    running = processes.call(_short, work, cli_ledger.directory)
    _wait_until_it_works(cli_ledger.directory)
    license_id = _publish(cli_ledger)
    ended = running.end()
    assert ended.code == 4, ended
    error = ended.document["error"]
    assert error["family"] == "unavailable"
    assert error["reason"] == "this process makes no progress"
    assert error["where"].startswith("events-")
    assert error["found"] == "1 waiting"
    # Its locks ended with it.
    assert cli_ledger.json("show", license_id)["state"] == "VALID"


def _short(work: object, directory: Path) -> None:
    assert callable(work)
    work(directory, stall_after_s=1.0)


def _unwatched(work: object, directory: Path) -> None:
    assert callable(work)
    work(directory, stall_after_s=0.0)


def test_who_stands_by_is_healthy_whatever_the_owner_does(
    cli_ledger: CliLedger, processes: Commands
) -> None:
    owner = processes.call(_unwatched, hanging_projector, cli_ledger.directory)
    _wait_until_it_works(cli_ledger.directory)
    license_id = _publish(cli_ledger)
    with open_ledger(settings_of(cli_ledger.directory)) as ledger:
        idle = ledger.engine.only(seal=False, sources=source_names(ledger.partitions))
        watch = Watch(ledger, idle, stall_after_s=1.0)
        assert [watch.look(60.0 * n) for n in range(5)] == [None] * 5
        owner.kill()
        owner.end()
        until(partial(_takes_all, idle))  # PostgreSQL has to notice that it is gone
        with idle.held() as whole:
            assert whole
            assert [watch.look(60.0 * n) for n in range(2)] == [None] * 2
            stall = watch.look(120.0)
            assert stall is not None
            assert (stall.since, list(stall.behind.values())) == (60.0, [1])
            idle.rest()
            assert [watch.look(60.0 * n) for n in range(2, 6)] == [None] * 4
        watch.close()
    assert cli_ledger.json("show", license_id)["state"] == "VALID"


def _takes_all(engine: Engine) -> bool:
    with engine.held() as whole:
        return whole


@pytest.mark.parametrize("seal", [True, False])
def test_a_watch_whose_connection_is_lost_makes_a_new_one(
    cli_ledger: CliLedger, *, seal: bool
) -> None:
    with open_ledger(settings_of(cli_ledger.directory)) as ledger:
        sources = () if seal else source_names(ledger.partitions)
        part = ledger.engine.only(seal=seal, sources=sources)
        with part.held():
            watch = Watch(ledger, part, stall_after_s=1.0)
            before = watch._conn
            before.close()
            assert watch.look(0.0) is None
            assert watch._conn is not before
            assert watch.look(1.0) is None
        watch.close()
