"""Each role of deploy/kafka/acls.py can do its work, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import (
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from deploy.kafka.acls import ROLES, commands, main, table
from ledger.errors import Unavailable
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_producer import Appended, KafkaAppender
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.kafka_topics import (
    assert_topics,
    create_source,
    create_topics,
    delete_topics,
)
from ledger.log.offset_gaps import MemoryGaps
from tests.kafka_security import ADMIN, Secured, secured_kafka

pytestmark = pytest.mark.kafka

SOURCES = ("registry", "events-0", "events-1", "seals")
DOCS = Path(__file__).parents[3] / "docs" / "kafka.md"
NOT_PERMITTED = "Kafka does not permit this"
BRIEF_S = 4.0
_UNSEEN_OR_FORBIDDEN = (TopicAuthorizationFailedError, UnknownTopicOrPartitionError)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        for user in (*ROLES, "nobody"):
            kafka.add_user(user)
        yield kafka


@pytest.fixture
def act_as(secured: Secured, topics: str) -> Callable[[str], KafkaPlace]:
    """A ledger's topics with one record each, and the place of a user of one role."""
    admin = secured.user(ADMIN, topics)
    create_topics(admin, SOURCES)
    with closing(appender(admin)) as one:
        for source in SOURCES:
            one.append(source, [source.encode()])

    def act_as(role: str) -> KafkaPlace:
        if role in ROLES:
            secured.grant(role, role, topics)
        return secured.user(role, topics)

    return act_as


ActAs = Callable[[str], KafkaPlace]


def appender(place: KafkaPlace) -> KafkaAppender:
    return KafkaAppender(place, monotonic=time.monotonic, patience_s=BRIEF_S)


def log_at(place: KafkaPlace) -> KafkaLog:
    return KafkaLog(
        place, gaps=MemoryGaps(), monotonic=time.monotonic, patience_s=BRIEF_S
    )


def appends(place: KafkaPlace) -> set[str]:
    """The sources that a user can append to."""
    found = set()
    for source in SOURCES:
        with closing(appender(place)) as one:
            try:
                appended = one.append(source, [b"one more"])
            except Unavailable as error:
                assert error.reason == NOT_PERMITTED  # noqa: PT017
                # Who may write nothing is refused before a topic is spoken of.
                topic = place.partition_of(source).topic
                assert topic in error.found or "Cluster" in error.found  # noqa: PT017
            else:
                assert appended == [Appended(source, 1)]
                found.add(source)
    return found


def read_all(place: KafkaPlace) -> dict[str, list[bytes]]:
    with closing(log_at(place)) as log:
        return {s: log.read(s, 0, limit=1, size_max=99) for s in log.ends()}


ALL = {source: [source.encode()] for source in SOURCES}


@pytest.mark.parametrize(
    ("role", "sources"),
    [
        ("department", {"events-0", "events-1"}),
        ("registrar", {"registry"}),
        ("reader", set()),
        ("sealer", {"seals"}),
        ("operator", set(SOURCES)),
        ("nobody", set()),
    ],
)
def test_each_role_appends_to_its_own_sources_only(
    act_as: ActAs, role: str, sources: set[str]
) -> None:
    assert appends(act_as(role)) == sources


@pytest.mark.parametrize("role", ["reader", "sealer", "operator"])
def test_who_follows_the_log_reads_all_of_it_and_can_check_its_topics(
    act_as: ActAs, role: str
) -> None:
    place = act_as(role)
    assert_topics(place, SOURCES)
    assert read_all(place) == ALL


@pytest.mark.parametrize("role", ["department", "registrar"])
def test_who_hands_in_reads_nothing(act_as: ActAs, role: str) -> None:
    with pytest.raises(Unavailable, match=NOT_PERMITTED):
        read_all(act_as(role))


@pytest.mark.parametrize("role", ["sealer", "operator"])
def test_who_seals_learns_the_time_of_the_brokers(act_as: ActAs, role: str) -> None:
    with closing(log_at(act_as(role))) as log:
        assert log.clock() is not None


