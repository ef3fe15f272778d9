"""The topics of a ledger on Kafka: made with the right settings, and asserted at each start.

A topic that expires, compacts or elects an unclean leader loses records and tells nobody.
So nothing starts on one that could.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import (
    InvalidReplicationFactorError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from ledger.errors import Malformed, Unavailable, Untrusted
from ledger.log.kafka_client import opened, options, translated
from ledger.log.kafka_settings import KafkaPlace, Partition
from ledger.sources import REGISTRY, base_of

MESSAGE_BYTES_MAX: Final = 1_048_576
CLOCK_RETENTION_MS: Final = 3_600_000
READY_S: Final = 60
_EARLIEST: Final = -2
_LATEST: Final = -1

# What every topic of a ledger is told; all of it is asserted at every start.
_ALWAYS: Final[Mapping[str, str]] = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "compression.type": "uncompressed",
    "max.message.bytes": str(MESSAGE_BYTES_MAX),
    "message.timestamp.type": "LogAppendTime",
    "unclean.leader.election.enable": "false",
}
# Asserted only: a ledger's topics keep all they have on the brokers' own disks.
_NEVER: Final[Mapping[str, str]] = {"remote.storage.enable": "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topic:
    """One topic as the brokers describe it; ``offsets``: first and next, by partition."""

    replicas: Mapping[int, int]
    settings: Mapping[str, str]
    offsets: Mapping[int, tuple[int, int]]


def create_topics(place: KafkaPlace, sources: Sequence[str]) -> None:
    """Makes the topics of these sources and the one for the brokers' time.

    Topics that an administrator made before are taken when they are right and empty, and
    so a creation that was interrupted can be finished. Malformed: a topic holds records,
    or has other settings. Unavailable: too few brokers, or no answer.
    """
    with _admin(place, "creating topics") as admin:
        wanted = _wanted(place, sources)
        found = _described(admin, list(wanted))
        for name in found.keys() & wanted.keys():
            _check_empty(name, found[name])
        missing = {name: count for name, count in wanted.items() if name not in found}
        if missing:
            _create(admin, place, missing)
        assert_topics(place, sources)


def delete_topics(place: KafkaPlace, sources: Sequence[str]) -> None:
    """Deletes the topics of a founding that failed; what is gone already stays gone."""
    with _admin(place, "deleting topics") as admin:
        for name in _described(admin, list(_wanted(place, sources))):
            try:
                admin.delete_topics([name])
            except UnknownTopicOrPartitionError:
                continue


def assert_topics(place: KafkaPlace, sources: Sequence[str]) -> None:
    """Checks every topic of these sources; all that is wrong stands in one message.

    Malformed: missing topics or wrong settings. Untrusted: records at the start of a log
    are gone. Unavailable: no answer, or no permission to ask.
    """
    wanted = _wanted(place, sources)
    with _admin(place, "looking at topics") as admin:
        found = _described(admin, list(wanted))
    wrong: list[str] = []
    for name, count in wanted.items():
        if name not in found:
            wrong.append(f"{name} is missing")
        else:
            wrong += _differences(place, name, found[name], partitions=count)
    if wrong:
        raise Malformed(
            "the topics are not as a ledger needs them",
            expected="what `license-ledger init` makes",
            found="; ".join(wrong),
            where="Kafka",
        )
    for source in sources:
        partition = place.partition_of(source)
        _check_start(source, partition, found[partition.topic])


def _wanted(place: KafkaPlace, sources: Sequence[str]) -> dict[str, int]:
    """Topic -> number of partitions."""
    counts: dict[str, int] = {place.clock.topic: 1}
    for source in sources:
        names = [source]
        if base_of(source) not in (source, REGISTRY):
            names.append(base_of(source))  # succeeded, and a partition all the same
        for topic, number in map(place.partition_of, names):
            counts[topic] = max(counts.get(topic, 0), number + 1)
    return counts


def _settings(place: KafkaPlace, name: str) -> dict[str, str]:
    settings = {**_ALWAYS, "min.insync.replicas": str(place.in_sync_min)}
    if name == place.clock.topic:
        settings["retention.ms"] = str(CLOCK_RETENTION_MS)
    return settings


def _create(
    admin: KafkaAdminClient, place: KafkaPlace, topics: Mapping[str, int]
) -> None:
    made = [
        NewTopic(name, count, place.replicas, topic_configs=_settings(place, name))
        for name, count in topics.items()
    ]
    try:
        admin.create_topics(made)
        admin.wait_for_topics(list(topics), timeout_ms=READY_S * 1000)
    except TopicAlreadyExistsError as error:
        raise Unavailable(
            "somebody else makes the same topics now", where=", ".join(topics)
        ) from error
    except InvalidReplicationFactorError as error:
        raise Unavailable(
            "too few brokers for the copies that a ledger keeps",
            expected=f"{place.replicas} brokers, or --single-broker for trying it",
            found=str(len(admin.describe_cluster()["brokers"])),
        ) from error
    except KafkaTimeoutError as error:
        raise Unavailable(
            "the new topics found no leader", where=", ".join(topics)
        ) from error


def _differences(
    place: KafkaPlace, name: str, topic: _Topic, *, partitions: int
) -> Iterator[str]:
    if len(topic.replicas) != partitions:
        yield f"{name}: {len(topic.replicas)} partitions, not {partitions}"
    copies = min(topic.replicas.values(), default=0)
    if copies < place.replicas:
        yield f"{name}: replication factor {copies}, not {place.replicas}"
    expected = {**_settings(place, name), **_NEVER}
    for setting, value in expected.items():
        found = topic.settings.get(setting, "unknown")
        if setting == "min.insync.replicas" and found.isdecimal():
            if int(found) >= place.in_sync_min:
                continue
        elif found == value:
            continue
        yield f"{name}: {setting}={found}, not {value}"


def _check_start(source: str, partition: Partition, topic: _Topic) -> None:
    first, _ = topic.offsets[partition.number]
    if first:
        raise Untrusted(
            "the log has lost its first records",
            expected="offset 0",
            found=f"offset {first}",
            where=f"{source}: {partition.topic}, partition {partition.number}",
        )


def _check_empty(name: str, topic: _Topic) -> None:
    for number, (_, end) in topic.offsets.items():
        if end:
            raise Malformed(
                "a topic holds records already",
                expected="empty topics, or none",
                found=f"{end} offsets taken",
                where=f"{name}, partition {number}",
            )


def _described(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, _Topic]:
    """The topics among these that exist."""
    found = [t for t in admin.describe_topics(list(names)) if not t["error_code"]]
    if not found:
        return {}
    partitions = [
        TopicPartition(topic["name"], one["partition_index"])
        for topic in found
        for one in topic["partitions"]
    ]
    firsts = admin.list_partition_offsets(dict.fromkeys(partitions, _EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, _LATEST))
    asked = [ConfigResource(ConfigResourceType.TOPIC, t["name"]) for t in found]
    configs = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        topic["name"]: _Topic(
            replicas={
                one["partition_index"]: len(one["replica_nodes"])
                for one in topic["partitions"]
            },
            settings={k: v["value"] for k, v in configs[topic["name"]].items()},
            offsets={
                one.partition: (firsts[one].offset, ends[one].offset)
                for one in partitions
                if one.topic == topic["name"]
            },
        )
        for topic in found
    }


@contextmanager
def _admin(place: KafkaPlace, where: str) -> Iterator[KafkaAdminClient]:
    given: dict[str, Any] = options(place)
    known = {name: given[name] for name in given if name in _OPTIONS}
    with translated(place, where):
        client = opened(KafkaAdminClient, known)
        try:
            yield client.face
        finally:
            client.face.close()


_OPTIONS: Final = frozenset(KafkaAdminClient.DEFAULT_CONFIG)
