"""Topics are made as a ledger needs them, and nothing starts on others."""

from __future__ import annotations

import dataclasses

import pytest
from kafka.admin import ConfigResource

from deploy.kafka.ports import free_ports
from ledger.errors import Malformed, Unavailable, Untrusted
from ledger.log.kafka_rules import wanted_topics
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.kafka_topics import (
    assert_source,
    assert_topics,
    create_source,
    create_topics,
    delete_source,
    delete_topics,
)
from tests.deploy.waiting import until
from tests.ledger.log.foreign import administering, delete_before, send
from tests.ledger.log.logs import kafka_place
from tests.ledger.log.topic_states import SOURCES, described, make, refused, set_on

pytestmark = pytest.mark.kafka

ONCE = ()


@pytest.fixture
def place(kafka_broker: str, topics: str) -> KafkaPlace:
    return kafka_place(kafka_broker, topics)


@pytest.fixture
def spread(kafka_cluster: str, topics: str) -> KafkaPlace:
    return kafka_place(kafka_cluster, topics)


def test_topics_are_made_with_three_copies_and_pass(spread: KafkaPlace) -> None:
    create_topics(spread, SOURCES)
    assert described(spread) == {
        "registry": (1, {3}),
        "seals": (1, {3}),
        "events": (3, {3}),
        "clock": (1, {3}),
    }
    assert_topics(spread, SOURCES)


def test_settings_are_those_that_nothing_is_lost_with(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    events = f"{place.prefix}.events"
    clock = f"{place.prefix}.clock"
    with administering(place) as admin:
        resources = [ConfigResource("topic", name) for name in (events, clock)]
        shown = admin.describe_configs(resources)["topic"]
    own = {
        name: {
            setting: one["value"]
            for setting, one in settings.items()
            if one["config_source"] == "DYNAMIC_TOPIC_CONFIG"
        }
        for name, settings in shown.items()
    }
    assert own[events] == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "compression.type": "uncompressed",
        "max.message.bytes": "1048576",
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": "1",
    }
    assert own[clock] == {**own[events], "retention.ms": "3600000"}


def test_one_broker_must_be_asked_for_by_name(kafka_broker: str, topics: str) -> None:
    place = KafkaPlace(bootstrap=tuple(kafka_broker.split(",")), prefix=topics)
    with pytest.raises(Unavailable) as raised:
        create_topics(place, SOURCES)
    assert "single_broker" in raised.value.expected
    assert raised.value.found == "1"
    assert described(place) == {}


def test_interrupted_creation_is_finished(place: KafkaPlace) -> None:
    create_topics(place, ["registry"])
    create_topics(place, SOURCES)
    create_topics(place, SOURCES)
    assert_topics(place, SOURCES)


def test_topics_that_an_administrator_made_are_taken(place: KafkaPlace) -> None:
    with administering(place) as admin:
        for topic, partitions in wanted_topics(place, SOURCES).items():
            make(admin, place, topic.removeprefix(f"{place.prefix}."), partitions)
    create_topics(place, SOURCES)
    assert_topics(place, SOURCES)


def test_topics_that_hold_records_are_not_taken(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    send(place, "events-1", b"somebody was here")
    with pytest.raises(Malformed) as raised:
        create_topics(place, SOURCES)
    assert raised.value.found == (
        f"{place.prefix}.events, partition 1: 1 offsets taken"
    )
    assert_topics(place, SOURCES)


def test_wrong_topic_found_at_the_founding_stops_it_before_any_is_made(
    place: KafkaPlace,
) -> None:
    with administering(place) as admin:
        make(admin, place, "seals", 1, retention_ms="1000")
    with pytest.raises(Malformed, match=r"retention\.ms=1000, expected -1"):
        create_topics(place, SOURCES)
    assert set(described(place)) == {"seals"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"retention_ms": "604800000"}, "retention.ms=604800000, expected -1"),
        ({"retention_bytes": "1000000"}, "retention.bytes=1000000, expected -1"),
        ({"compression_type": "zstd"}, "compression.type=zstd, expected uncompressed"),
        ({"max_message_bytes": "999"}, "max.message.bytes=999, expected 1048576"),
        (
            {"message_timestamp_type": "CreateTime"},
            "message.timestamp.type=CreateTime, expected LogAppendTime",
        ),
        (
            {"unclean_leader_election_enable": "true"},
            "unclean.leader.election.enable=true, expected false",
        ),
        ({"cleanup_policy": "compact"}, "cleanup.policy=compact, expected delete"),
        (
            {"cleanup_policy": "compact,delete"},
            "cleanup.policy=compact,delete, expected delete",
        ),
        (
            {"local_retention_ms": "5", "retention_ms": "10"},
            "local.retention.ms=5, expected -2",
        ),
    ],
)
def test_each_wrong_setting_is_named(
    place: KafkaPlace, settings: dict[str, str], said: str
) -> None:
    create_topics(place, SOURCES)
    set_on(place, "registry", **settings)
    error = refused(place, saying=said)
    assert isinstance(error, Malformed)
    assert f"{place.prefix}.registry: {said}" in error.found.split("; ")