@pytest.mark.parametrize("role", list(ROLES))
def test_nobody_deletes_or_changes_anything(act_as: ActAs, role: str) -> None:
    place = act_as(role)
    with closing(KafkaAdminClient(**client_options(place))) as admin:
        for source in SOURCES:
            topic, number = place.partition_of(source)
            with pytest.raises(TopicAuthorizationFailedError):
                admin.delete_topics([topic])
            with pytest.raises(TopicAuthorizationFailedError):
                admin.create_partitions({topic: 5})
            with pytest.raises(_UNSEEN_OR_FORBIDDEN):
                admin.delete_records({TopicPartition(topic, number): 1})
            alter = ConfigResource("topic", topic, {"retention.ms": "1000"})
            with suppress(ValueError):  # the client misses settings that it cannot see
                admin.alter_configs([alter])
    everything = act_as(ADMIN)
    assert_topics(everything, SOURCES)
    assert read_all(everything) == ALL


@pytest.mark.parametrize("role", list(ROLES))
def test_nobody_opens_a_transaction(act_as: ActAs, role: str) -> None:
    place = act_as(role)
    producer = KafkaProducer(transactional_id=place.prefix, **client_options(place))
    with (
        closing(producer),
        pytest.raises(TransactionalIdAuthorizationFailedError),
    ):
        producer.init_transactions()


def client_options(place: KafkaPlace) -> dict[str, Any]:
    """For clients that do not keep to our habits."""
    return {"bootstrap_servers": list(place.bootstrap), **place.security.options()}


def test_operator_makes_topics_and_the_successor_of_a_source(
    secured: Secured, topics: str
) -> None:
    secured.grant("operator", "operator", topics)
    place = secured.user("operator", topics)
    create_topics(place, SOURCES)
    create_source(place, "events-1.1")
    create_source(place, "registry.1")
    assert_topics(place, [*SOURCES, "events-1.1", "registry.1"])
    # A founding that failed leaves them to whoever administers Kafka.
    delete_topics(place, SOURCES)
    assert_topics(place, SOURCES)


@pytest.mark.parametrize("role", ["department", "reader", "sealer"])
def test_others_make_no_topics(act_as: ActAs, role: str) -> None:
    with pytest.raises(Unavailable, match=NOT_PERMITTED):
        create_source(act_as(role), "seals.1" if role == "reader" else "registry.1")


def test_missing_right_is_named(act_as: ActAs) -> None:
    with pytest.raises(Unavailable) as raised:
        assert_topics(act_as("nobody"), SOURCES)
    assert raised.value.expected == "nobody to have the right Describe"
    place = act_as("department")
    with pytest.raises(Unavailable) as raised:
        assert_topics(place, SOURCES)
    assert raised.value.reason == NOT_PERMITTED


def test_missing_right_to_see_settings_is_named(
    secured: Secured, act_as: ActAs
) -> None:
    place = act_as("nobody")
    for topic in ("events", "registry", "seals", "clock"):
        secured.allow("nobody", f"{place.prefix}.{topic}", "Describe", prefixed=False)
    with pytest.raises(Unavailable) as raised:
        assert_topics(place, SOURCES)
    assert raised.value.reason == NOT_PERMITTED
    assert raised.value.expected == "nobody to have the right DescribeConfigs"
    assert f"{place.prefix}.clock, {place.prefix}.events" in raised.value.where


def test_rights_on_one_ledger_are_none_on_another(
    secured: Secured, act_as: ActAs
) -> None:
    other = KafkaPlace(
        bootstrap=act_as("operator").bootstrap,
        prefix="another",
        single_broker=True,
        security=secured.security("operator"),
    )
    with pytest.raises(Unavailable, match=NOT_PERMITTED):
        create_topics(other, SOURCES)


def test_commands_for_an_administrator(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["province", "department=tax", "department=police"]) == 0
    assert capsys.readouterr().out == (
        "--add --allow-principal User:tax --allow-principal User:police "
        "--operation Write --topic province.events --resource-pattern-type prefixed\n"
    )
    assert list(commands("p", {"sealer": ["sealer"]}))[2:] == [
        "--add --allow-principal User:sealer --operation Read --operation Write "
        "--operation DescribeConfigs --topic p.seals",
        "--add --allow-principal User:sealer --operation Write "
        "--operation DescribeConfigs --topic p.clock",
    ]


@pytest.mark.parametrize("given", ["king=me", "sealer", "sealer="])
def test_roles_that_there_are_not_are_bad_usage(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["province", given])
    assert raised.value.code == 2
    assert given in capsys.readouterr().err


def test_documentation_shows_the_table() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")
