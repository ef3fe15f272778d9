"""The brokers of a test run: one cluster for all its processes, gone with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deploy.kafka import java, resolve
from deploy.kafka.ports import answers
from tests.deploy.waiting import until
from tests.fix_kafka import kafka_needed

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
NEEDY = """
import os, pathlib, time

def test_broker(kafka_broker):
    name = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    pathlib.Path(name).write_text(kafka_broker)
    while not pathlib.Path("enough").exists():
        time.sleep(0.05)
"""


class Run:
    """A test run in a folder, whose test holds on until it is told."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self.folder = folder
        (folder / "conftest.py").touch()
        (folder / "test_needy.py").write_text(NEEDY)
        (folder / "tmp").mkdir()
        asked = [sys.executable, "-m", "pytest", "-p", "tests.fix_kafka", *options]
        self.process = subprocess.Popen(
            [*asked, "--rootdir", str(folder), "-p", "no:cacheprovider", "."],
            cwd=folder,
            env={
                **{k: v for k, v in os.environ.items() if "XDIST" not in k},
                "PYTHONPATH": str(ROOT),
                "TMPDIR": str(folder / "tmp"),
                "LICENSE_LEDGER_TEST_KAFKA": "",
            },
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def address(self, name: str) -> str:
        file = self.folder / name
        until(lambda: file.exists() and bool(file.read_text()))
        return file.read_text()

    @property
    def left(self) -> list[Path]:
        """What the run's brokers leave behind."""
        return list((self.folder / "tmp").glob("license-ledger-kafka-*"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    with kafka_needed():
        java()
        resolve()
    started: list[Run] = []

    def start(*options: str) -> Run:
        started.append(Run(tmp_path, options))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait()


def test_processes_of_one_run_share_a_broker_that_ends_with_it(
    start: Callable[..., Run],
) -> None:
    run = start("-n", "2", "--dist", "each")
    address = run.address("gw0")
    assert run.address("gw1") == address
    assert answers(_port(address))
    (run.folder / "enough").touch()
    assert run.process.wait() == 0
    assert not answers(_port(address))
    assert run.left == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_cut_short_leaves_no_broker_behind(
    start: Callable[..., Run], number: signal.Signals
) -> None:
    run = start()
    port = _port(run.address("alone"))
    assert answers(port)
    run.process.send_signal(number)
    assert run.process.wait() != 0
    until(lambda: not answers(port))
    until(lambda: run.left == [])


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
