"""How topics and their settings are asked for, and what the brokers say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any, Final, TypeVar

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import (
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from ledger.errors import Unavailable
from ledger.log.kafka_client import opened, options, refusal, unavailable
from ledger.log.kafka_rules import Replicas, Setting, Topic
from ledger.log.kafka_settings import KafkaPlace

T = TypeVar("T")

_EARLIEST: Final = -2
_LATEST: Final = -1
_OWN: Final = "DYNAMIC_TOPIC_CONFIG"
_OPTIONS: Final = frozenset(KafkaAdminClient.DEFAULT_CONFIG)


def described(
    admin: KafkaAdminClient, place: KafkaPlace, names: Sequence[str]
) -> dict[str, Topic]:
    """The topics among these that exist."""
    shown = {
        topic["name"]: topic["partitions"]
        for topic in admin.describe_topics(list(names))
        if _exists(place, topic)
    }
    if not shown:
        return {}
    partitions = [
        TopicPartition(name, one["partition_index"])
        for name, topic in shown.items()
        for one in topic
    ]
    firsts = admin.list_partition_offsets(dict.fromkeys(partitions, _EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, _LATEST))
    settings = _settings(admin, place, shown)
    return {
        name: Topic(
            replicas={
                one["partition_index"]: Replicas(
                    total=len(one["replica_nodes"]),
                    in_sync=len(one["isr_nodes"]),
                    led=one["leader_id"] >= 0,
                )
                for one in topic
            },
            settings=settings[name],
            offsets={
                one.partition: (firsts[one].offset, ends[one].offset)
                for one in partitions
                if one.topic == name
            },
        )
        for name, topic in shown.items()
    }


def _exists(place: KafkaPlace, topic: Mapping[str, Any]) -> bool:
    if not topic["error_code"]:
        return True
    error = for_code(topic["error_code"])
    if error is TopicAuthorizationFailedError:
        raise _forbidden(place, "Describe", [topic["name"]])
    if error is not UnknownTopicOrPartitionError:
        raise error(topic["name"])
    return False


def _settings(
    admin: KafkaAdminClient, place: KafkaPlace, names: Iterable[str]
) -> dict[str, dict[str, Setting]]:
    """What is in effect. The client passes over an error and shows no settings then."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    shown = admin.describe_configs(asked, config_filter="all")["topic"]
    if hidden := sorted(name for name in names if not shown.get(name)):
        raise _forbidden(place, "DescribeConfigs", hidden)
    return {
        topic: {
            name: Setting(str(one["value"]), own=one["config_source"] == _OWN)
            for name, one in settings.items()
        }
        for topic, settings in shown.items()
    }


def _forbidden(place: KafkaPlace, right: str, topics: Sequence[str]) -> Unavailable:
    return Unavailable(
        "Kafka does not permit this",
        code="kafka_forbids",
        expected=f"{place.security.username or 'the client'} to have the right {right}",
        where=f"topics {', '.join(topics)}",
    )


def asked(
    place: KafkaPlace,
    where: str,
    pauses_s: Sequence[float],
    question: Callable[[KafkaAdminClient], T],
) -> T:
    """The answer; each try has a connection of its own, ``pauses_s`` between them.

    Raises Unavailable: at once when Kafka refuses, else after the last try.
    """
    for pause_s in (*pauses_s, None):
        try:
            with _admin(place) as admin:
                return question(admin)
        except (KafkaError, OSError) as error:
            if (refused := refusal(place, error, where)) is not None:
                raise refused from error
            if pause_s is None:
                raise unavailable(error, where) from error
        Event().wait(pause_s)
    raise AssertionError("the last try returns or raises")


@contextmanager
def _admin(place: KafkaPlace) -> Iterator[KafkaAdminClient]:
    given = options(place)
    known = {name: given[name] for name in given if name in _OPTIONS}
    client = opened(KafkaAdminClient, known)
    try:
        yield client.face
    finally:
        client.face.close()
