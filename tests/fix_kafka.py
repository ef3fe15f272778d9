"""Kafka for tests: one cluster of three brokers and one single broker for a whole run.

`--test-kafka` or LICENSE_LEDGER_TEST_KAFKA names three brokers to use instead. Where no
Kafka can be had such tests skip and say why; LICENSE_LEDGER_REQUIRE_KAFKA makes that a
failure. Tests that kill brokers start their own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.kafka import KafkaUnavailable, LocalKafka
from deploy.kafka.__main__ import bootstrap_of, down, up

_FOLDER = "LICENSE_LEDGER_TEST_KAFKA_FOLDER"
_REQUIRED = "LICENSE_LEDGER_REQUIRE_KAFKA"
_SIZES = (1, 3)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--test-kafka",
        default=os.environ.get("LICENSE_LEDGER_TEST_KAFKA"),
        help="HOST:PORT,… of three Kafka brokers to test on instead of own ones",
    )


def pytest_report_header(config: pytest.Config) -> str:
    outside: str | None = config.getoption("--test-kafka")
    return f"kafka: {outside or 'own brokers, shared by the processes of this run'}"


def pytest_configure(config: pytest.Config) -> None:
    # The controller; its workers inherit the variable.
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="license-ledger-kafka-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or _FOLDER not in os.environ:
        return
    folder = Path(os.environ.pop(_FOLDER))
    for size in _SIZES:
        down(folder / str(size))
    shutil.rmtree(folder, ignore_errors=True)


def shared(size: int) -> str:
    """The addresses of the run's cluster of this size; whoever asks first starts it."""
    folder = Path(os.environ[_FOLDER])
    with (folder / f"{size}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with kafka_needed():
            if not bootstrap_of(folder / str(size)):
                up(folder / str(size), size)
        return bootstrap_of(folder / str(size))


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
    """Brokers of a test's own, for it to kill."""
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
def kafka_broker() -> str:
    """The address of a broker that is alone."""
    return shared(1)


@pytest.fixture
def topics() -> str:
    """A prefix for topics that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"
