"""The topics of a ledger on Kafka: made with the right settings, asserted at each start.

An answer that does not come is asked for again for a bounded time, so that one broker
that has just died stops nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import Final

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import (
    InvalidReplicationFactorError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from ledger.errors import Malformed, Unavailable, Untrusted
from ledger.log.kafka_admin import asked, described
from ledger.log.kafka_rules import (
    Difference,
    Topic,
    differences,
    lost_starts,
    settings_of,
    taken_offsets,
    wanted_topics,
)
from ledger.log.kafka_settings import KafkaPlace

PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 5.0)
_READY_TRIES: Final = 200
_MISSING_TRIES: Final = 5
_STEP_S: Final = 0.2


def create_topics(
    place: KafkaPlace, sources: Sequence[str], *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Makes the topics of these sources and the one for the brokers' time.

    Returns when every copy of every partition is in sync. Topics that an administrator
    made before are taken when they are right and empty, and so a creation that was
    interrupted can be finished. Malformed: a topic holds records, or has other settings.
    Unavailable: too few brokers, no answer, or no permission.
    """
    wanted = wanted_topics(place, sources)
    asked(place, "creating topics", pauses_s, lambda a: _make(a, place, wanted))


def create_source(
    place: KafkaPlace, source: str, *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Makes the topic of one more source, as ``create_topics`` does, and no other.

    Malformed, too: a partition of ``events`` is no topic of its own.
    """
    topic = _own_topic(place, source)
    asked(place, "creating topics", pauses_s, lambda a: _make(a, place, {topic: 1}))


def assert_source(
    place: KafkaPlace, source: str, *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Checks the topic of one source as ``assert_topics`` does, and no other."""
    topic = _own_topic(place, source)
    _assert(place, {topic: 1}, [source], pauses_s)


def delete_source(
    place: KafkaPlace, source: str, *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Deletes the topic of one source, and no other; what is gone already stays gone."""
    topic = _own_topic(place, source)

    def delete(admin: KafkaAdminClient) -> None:
        with suppress(UnknownTopicOrPartitionError):
            admin.delete_topics([topic])

    asked(place, "deleting topics", pauses_s, delete)


def _own_topic(place: KafkaPlace, source: str) -> str:
    topic, _ = place.partition_of(source)
    if topic == place.events:
        raise Malformed(
            "not a source with a topic of its own",
            expected="the name of one that succeeds another, like events-3.1",
            found=source,
        )
    return topic


def delete_topics(
    place: KafkaPlace, sources: Sequence[str], *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """Deletes the topics of a founding that failed; what is gone already stays gone.

    Whoever may not delete leaves them: the next founding names those that hold records.
    """

    def delete(admin: KafkaAdminClient) -> None:
        for name in wanted_topics(place, sources):
            try:
                admin.delete_topics([name])
            except (UnknownTopicOrPartitionError, TopicAuthorizationFailedError):
                continue

    asked(place, "deleting topics", pauses_s, delete)


def assert_topics(
    place: KafkaPlace,
    sources: Sequence[str],
    *,
    without: Collection[str] = (),
    pauses_s: Sequence[float] = PAUSES_S,
) -> None:
    """Checks every topic of these sources; all that is wrong stands in one message.

    Those in ``without`` may have lost anything, and have their partitions all the same.
    Untrusted: records are gone, or may be. Malformed: missing topics, wrong settings.
    Unavailable: no answer, or no permission to ask.
    """
    wanted = wanted_topics(place, sources)
    whole = [source for source in sources if source not in without]
    asked_for = {name: wanted[name] for name in wanted_topics(place, whole)}
    _assert(place, asked_for, whole, pauses_s)


def _assert(
    place: KafkaPlace,
    wanted: Mapping[str, int],
    sources: Sequence[str],
    pauses_s: Sequence[float],
) -> None:
    found = asked(
        place, "looking at topics", pauses_s, lambda a: _found(a, place, wanted)
    )
    lost = lost_starts(place, sources, found)
    _refuse([*differences(place, wanted, found), *lost])


def _refuse(wrong: Sequence[Difference]) -> None:
    if not wrong:
        return
    told = {
        "expected": "what `license-ledger init` makes",
        "found": "; ".join(one.text for one in wrong),
        "where": "Kafka",
    }
    reason = "the topics are not as a ledger needs them"
    if any(one.lost for one in wrong):
        raise Untrusted(reason, code="log_records_lost", **told)
    raise Malformed(reason, code="topics_wrong", **told)


def _make(
    admin: KafkaAdminClient, place: KafkaPlace, wanted: Mapping[str, int]
) -> None:
    """Makes what is missing; crashed in between, it is found by the next call."""
    found = described(admin, place, list(wanted))
    if taken := taken_offsets(found):
        raise Malformed(
            "topics hold records already",
            code="topics_in_use",
            expected="empty topics, or none",
            found="; ".join(taken),
            where="Kafka",
        )
    _refuse(differences(place, {name: wanted[name] for name in found}, found))
    missing = {name: count for name, count in wanted.items() if name not in found}
    if missing:
        _create(admin, place, missing)
    _refuse(differences(place, wanted, _ready(admin, place, wanted)))


def _ready(
    admin: KafkaAdminClient, place: KafkaPlace, wanted: Mapping[str, int]
) -> dict[str, Topic]:
    """The topics, when each partition has a leader and every copy is in sync."""
    late = list(wanted)
    for _ in range(_READY_TRIES):
        found = described(admin, place, list(wanted))
        late = [name for name in wanted if name not in found or not found[name].ready]
        if not late:
            return found
        Event().wait(_STEP_S)
    raise Unavailable(
        "the brokers have not all got the topics",
        code="kafka_topics_pending",
        expected="a leader and every copy in sync",
        where=", ".join(late),
    )


def _create(
    admin: KafkaAdminClient, place: KafkaPlace, topics: Mapping[str, int]
) -> None:
    made = [
        NewTopic(name, count, place.replicas, topic_configs=settings_of(place, name))
        for name, count in topics.items()
    ]
    try:
        admin.create_topics(made)
    except InvalidReplicationFactorError as error:
        brokers = admin.describe_cluster()["brokers"]
        raise Unavailable(
            "too few brokers for the copies that a ledger keeps",
            code="kafka_too_few_brokers",
            expected=f"{place.replicas} brokers, or single_broker (--single-broker) "
            "for trying it out on one",
            found=str(sum(not broker.get("is_fenced") for broker in brokers)),
        ) from error


def _found(
    admin: KafkaAdminClient, place: KafkaPlace, wanted: Mapping[str, int]
) -> dict[str, Topic]:
    """The topics; one that is missing may be new, and the broker asked behind."""
    found = described(admin, place, list(wanted))
    for _ in range(_MISSING_TRIES):
        if len(found) == len(wanted):
            break
        Event().wait(_STEP_S)
        found = described(admin, place, list(wanted))
    return found