def test_too_few_copies_in_sync_are_refused_and_more_are_welcome(
    spread: KafkaPlace,
) -> None:
    create_topics(spread, SOURCES)
    set_on(spread, "events", min_insync_replicas="3")
    assert_topics(spread, SOURCES)
    set_on(spread, "events", min_insync_replicas="1")
    error = refused(spread, saying="min.insync.replicas=1")
    assert error.found == f"{spread.prefix}.events: min.insync.replicas=1, expected 2"
    # Nothing could ever be acknowledged.
    set_on(spread, "events", min_insync_replicas="4")
    refused(spread, saying="min.insync.replicas=4, expected 2")


def test_ledger_for_trying_out_may_lie_on_three_brokers(spread: KafkaPlace) -> None:
    create_topics(spread, SOURCES)
    assert_topics(dataclasses.replace(spread, single_broker=True), SOURCES)


def test_topics_with_one_copy_are_not_for_a_ledger_that_counts(
    spread: KafkaPlace,
) -> None:
    create_topics(dataclasses.replace(spread, single_broker=True), SOURCES)
    found = refused(spread).found
    assert f"{spread.prefix}.events, partition 2: replication factor 1" in found
    assert f"{spread.prefix}.seals: min.insync.replicas=1, expected 2" in found


def test_setting_that_only_the_broker_gives_is_not_believed(place: KafkaPlace) -> None:
    with administering(place) as admin:
        make(admin, place, "seals", 1, unclean_leader_election_enable=None)
    create_topics(place, [source for source in SOURCES if source != "seals"])
    assert refused(place).found == (
        f"{place.prefix}.seals: unclean.leader.election.enable=false is a default of "
        "the broker asked, expected it set on the topic"
    )


def test_all_that_is_wrong_stands_in_one_message(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    set_on(place, "registry", retention_ms="1000")
    set_on(place, "events", compression_type="gzip")
    error = refused(place, *SOURCES, "events-3", "events-1.1", saying="gzip")
    assert error.found.split("; ") == [
        f"{place.prefix}.registry: retention.ms=1000, expected -1",
        f"{place.prefix}.events: 3 partitions, expected 4",
        f"{place.prefix}.events: compression.type=gzip, expected uncompressed",
        f"{place.prefix}.events-1.1 is missing",
    ]


def test_more_partitions_than_the_ledger_has_are_refused(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    assert f"{place.prefix}.events: 3 partitions, expected 2" in (
        refused(place, "registry", "events-0", "events-1", "seals").found
    )


@pytest.mark.parametrize("source", ["registry", "events-2", "seals"])
def test_log_that_starts_after_offset_0_is_not_trusted(
    place: KafkaPlace, source: str
) -> None:
    create_topics(place, SOURCES)
    for record in (b"a", b"b"):
        send(place, source, record)
    delete_before(place, source, 1)
    error = refused(place, saying="offset 1")
    topic, number = place.partition_of(source)
    assert isinstance(error, Untrusted)
    assert error.found == (
        f"{source} ({topic}, partition {number}) starts at offset 1, expected 0"
    )
    # All records gone: it ends where it starts.
    delete_before(place, source, 2)
    refused(place, saying="starts at offset 2")


def test_log_that_was_compacted_is_not_trusted_once_it_holds_records(
    place: KafkaPlace,
) -> None:
    create_topics(place, SOURCES)
    send(place, "events-0", b"a", key=b"k")
    set_on(place, "events", cleanup_policy="compact", retention_ms="5")
    error = refused(place, saying="cleanup.policy=compact")
    assert isinstance(error, Untrusted)
    assert "retention.ms=5" in error.found


def test_clock_forgets_and_that_is_right(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    topic, number = place.clock
    with administering(place) as admin:
        assert number == 0
        admin.alter_configs([ConfigResource("topic", topic, {"retention.ms": "-1"})])
    refused(place, saying="retention.ms=-1, expected 3600000")


def test_successor_of_a_source_has_a_topic_of_its_own(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    send(place, "events-1", b"a")
    create_source(place, "events-1.1")
    create_source(place, "events-1.1")
    assert_source(place, "events-1.1")
    succeeded = [s for s in SOURCES if s != "events-1"]
    assert_topics(place, [*succeeded, "events-1.1"])
    # The damaged one may have lost what it had.
    delete_before(place, "events-1", 1)
    assert_topics(place, [*succeeded, "events-1.1"])
    delete_source(place, "events-1.1")
    refused(place, *succeeded, "events-1.1", saying="events-1.1 is missing")
    with pytest.raises(Malformed, match=r"events-1\.1 is missing"):
        assert_source(place, "events-1.1")


def test_partition_of_events_is_no_topic_of_its_own(place: KafkaPlace) -> None:
    with pytest.raises(Malformed, match="a topic of its own"):
        create_source(place, "events-3")


def test_founding_that_failed_takes_its_topics_with_it(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    delete_topics(place, SOURCES)
    delete_topics(place, SOURCES)
    until(lambda: not described(place))  # Kafka deletes when it comes to it
    assert described(place) == {}


def test_nobody_at_the_address_is_unavailable(topics: str) -> None:
    (port,) = free_ports(1)
    place = KafkaPlace(bootstrap=(f"127.0.0.1:{port}",), prefix=topics)
    for ask in (assert_topics, create_topics, delete_topics):
        with pytest.raises(Unavailable) as raised:
            ask(place, SOURCES, pauses_s=ONCE)
        assert raised.value.reason == "Kafka did not answer"
        assert f"nobody speaks PLAINTEXT at 127.0.0.1:{port}" in raised.value.found
