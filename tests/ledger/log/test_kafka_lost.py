"""Where a topic lost records, was made again, or has markers where records are known."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest

from ledger.errors import Untrusted
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.kafka_topics import create_topics
from ledger.log.offset_gaps import Gap, MemoryGaps
from tests.ledger.log.foreign import (
    delete_before,
    delete_topic,
    transactions,
)
from tests.ledger.log.logs import SOURCES, kafka_place
from tests.ledger.log.sealed_gaps import SealedGaps

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


def test_what_is_known_is_not_scanned_again(place: KafkaPlace, log: KafkaLog) -> None:
    with transactions(place) as foreign:
        foreign.write("events-0", [b"a", b"b"], commit=True)
        foreign.write("events-0", [b"c"], commit=False)
    log.append("events-0", [b"d", b"e"])
    gaps = MemoryGaps()
    first = log_at(place, gaps=gaps)
    assert first.ends() == {"events-0": 5}
    first.close()
    assert gaps.known("events-0")[1] == [Gap(2, 3), Gap(3, 5)]
    fresh = log_at(place, gaps=SealedGaps({"events-0": 4}, gaps))
    assert read_all(fresh, "events-0", 4) == [b"e"]
    assert [scan.window.first for scan in fresh._scans.values()] == [4]
    assert read_all(fresh, "events-0", 1) == [b"b", b"c", b"d", b"e"]
    assert fresh.ends() == {"events-0": 5}
    fresh.close()


def test_expired_records_are_missed_at_the_start(
    place: KafkaPlace, log: KafkaLog
) -> None:
    log.append("events-0", [b"a", b"b", b"c"])
    assert log.start("events-0") == 0
    delete_before(place, "events-0", 2)
    assert log.start("events-0") == 2
    fresh = log_at(place, patience_s=LONG_S)
    assert fresh.start("events-0") == 1  # nothing is known of what lay before
    with pytest.raises(Untrusted, match="offset 0") as caught:
        fresh.ends()
    assert caught.value.found == "offsets 2 to 3"
    assert caught.value.where == "events-0"
    fresh.close()


def test_sealed_records_that_expired_are_not_asked_for(
    place: KafkaPlace, log: KafkaLog
) -> None:
    log.append("events-0", [b"a", b"b", b"c"])
    delete_before(place, "events-0", 2)
    fresh = log_at(place, gaps=SealedGaps({"events-0": 2}))
    assert fresh.start("events-0") == 2
    assert fresh.ends() == {"events-0": 3}
    assert read_all(fresh, "events-0", 2) == [b"c"]
    with pytest.raises(Untrusted, match="offsets 2 to 3"):
        read_all(fresh, "events-0", 1)
    fresh.close()


def test_topic_that_ends_before_what_is_sealed_says_so(
    place: KafkaPlace, log: KafkaLog
) -> None:
    gaps = MemoryGaps()
    gaps.note("events-0", Gap(1, 2))
    with transactions(place) as foreign:
        foreign.write("events-0", [b"a"], commit=True)
    log.append("events-0", [b"b"])
    fresh = log_at(place, gaps=SealedGaps({"events-0": 5}, gaps), patience_s=1.0)
    assert fresh.ends() == {"events-0": 2}
    assert read_all(fresh, "events-0") == [b"a", b"b"]
    fresh.close()


def test_topic_made_again_is_untrusted_to_who_read_the_old_one(
    place: KafkaPlace, log: KafkaLog
) -> None:
    log.append("seals", [b"a", b"b", b"c"])
    assert log.ends() == {"seals": 3}
    delete_topic(place, "seals")
    create_topics(place, SOURCES)
    other = log_at(place)
    other.append("seals", [b"x", b"y", b"z"])
    with pytest.raises(Untrusted, match="Kafka no longer holds what was read"):
        wait_for_ends(log, {"seals": 0})
    other.close()


def wait_for_ends(log: KafkaLog, ends: Mapping[str, int]) -> None:
    """Asks until the client has learnt of the change, a minute at most."""
    end = time.monotonic() + LONG_S
    while log.ends() != ends and time.monotonic() < end:
        log.wait(0.1)


@pytest.mark.parametrize(
    ("known", "read_from", "words"),
    [
        (5, 1, r"a record is not where it was.*offset 4.*offset 3.*record 3"),
        (4, 3, r"a record is not where it was.*offset 4.*offset 3.*record 3"),
        (3, 3, r"a record of the log has moved.*offset 4.*offset 3.*record 3"),
    ],
)
def test_topic_made_again_is_untrusted_where_markers_lay_before(
    place: KafkaPlace, log: KafkaLog, known: int, read_from: int, words: str
) -> None:
    records = [b"a", b"b", b"c", b"d", b"e", b"f"]
    log.append("events-0", records)
    gaps = MemoryGaps()
    gaps.note("events-0", Gap(3, 4))  # a marker lay at offset 3
    fresh = log_at(place, gaps=SealedGaps({"events-0": known}, gaps), patience_s=1.0)
    assert fresh.read("events-0", 0, limit=3, size_max=ALL) == records[:3]
    with pytest.raises(Untrusted, match=words):
        fresh.read("events-0", read_from, limit=ALL, size_max=ALL)
    fresh.close()
