"""Kafka for tests: one cluster of three brokers and one single broker for a whole run.

`--test-kafka` or LICENSE_LEDGER_TEST_KAFKA names three brokers to use instead. Where no
Kafka can be had such tests skip and say why; LICENSE_LEDGER_REQUIRE_KAFKA makes that a
failure. Tests that kill brokers start their own.

The processes of one run share the brokers: who first asks for them starts their keeper
(tests/kafka_keeper.py), which ends them when the run is over, interrupted or killed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.kafka import KafkaUnavailable, LocalKafka
from tests.kafka_keeper import ALIVE, UNAVAILABLE

_FOLDER = "LICENSE_LEDGER_TEST_KAFKA_FOLDER"
_REQUIRED = "LICENSE_LEDGER_REQUIRE_KAFKA"
_ENDING_S = 60.0
_ROOT = Path(__file__).parents[1]
_alive: list[int] = []  # our end of the pipe that tells the keepers of the run's end


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--test-kafka",
        default=os.environ.get("LICENSE_LEDGER_TEST_KAFKA"),
        help="HOST:PORT,… of three Kafka brokers to test on instead of own ones",
    )

    parser.addoption(
        "--faults", action="store_true", help="run the long fault tests too"
    )


def pytest_report_header(config: pytest.Config) -> str:
    outside: str | None = config.getoption("--test-kafka")
    return f"kafka: {outside or 'own brokers, shared by the processes of this run'}"


def pytest_configure(config: pytest.Config) -> None:
    # The controller; its workers inherit the variable, but not the pipe.
    if hasattr(config, "workerinput"):
        return
    folder = Path(tempfile.mkdtemp(prefix="license-ledger-kafka-"))
    os.environ[_FOLDER] = str(folder)
    os.mkfifo(folder / ALIVE)
    # For both, so that nobody waits here for a reader.
    _alive.append(os.open(folder / ALIVE, os.O_RDWR))


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or not _alive:
        return
    folder = Path(os.environ.pop(_FOLDER))
    keepers = [int(file.read_text()) for file in folder.glob("*.pid")]
    os.close(_alive.pop())
    deadline = time.monotonic() + _ENDING_S
    while not all(map(_ended, keepers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def shared(size: int) -> str:
    """The addresses of the run's cluster of this size; whoever asks first starts it."""
    folder = Path(os.environ[_FOLDER])
    answer = folder / f"{size}.answer"
    with (folder / f"{size}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            answer.write_text(_start_keeper(folder, size))
    said = answer.read_text()
    with kafka_needed():
        if said.startswith(UNAVAILABLE):
            raise KafkaUnavailable(said.removeprefix(UNAVAILABLE))
    return said


def _start_keeper(folder: Path, size: int) -> str:
    errors = folder / f"{size}.errors"
    with errors.open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "tests.kafka_keeper", str(folder), str(size)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # closed when the brokers are up or cannot be
            stderr=log,
            start_new_session=True,  # Ctrl-C ends the run, and by that the keeper
        )
    said = done.stdout.decode().strip()
    assert said, errors.read_text()
    return said


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def kafka_needed() -> Iterator[None]:
    """Skips the test, or fails it, when no Kafka can be started here."""
    try:
        yield
    except KafkaUnavailable as error:
        if os.environ.get(_REQUIRED):
            pytest.fail(f"Kafka is required here: {error}")
        pytest.skip(f"no Kafka here: {error}")


@contextmanager
def own_kafka(folder: Path, *, nodes: int = 3, **given: object) -> Iterator[LocalKafka]:
    """Brokers of a test's own, for it to kill.

    A killed one that starts again waits until the cluster has missed it, 9 s: the
    setting broker.session.timeout.ms shortens that.
    """
    kafka = LocalKafka(folder, nodes=nodes, **given)  # type: ignore[arg-type]
    with kafka_needed():
        kafka.up()
    try:
        yield kafka
    finally:
        kafka.down()


@pytest.fixture(scope="session")
def kafka_cluster(request: pytest.FixtureRequest) -> str:
    """The addresses of three brokers."""
    outside: str | None = request.config.getoption("--test-kafka")
    return outside or shared(3)


@pytest.fixture(scope="session")
def kafka_broker(request: pytest.FixtureRequest) -> str:
    """The address of a broker that is alone, or of the brokers that were named."""
    outside: str | None = request.config.getoption("--test-kafka")
    return outside or shared(1)


@pytest.fixture
def topics() -> str:
    """A prefix for topics that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"
