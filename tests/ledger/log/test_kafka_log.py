"""The log on Kafka beyond what every log must do: memory, healing, late topics."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import Malformed, Unavailable, Unknown
from ledger.log.contract import RECORD_SIZE_MAX
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_producer import KafkaAppender
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.kafka_topics import create_topics
from ledger.log.offset_gaps import MemoryGaps
from tests.fix_kafka import own_kafka
from tests.ledger.log.foreign import (
    administering,
    delete_topic,
    transactions,
)
from tests.ledger.log.logs import SOURCES, kafka_place

pytestmark = pytest.mark.kafka

ALL = 1_000_000_000
LONG_S = 60.0


@pytest.fixture
def place(kafka_broker: str, topics: str) -> KafkaPlace:
    place = kafka_place(kafka_broker, topics)
    create_topics(place, SOURCES)
    return place


@pytest.fixture
def log(place: KafkaPlace) -> Iterator[KafkaLog]:
    log = log_at(place)
    yield log
    log.close()


def log_at(place: KafkaPlace, **given: object) -> KafkaLog:
    arguments: dict[str, object] = {"gaps": MemoryGaps(), "monotonic": time.monotonic}
    return KafkaLog(place, **{**arguments, **given})  # type: ignore[arg-type]


def read_all(log: KafkaLog, source: str, start: int = 0) -> list[bytes]:
    return log.read(source, start, limit=ALL, size_max=ALL)


def test_what_memory_does_not_hold_is_read_again(
    place: KafkaPlace, log: KafkaLog
) -> None:
    records = [bytes([n % 251]) * 40_000 for n in range(200)]
    log.append_all({"events-0": records, "events-1": records[::-1]})
    small = log_at(place, windows_max=0)
    assert small.ends() == {"events-0": 200, "events-1": 200}
    held = [scan.window for scan in small._scans.values()]
    assert sum(window._size for window in held) <= len(held) * (1 << 20) + 80_000
    assert read_all(small, "events-0") == records
    assert read_all(small, "events-1", 3) == records[::-1][3:]
    small.close()


@pytest.mark.parametrize("seed", range(3))
def test_sources_are_read_in_any_order_and_at_any_place(
    place: KafkaPlace, log: KafkaLog, seed: int
) -> None:
    chance = random.Random(seed)
    small = log_at(place, windows_max=0)
    model: dict[str, list[bytes]] = {"events-0": [], "events-1": []}
    with transactions(place) as foreign:
        for _ in range(30):
            source = chance.choice(list(model))
            records = [chance.randbytes(chance.randrange(90_000)) for _ in range(3)]
            writer = chance.choice([log, small, None])
            if writer is None:
                foreign.write(source, records, commit=chance.random() < 0.5)
            else:
                first = len(model[source])
                assert writer.append(source, records) == [first, first + 1, first + 2]
            model[source] += records
            for reader in (log, small):
                source = chance.choice(list(model))
                start = chance.randrange(len(model[source]) + 2)
                limit = chance.randrange(1, 9)
                page = reader.read(source, start, limit=limit, size_max=ALL)
                assert page == model[source][start : start + limit]
    ends = {source: len(held) for source, held in model.items() if held}
    assert log.ends() == small.ends() == ends
    small.close()


def test_broker_tells_the_time(log: KafkaLog) -> None:
    before = time.time_ns() // 1_000_000 * 1_000
    told = log.clock()
    assert told is not None
    assert before <= told <= time.time_ns() // 1_000
    assert log.ends() == {}


def test_without_its_topic_there_is_no_clock(place: KafkaPlace, log: KafkaLog) -> None:
    delete_topic(place, "clock")
    assert log.clock() is None
    assert log.clock() is None
    with administering(place) as admin:
        assert place.clock.topic not in admin.list_topics()


def test_source_that_comes_later_is_found(place: KafkaPlace) -> None:
    late = [0.0]
    log = log_at(place, monotonic=lambda: time.monotonic() + late[0])
    log.append("events-1", [b"a"])
    with pytest.raises(Unknown, match="events-2"):
        log.read("events-2", 0, limit=1, size_max=1)
    create_topics(place, ["registry.1"])
    assert log.append("registry.1", [b"b"]) == [0]
    other = log_at(place)
    create_topics(place, ["registry.2"])
    other.append("registry.2", [b"c"])
    late[0] = LONG_S
    assert log.ends() == {"events-1": 1, "registry.1": 1, "registry.2": 1}
    log.close()
    other.close()


def test_log_of_some_sources_knows_no_other(place: KafkaPlace, log: KafkaLog) -> None:
    log.append_all({"events-0": [b"a"], "events-1": [b"b"]})
    some = log_at(place, sources=["events-1", "seals"])
    assert some.ends() == {"events-1": 1}
    with pytest.raises(Unknown, match="events-0"):
        read_all(some, "events-0")
    with pytest.raises(Unknown, match="events-0"):
        some.append("events-0", [b"c"])
    assert log.ends() == {"events-0": 1, "events-1": 1}
    some.close()


def test_department_appends_with_nothing_but_a_producer(
    place: KafkaPlace, log: KafkaLog
) -> None:
    appender = KafkaAppender(place, monotonic=time.monotonic)
    assert appender.append("events-1", [b"a", b"b"]) == [
        ("events-1", 0),
        ("events-1", 1),
    ]
    assert appender.append_all({"events-0": [b"c"], "events-1": [b"d"]}) == {
        "events-0": [0],
        "events-1": [2],
    }
    with pytest.raises(Unknown, match="events-7"):
        appender.append_all({"events-0": [b"x"], "events-7": [b"y"]})
    with pytest.raises(Malformed, match="too large"):
        appender.append("events-0", [b"x", bytes(RECORD_SIZE_MAX + 1)])
    with pytest.raises(Malformed, match="nothing"):
        appender.append("events-0", [])
    appender.close()
    assert read_all(log, "events-0") == [b"c"]
    assert read_all(log, "events-1") == [b"a", b"b", b"d"]


def test_topic_that_is_missing_is_unknown_and_not_made(
    kafka_broker: str, topics: str
) -> None:
    place = kafka_place(kafka_broker, topics)
    appender = KafkaAppender(place, monotonic=time.monotonic)
    log = log_at(place)
    with pytest.raises(Unknown, match="events-0"):
        appender.append("events-0", [b"a"])
    with pytest.raises(Unknown, match="events-0"):
        log.append("events-0", [b"a"])
    assert log.ends() == {}
    with administering(place) as admin:
        assert not [topic for topic in admin.list_topics() if topics in topic]
    appender.close()
    log.close()


def test_wait_ends_when_something_else_has_happened(place: KafkaPlace) -> None:
    answers = [True, False, False]
    log = log_at(place, woken=answers.pop)
    log.wait(LONG_S)
    assert answers == []
    log.close()


def test_wait_is_not_ended_by_what_the_caller_was_told(
    place: KafkaPlace, log: KafkaLog
) -> None:
    answers = [True, False]
    reader = log_at(place, woken=answers.pop)
    log.append("events-0", [b"a"])
    assert reader.ends() == {"events-0": 1}
    reader.append("events-0", [b"b"])
    reader.wait(0.0)
    assert answers == [True]
    log.append("events-0", [b"c"])
    assert read_all(reader, "events-1") == []
    reader.wait(LONG_S)
    assert read_all(reader, "events-0") == [b"a", b"b", b"c"]
    reader.close()


def test_nobody_answers_where_no_broker_is(topics: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = kafka_place(f"127.0.0.1:{free.getsockname()[1]}", topics)
        before = set(threading.enumerate())
        log = log_at(place, patience_s=0.2)
        for call in (
            lambda: log.append("events-0", [b"a"]),
            lambda: read_all(log, "events-0"),
            lambda: log.start("events-0"),
            log.ends,
            log.clock,
            lambda: log.wait(0.0),
        ):
            with pytest.raises(Unavailable, match="Kafka did not answer"):
                call()
        log.close()
        assert set(threading.enumerate()) <= before


def test_log_outlives_its_broker(tmp_path: Path, topics: str) -> None:
    with own_kafka(tmp_path, nodes=1) as kafka:
        place = kafka_place(kafka.bootstrap, topics)
        create_topics(place, SOURCES)
        before = set(threading.enumerate())
        log = log_at(place, patience_s=1.0)
        assert log.append("events-0", [b"a", b"b"]) == [0, 1]
        assert log.ends() == {"events-0": 2}
        for end, begin in ((0, 1), (2, 3)):
            node = kafka.nodes[0]
            (node.kill, node.start, node.pause, node.resume)[end]()
            for call in (
                lambda: log.append("events-1", [b"c", b"d"]),
                lambda: read_all(log, "events-0"),
                log.ends,
                log.clock,
                lambda: log.wait(0.0),
            ):
                with pytest.raises(Unavailable):
                    call()
            (node.kill, node.start, node.pause, node.resume)[begin]()
            # The brokers may have taken what they did not acknowledge: never half of it.
            again = appended(log, "events-1", [b"c", b"d"])
            held = read_all(log, "events-1")
            assert [held[n] for n in again] == [b"c", b"d"]
            assert set(held) == {b"c", b"d"}
            assert held.index(b"c") < held.index(b"d")
            assert read_all(log, "events-0") == [b"a", b"b"]
            assert log.ends() == {"events-0": 2, "events-1": len(held)}
        kafka.nodes[0].pause()
        log.close()
        assert set(threading.enumerate()) <= before
        kafka.nodes[0].resume()


def appended(log: KafkaLog, source: str, records: list[bytes]) -> list[int]:
    """Appends as a publisher does: again and again while nobody answers."""
    for _ in range(30):
        try:
            return log.append(source, records)
        except Unavailable:
            continue
    pytest.fail("the broker did not come back")
