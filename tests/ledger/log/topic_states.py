"""Topics as they are found: made beforehand, altered, and refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient, NewTopic

from ledger.errors import LedgerError
from ledger.log.kafka_rules import settings_of
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.kafka_topics import assert_topics
from tests.ledger.log.foreign import administering

SOURCES: Final = ("registry", "events-0", "events-1", "events-2", "seals")
TRIES: Final = 100


def described(place: KafkaPlace) -> Mapping[str, tuple[int, set[int]]]:
    """Partitions and replication factors of a ledger's topics."""
    with administering(place) as admin:
        names = [n for n in admin.list_topics() if n.startswith(f"{place.prefix}.")]
        return {
            topic["name"].removeprefix(f"{place.prefix}."): (
                len(topic["partitions"]),
                {len(one["replica_nodes"]) for one in topic["partitions"]},
            )
            for topic in admin.describe_topics(names)
        }


def set_on(place: KafkaPlace, topic: str, **settings: str) -> None:
    """Alters settings as an administrator would; ``_`` stands for a point."""
    given = {name.replace("_", "."): value for name, value in settings.items()}
    with administering(place) as admin:
        name = f"{place.prefix}.{topic}"
        admin.alter_configs([ConfigResource("topic", name, given)])


def make(
    admin: KafkaAdminClient,
    place: KafkaPlace,
    topic: str,
    partitions: int,
    **changed: str | None,
) -> None:
    """Makes a topic beforehand; a setting that is None is left to the broker."""
    name = f"{place.prefix}.{topic}"
    given = {n.replace("_", "."): value for n, value in changed.items()}
    settings = {**settings_of(place, name), **given}
    told = {n: value for n, value in settings.items() if value is not None}
    made = NewTopic(name, partitions, place.replicas, topic_configs=told)
    admin.create_topics([made], wait_for_metadata=True)


def refused(place: KafkaPlace, *sources: str, saying: str = "") -> LedgerError:
    """Why it does not start; altered settings reach the brokers a moment later."""
    found = "nothing wrong"
    for _ in range(TRIES):
        try:
            assert_topics(place, sources or SOURCES)
        except LedgerError as error:
            assert error.reason == "the topics are not as a ledger needs them"  # noqa: PT017
            if saying in error.found:
                return error
            found = error.found
        time.sleep(0.1)
    pytest.fail(f"expected {saying}, found {found}")
