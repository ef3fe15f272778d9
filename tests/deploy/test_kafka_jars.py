"""What runs Kafka: the pinned jars and nothing else, and a Java that is new enough."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.kafka import KafkaUnavailable, resolve
from deploy.kafka.jars import cache_folder
from deploy.kafka.java import java, system_java
from deploy.kafka.ports import HOST, free_ports
from tests.fix_kafka import kafka_needed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def nowhere() -> str:
    """The address of a server that is not there."""
    return f"http://{HOST}:{free_ports(1)[0]}"


def test_jars_that_cannot_be_fetched_are_named_and_nothing_is_left(
    tmp_path: Path, nowhere: str
) -> None:
    with pytest.raises(KafkaUnavailable, match=r"kafka_2\.13:4\.3\.1"):
        resolve(tmp_path / "jars", repository=nowhere)
    assert [one.name for one in tmp_path.iterdir()] == ["jars.lock"]


@pytest.mark.kafka
def test_only_a_whole_cache_is_believed_and_it_needs_no_network(
    tmp_path: Path, nowhere: str
) -> None:
    with kafka_needed():
        resolve()
    jars = tmp_path / "jars"
    shutil.copytree(cache_folder(), jars)
    names = [Path(one) for one in resolve(jars, repository=nowhere).split(":")]
    assert all(one.parent == jars for one in names)
    assert "kafka-clients-4.3.1.jar" in [one.name for one in names]

    cut = jars / "kafka-clients-4.3.1.jar"
    os.truncate(cut, cut.stat().st_size - 1)
    with pytest.raises(KafkaUnavailable):
        resolve(jars, repository=nowhere)
    cut.unlink()
    with pytest.raises(KafkaUnavailable):
        resolve(jars, repository=nowhere)


def test_no_java_or_an_old_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable, match="found neither"):
        system_java(str(tmp_path))
    _java_of_version(tmp_path, "11.0.2")
    with pytest.raises(KafkaUnavailable, match=r'>= 17, found .*"11\.0\.2"'):
        system_java(str(tmp_path))
    _java_of_version(tmp_path, "17.0.9")
    assert system_java(str(tmp_path)) == tmp_path / "java"


@pytest.mark.kafka
def test_the_java_that_is_chosen_runs() -> None:
    with kafka_needed():
        chosen = java()
    assert subprocess.run([chosen, "-version"], capture_output=True).returncode == 0


def _java_of_version(folder: Path, version: str) -> None:
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)


NEEDY = """
def test_with_a_broker(kafka_broker):
    assert kafka_broker

def test_without():
    pass
"""


@pytest.mark.parametrize(
    ("required", "said"),
    [("", "1 passed, 1 skipped"), ("1", "1 passed, 1 error")],
    ids=["wished for", "required"],
)
def test_tests_without_kafka_say_why(
    tmp_path: Path, nowhere: str, required: str, said: str
) -> None:
    (tmp_path / "conftest.py").touch()
    (tmp_path / "test_needy.py").write_text(NEEDY)
    asked = [sys.executable, "-m", "pytest", "-ra", "-p", "tests.fix_kafka", "."]
    done = subprocess.run(
        [*asked, "--rootdir", str(tmp_path), "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "HTTPS_PROXY": nowhere,
            "https_proxy": nowhere,
            "NO_PROXY": "",
            "no_proxy": "",
            "LICENSE_LEDGER_TEST_KAFKA": "",
            "LICENSE_LEDGER_REQUIRE_KAFKA": required,
        },
        capture_output=True,
        text=True,
    )
    assert said in done.stdout, done.stdout + done.stderr
    assert "expected Kafka's jars org.apache.kafka" in done.stdout
    assert done.returncode == (1 if required else 0)
