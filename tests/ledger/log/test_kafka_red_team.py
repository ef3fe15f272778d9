"""Who may write to the topics and means no good: nobody stops, and nothing is miscounted."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError

from ledger.log.contract import RECORD_SIZE_MAX
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_settings import KafkaPlace, Partition
from ledger.log.kafka_topics import create_topics
from ledger.log.offset_gaps import Gap, MemoryGaps
from ledger.seal_reader import Fork, SealReader
from ledger.signing import verify
from tests.ledger.log.foreign import administering, producing, send, transactions
from tests.ledger.log.logs import SOURCES, kafka_place
from tests.ledger.seal_maker import ORIGIN, Keys, SealMaker

pytestmark = pytest.mark.kafka

ALL = 1_000_000_000
BATCH_SIZE_MAX = 1_048_576
OpenLog = Callable[..., KafkaLog]


@pytest.fixture(params=["kafka_broker", "kafka_cluster"])
def place(request: pytest.FixtureRequest, topics: str) -> KafkaPlace:
    place = kafka_place(request.getfixturevalue(request.param), topics)
    create_topics(place, SOURCES)
    return place


@pytest.fixture
def open_log(place: KafkaPlace) -> Iterator[OpenLog]:
    opened: list[KafkaLog] = []

    def open_log(
        gaps: MemoryGaps | None = None, windows_max: int = 1 << 26
    ) -> KafkaLog:
        log = KafkaLog(
            place,
            gaps=gaps or MemoryGaps(),
            monotonic=time.monotonic,
            windows_max=windows_max,
        )
        opened.append(log)
        return log

    yield open_log
    for log in opened:
        log.close()


def read_all(log: KafkaLog, source: str) -> list[bytes]:
    return log.read(source, 0, limit=ALL, size_max=ALL)


def test_open_transaction_stops_nobody_and_counts(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    follower = open_log()
    assert follower.ends() == {}
    with transactions(place) as foreign:
        foreign.begin("events-0", [b"open", b"still open"])
        assert follower.ends() == {"events-0": 2}
        assert follower.append("events-0", [b"behind it"]) == [2]
        assert read_all(follower, "events-0") == [b"open", b"still open", b"behind it"]
        fresh = open_log()
        assert fresh.append("events-0", [b"last"]) == [3]
        foreign.end(commit=False)
    expected = [b"open", b"still open", b"behind it", b"last"]
    for log in (follower, fresh, open_log(windows_max=0)):
        assert log.ends() == {"events-0": 4}
        assert read_all(log, "events-0") == expected


def test_markers_are_no_records_wherever_they_lie(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    gaps = MemoryGaps()
    follower, expected = open_log(gaps), [b"first"]
    assert follower.append("events-0", [b"first"]) == [0]
    with transactions(place) as foreign:
        for number in range(12):
            records = [b"%d-%d" % (number, n) for n in range(number % 3 + 1)]
            foreign.write("events-0", records, commit=number % 2 == 0)
            expected += records
            if number % 4 == 0:
                # Markers at the very end: no phantom record, and none is lost behind.
                assert follower.ends() == {"events-0": len(expected)}
                assert open_log().ends() == {"events-0": len(expected)}
            if number % 5 == 0:
                assert follower.append("events-0", [b"own"]) == [len(expected)]
                expected.append(b"own")
    assert follower.ends() == {"events-0": len(expected)}
    assert follower.start("events-0") == 0
    for log in (follower, open_log(), open_log(windows_max=0)):
        assert read_all(log, "events-0") == expected
        assert log.read("events-0", 7, limit=3, size_max=ALL) == expected[7:10]
    again = MemoryGaps()
    other = open_log(again)
    assert other.append("events-0", [b"end"]) == [len(expected)]
    assert follower.ends() == other.ends() == {"events-0": len(expected) + 1}
    assert gaps.known("events-0") == again.known("events-0")


def test_partition_of_nothing_but_markers_holds_no_record(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    log = open_log()
    with transactions(place) as foreign:
        foreign.write("events-1", [b"x"], commit=False)
    assert log.ends() == {"events-1": 1}
    gaps = MemoryGaps()
    fresh = open_log(gaps)
    assert read_all(fresh, "events-1") == [b"x"]
    assert fresh.append("events-1", [b"y"]) == [1]
    assert gaps.known("events-1")[1] == [Gap(1, 2)]


def test_null_values_keys_headers_and_times_change_nothing(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    send(place, "events-0", None, key=b"tombstone")
    send(place, "events-0", b"a", key=b"tombstone", headers=[("act", b"DELETE")])
    send(place, "events-0", b"b", timestamp_ms=1)
    send(place, "events-0", b"", key=b"")
    for log in (open_log(), open_log(windows_max=0)):
        assert log.ends() == {"events-0": 4}
        assert read_all(log, "events-0") == [b"", b"a", b"b", b""]


def test_foreign_partitioner_only_chooses_where_its_records_lie(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    topic = place.partition_of("events-0").topic
    with producing(place) as producer:
        sent = [producer.send(topic, value=b"%d" % n, key=b"%d" % n) for n in range(40)]
        placed = [future.get(timeout=60) for future in sent]
    log = open_log()
    assert sum(log.ends().values()) == 40
    for number in (0, 1):
        records = read_all(log, f"events-{number}")
        own = [n for n, one in enumerate(placed) if one.partition == number]
        assert sorted(records) == sorted(b"%d" % n for n in own)


def test_whole_batches_sent_again_are_records_again(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    log = open_log()
    records = [b"%d" % n for n in range(500)]
    assert log.append("events-0", records) == [*range(500)]
    assert open_log().append("events-0", records) == [*range(500, 1_000)]
    assert log.ends() == {"events-0": 1_000}
    assert read_all(log, "events-0") == records * 2


def test_record_above_our_limit_and_below_the_topic_s_is_a_record(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    largest = bytes(BATCH_SIZE_MAX - 100)
    assert len(largest) > RECORD_SIZE_MAX
    log = open_log()
    log.append("events-0", [b"a", bytes(RECORD_SIZE_MAX)])
    send(place, "events-0", largest)
    log.append("events-0", [b"b"])
    expected = [b"a", bytes(RECORD_SIZE_MAX), largest, b"b"]
    for one in (log, open_log(windows_max=0)):
        assert read_all(one, "events-0") == expected
        assert one.read("events-0", 2, limit=1, size_max=1) == [largest]


def test_compressed_bomb_is_refused_or_stored_as_large_as_it_is(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    log = open_log()
    log.append("events-0", [b"before"])
    # 1 : 1000, and what it becomes is larger than a batch may be.
    for size, count in ((2_000_000, 1), (40_000_000, 1)):
        with pytest.raises(MessageSizeTooLargeError):
            explode(place, size=size, count=count)
    # More than a broker has memory for: it answers, and lives on.
    with pytest.raises(KafkaError):
        explode(place, size=400_000_000, count=1)
    explode(place, size=100, count=9_000)
    partition = place.partition_of("events-0")
    assert stored_size(place, partition) > 900_000
    tracemalloc.start()
    try:
        assert log.ends() == {"events-0": 9_001}
        records = log.read("events-0", 0, limit=ALL, size_max=ALL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert records == [b"before"] + [bytes(100)] * 9_000
    assert peak < 32 * 1024 * 1024
    assert log.append("events-0", [b"after"]) == [9_001]


def explode(place: KafkaPlace, *, size: int, count: int) -> None:
    """Sends zeros in one gzip batch; raises what the broker answers."""
    topic, number = place.partition_of("events-0")
    # One batch, whatever it becomes; a refused one is not tried in smaller pieces.
    with producing(
        place,
        compression_type="gzip",
        batch_size=1 << 30,
        max_request_size=1 << 30,
        linger_ms=60_000,
        delivery_timeout_ms=120_000,
    ) as producer:
        sent = [
            producer.send(topic, value=bytes(size), partition=number)
            for _ in range(count)
        ]
        producer.flush(timeout=60)
        for future in sent:
            future.get(timeout=60)


def stored_size(place: KafkaPlace, partition: Partition) -> int:
    """How many bytes a partition takes on the largest of its replicas."""
    with administering(place) as admin:
        found = json.dumps(
            admin.describe_log_dirs({partition.topic: [partition.number]})
        )
    return max(int(size) for size in re.findall(r'"partition_size": (\d+)', found))


def test_junk_and_stale_repeats_among_the_seals_are_skipped(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    maker, log = SealMaker(), open_log()
    seals = [maker.seal({"registry": 1}), maker.seal({"events-0": 2})]
    seals.append(maker.seal({"events-1": 1}))
    assert log.append("seals", [seals[0], b"junk", seals[2]]) == [0, 1, 2]
    send(place, "seals", None, key=b"junk")
    with transactions(place) as foreign:
        foreign.write("seals", [seals[0], seals[1][:-1]], commit=False)
        foreign.write("seals", [seals[1], seals[0]], commit=True)
    assert open_log().append("seals", [seals[1], seals[2]]) == [8, 9]
    reader = SealReader(origin=ORIGIN, keys=Keys(), verify=verify, seen=maker.seen)
    taken = [reader.feed(data) for data in read_all(log, "seals")]
    assert [seal for seal in taken if seal is not None] == maker.made
    assert [n for n, seal in enumerate(taken) if seal is not None] == [0, 6, 9]
    assert reader.skipped == 7


def test_second_signed_seal_of_one_number_is_a_fork(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    maker = SealMaker()
    first = maker.seal({"registry": 1})
    rival = SealMaker()
    rival.seal({"registry": 2})
    with transactions(place) as foreign:
        foreign.write("seals", [first], commit=True)
        foreign.begin("seals", [rival.seals[0]])
        reader = SealReader(origin=ORIGIN, keys=Keys(), verify=verify, seen=maker.seen)
        held = read_all(open_log(), "seals")
        assert reader.feed(held[0]) == maker.made[0]
        with pytest.raises(Fork):
            reader.feed(held[1])
        foreign.end(commit=False)
    assert read_all(open_log(), "seals") == [first, rival.seals[0]]


def test_producer_that_was_fenced_is_replaced(
    place: KafkaPlace, open_log: OpenLog
) -> None:
    log = open_log()
    assert log.append("events-0", [b"a"]) == [0]
    client = log._appender._client
    assert client is not None
    producer: KafkaProducer = client.face
    # As after a batch that got lost: its sequence numbers leave a hole from now on.
    producer._transaction_manager.increment_sequence_number(
        TopicPartition(*place.partition_of("events-0")), 5
    )
    first = log.append("events-0", [b"b", b"c"])
    held = read_all(log, "events-0")
    assert [held[n] for n in first] == [b"b", b"c"]
    assert held[0] == b"a"
    assert log.append("events-0", [b"d"]) == [len(held)]
