"""The starter of Kafka on a real broker: its data, its commands, and who it kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from deploy.kafka import KafkaUnavailable, LocalKafka, java, resolve
from deploy.kafka.ports import HOST, answers, free_ports
from tests.deploy.waiting import until
from tests.fix_kafka import kafka_needed, own_kafka

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.usefixtures("what_runs_kafka"),
]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def what_runs_kafka() -> None:
    with kafka_needed():
        java()
        resolve()


def test_a_killed_broker_starts_again_with_its_data_and_its_settings(
    tmp_path: Path,
) -> None:
    # Not missed for long, the broker need not wait until it may register again.
    impatient = {
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }
    account = "SCRAM-SHA-256=[name=ada,password=not-a-secret]"
    with own_kafka(
        tmp_path,
        nodes=1,
        settings=impatient,
        of_node={
            0: {"log.dirs": str(tmp_path / "disk"), "log.segment.bytes": "1048576"}
        },
        format_arguments=("--add-scram", account),
    ) as kafka:
        (node,) = kafka.nodes
        place = TopicPartition("letters", 0)
        _produce(kafka.bootstrap, place.topic, [b"a", b"b"])
        first = node.pid
        node.kill()
        assert not answers(node.port)

        node.start()

        assert node.pid != first
        assert _consume(kafka.bootstrap, place, 2) == [b"a", b"b"]
        assert node.data == tmp_path / "disk"
        assert (node.data / "letters-0").is_dir()
        assert "log.segment.bytes=1048576\n" in node.settings_file.read_text()
        assert "ada" in _accounts(kafka.bootstrap)
    assert not node.running
    assert not answers(node.port)


def _produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    sent = [producer.send(topic, value, partition=0) for value in values]
    assert [one.get(timeout=30).offset for one in sent] == list(range(len(values)))
    producer.close()


def _consume(bootstrap: str, place: TopicPartition, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    consumer.assign([place])
    consumer.seek(place, 0)
    found: list[bytes] = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=1_000).values():
            found.extend(record.value for record in records)
    consumer.close()
    return found


def _accounts(bootstrap: str) -> str:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return str(admin.describe_user_scram_credentials())
    finally:
        admin.close()


class Commands:
    """``python -m deploy.kafka`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "kafka"

    def call(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "deploy.kafka", name, *options]
        return subprocess.run(
            [*asked, "--dir", str(self.folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    @property
    def pid(self) -> int:
        return int((self.state / "node-1" / "pid").read_text().split()[0])


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    given = Commands(tmp_path)
    yield given
    given.call("down")


def test_brokers_stay_up_until_they_are_told_to_go(commands: Commands) -> None:
    assert commands.call("status").returncode == 1
    started = commands.call("up", "--nodes", "1")
    assert started.returncode == 0, started.stderr
    address = started.stdout.splitlines()[-1]
    host, port = address.split(":")
    assert host == "127.0.0.1"
    assert answers(int(port))
    pid = commands.pid

    status = commands.call("status")
    assert status.returncode == 0
    assert status.stdout.splitlines() == [
        f"node 1: {address}: pid {pid}, answers",
        address,
    ]
    assert commands.call("up", "--nodes", "1").stdout.splitlines() == [address]
    assert commands.pid == pid
    other = commands.call("up", "--nodes", "3")
    assert other.returncode == 4
    assert "expected 3 node(s)" in other.stderr
    assert "found 1" in other.stderr

    os.kill(pid, signal.SIGSTOP)
    status = commands.call("status")
    assert status.returncode == 1
    assert f"pid {pid}, does not answer" in status.stdout

    os.kill(pid, signal.SIGKILL)
    until(lambda: not answers(int(port)))
    status = commands.call("status")
    assert status.returncode == 1
    assert f"node 1: {address}: stopped" in status.stdout

    again = commands.call("up", "--nodes", "1")
    assert again.stdout.splitlines() == [address], again.stderr
    pid = commands.pid
    assert "stopped 1 " in commands.call("down").stderr
    assert not psutil.pid_exists(pid)
    assert "stopped 0 " in commands.call("down").stderr


def test_a_process_that_got_the_number_of_a_broker_is_left_alone(
    commands: Commands,
) -> None:
    node = commands.state / "node-1"
    node.mkdir(parents=True)
    client, voter = free_ports(2)
    state = {"cluster_id": "A" * 22, "ports": [[client, voter]]}
    (commands.state / "cluster.json").write_text(json.dumps(state))
    with subprocess.Popen(
        [sys.executable, "-c", "input()", "kafka.Kafka"], stdin=subprocess.PIPE
    ) as stranger:
        (node / "pid").write_text(f"{stranger.pid} 0")
        status = commands.call("status")
        assert status.returncode == 1
        assert f"node 1: 127.0.0.1:{client}: stopped" in status.stdout

        assert "stopped 0 " in commands.call("down").stderr
        assert stranger.poll() is None

        kafka = LocalKafka.found(commands.state)
        assert kafka is not None
        kafka.down()
        assert stranger.poll() is None
        stranger.communicate(b"\n")
    assert stranger.returncode == 0


def test_a_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    kafka = LocalKafka(
        tmp_path, nodes=1, settings={"log.retention.check.interval.ms": "0"}
    )
    with pytest.raises(KafkaUnavailable, match=r"log\.retention\.check\.interval\.ms"):
        kafka.up()
    assert [node.running for node in kafka.nodes] == [False]


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        offered = [[taken, *free_ports(1)]]
        monkeypatch.setattr(
            "deploy.kafka.cluster.free_ports",
            lambda count: offered.pop() if offered else free_ports(count),
        )
        with LocalKafka(tmp_path, nodes=1) as kafka:
            assert not offered
            assert kafka.nodes[0].port != taken
            assert answers(kafka.nodes[0].port)


def test_a_cluster_has_no_name_that_its_tool_takes_for_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([b"\xf8" + bytes(15), b"\xfb" + bytes(15), b"\x01" + bytes(15)])
    monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID(bytes=next(drawn)))
    assert LocalKafka(tmp_path, nodes=1)._cluster_id == "AQAAAAAAAAAAAAAAAAAAAA"


def test_nodes_end_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv here: the kernel cannot be told")
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        node = psutil.Process(int(starter.stdout.readline()))
        assert node.is_running()
        starter.kill()
    until(lambda: not node.is_running() or node.status() == psutil.STATUS_ZOMBIE)


STARTER = """
import sys
from pathlib import Path
from deploy.kafka import LocalKafka
with LocalKafka(Path(sys.argv[1]), nodes=1) as kafka:
    print(kafka.nodes[0].pid, flush=True)
    input()
"""
