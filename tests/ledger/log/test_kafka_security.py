"""TLS, users and rights against a broker that asks for them."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.errors import LedgerError, Unavailable
from ledger.log.kafka import KafkaLog
from ledger.log.kafka_producer import KafkaAppender
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity, Mechanism
from ledger.log.kafka_topics import assert_topics, create_topics
from ledger.log.offset_gaps import MemoryGaps
from tests.kafka_security import ADMIN, Authority, Secured, password_of, secured_kafka

pytestmark = pytest.mark.kafka

SOURCES = ("registry", "events-0", "events-1", "seals")
BRIEF_S = 4.0
ONCE = ()
WRONG = "not-what-admin-knows"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        kafka.add_user(ADMIN)
        yield kafka


def appender(place: KafkaPlace) -> KafkaAppender:
    return KafkaAppender(place, monotonic=time.monotonic, patience_s=BRIEF_S)


def whole_log(place: KafkaPlace) -> KafkaLog:
    return KafkaLog(
        place, gaps=MemoryGaps(), monotonic=time.monotonic, patience_s=BRIEF_S
    )


def append_alone(place: KafkaPlace) -> None:
    one = appender(place)
    try:
        one.append("events-0", [b"record"])
    finally:
        one.close()


def read_all(place: KafkaPlace) -> None:
    log = whole_log(place)
    try:
        log.ends()
    finally:
        log.close()


def ask_topics(place: KafkaPlace) -> None:
    assert_topics(place, SOURCES, pauses_s=ONCE)


CLIENTS = pytest.mark.parametrize("use", [append_alone, read_all, ask_topics])
Use = Callable[[KafkaPlace], None]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_log_works_over_tls_with_a_password(
    secured: Secured, topics: str, mechanism: Mechanism
) -> None:
    check_log(secured.user(ADMIN, topics, mechanism=mechanism))


def test_log_works_over_tls_with_a_certificate_of_its_own(
    secured: Secured, topics: str
) -> None:
    machine = KafkaSecurity(
        protocol="SSL",
        ca_file=str(secured.ca_file),
        certificate_file=str(secured.machine_file),
    )
    check_log(secured.place(topics, machine))


def check_log(place: KafkaPlace) -> None:
    create_topics(place, SOURCES)
    assert_topics(place, SOURCES)
    log = whole_log(place)
    assert log.append("events-1", [b"a", b"b"]) == [0, 1]
    assert log.read("events-1", 0, limit=9, size_max=99) == [b"a", b"b"]
    assert log.clock() is not None
    log.close()


@CLIENTS
def test_wrong_password_is_named_and_never_shown(
    secured: Secured,
    topics: str,
    use: Use,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    security = secured.security(ADMIN, password=WRONG)
    error = refused(secured.place(topics, security), use)
    assert error.reason == "the brokers do not accept the user"
    assert error.expected == "admin with SCRAM-SHA-512"
    assert WRONG not in "".join(traceback.format_exception(error))
    assert WRONG not in caplog.text
    assert WRONG not in repr(security)


@CLIENTS
def test_right_password_is_not_logged(
    secured: Secured,
    topics: str,
    use: Use,
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = secured.user(ADMIN, topics)
    create_topics(place, SOURCES)
    caplog.set_level(logging.DEBUG)
    use(place)
    assert password_of(ADMIN) not in caplog.text


@CLIENTS
def test_certificate_by_somebody_else_is_not_believed(
    secured: Secured, topics: str, use: Use, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other").path
    security = secured.security(ADMIN, ca_file=str(other))
    error = refused(secured.place(topics, security), use)
    assert error.reason == "the brokers' certificate does not hold"
    assert error.expected == f"one for 127.0.0.1:{secured.port} by {other}"
    assert "certificate" in error.found


def test_certificate_for_another_name_is_not_believed(
    secured: Secured, topics: str
) -> None:
    place = secured.place(topics, secured.security(ADMIN), host="localhost")
    error = refused(place)
    assert error.reason == "the brokers' certificate does not hold"
    assert "localhost" in error.found


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_client_without_tls_finds_nobody(
    secured: Secured, topics: str, protocol: str
) -> None:
    security = secured.security(ADMIN, protocol=protocol)
    error = refused(secured.place(topics, security))
    assert error.reason == "Kafka did not answer"
    assert f"nobody speaks {protocol} at 127.0.0.1:{secured.port}" in error.found


def test_certificate_is_asked_for_where_it_must_be(
    secured: Secured, topics: str
) -> None:
    nobody = KafkaSecurity(protocol="SSL", ca_file=str(secured.ca_file))
    error = refused(secured.place(topics, nobody))
    assert error.reason == "Kafka did not answer"


def test_client_with_tls_says_that_the_broker_speaks_none(
    kafka_broker: str, secured: Secured, topics: str
) -> None:
    place = KafkaPlace(
        bootstrap=tuple(kafka_broker.split(",")),
        prefix=topics,
        single_broker=True,
        security=secured.security(ADMIN),
    )
    error = refused(place)
    assert error.reason == "Kafka did not answer"


def refused(place: KafkaPlace, use: Use = ask_topics) -> Unavailable:
    with pytest.raises(Unavailable) as raised:
        use(place)
    assert_silent(raised.value)
    return raised.value


def assert_silent(error: LedgerError) -> None:
    shown = "".join(traceback.format_exception(error))
    assert password_of(ADMIN) not in shown
