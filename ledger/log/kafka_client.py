"""What producers and consumers of the ledger have in common: options, opening, errors."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from kafka import TopicPartition
from kafka.errors import (
    AuthorizationError,
    ClusterAuthorizationFailedError,
    CorruptRecordError,
    IllegalSaslStateError,
    KafkaError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    StaleMetadata,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from typing_extensions import override

from ledger.errors import Unavailable, Untrusted
from ledger.log.kafka_settings import KafkaPlace, Partition
from ledger.log.kafka_tls import TlsContext

T = TypeVar("T")

BOOTSTRAP_S: Final = 3.0
REQUEST_S: Final = 5.0
METADATA_AGE_S: Final = 60
RECONNECT_MAX_S: Final = 1
_FOUND_MAX: Final = 300

_REFUSED_USER: Final = (
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

# The client reports on each try what we retry and, in the end, raise once. One part of
# it would show all options, the password among them.
for _name in ("admin", "cluster", "consumer", "coordinator", "net", "producer"):
    logging.getLogger(f"kafka.{_name}").setLevel(logging.CRITICAL)


class Client(NamedTuple):
    """A producer or consumer, and the network client under it."""

    face: Any
    network: Any


def options(place: KafkaPlace) -> dict[str, Any]:
    """The options that every client gets; raises Malformed."""
    return {
        "bootstrap_servers": list(place.bootstrap),
        "bootstrap_timeout_ms": int(BOOTSTRAP_S * 1000),
        "client_id": "license-ledger",
        "request_timeout_ms": int(REQUEST_S * 1000),
        "metadata_max_age_ms": METADATA_AGE_S * 1000,
        "reconnect_backoff_max_ms": RECONNECT_MAX_S * 1000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        **place.security.options(),
    }


def bootstrap_ms(patience_s: float) -> int:
    """How long a client looks for a broker before another one takes its turn."""
    return int(min(BOOTSTRAP_S, patience_s) * 1000)


def opened(
    make: Callable[..., Any],
    given: dict[str, Any],
    *,
    topics: Collection[str] | None = (),
) -> Client:
    """Makes a client, which asks a broker at once; raises what the library raises.

    Of a TLS handshake and of a user that were refused the library only says that nobody
    answered: here their own errors are raised. ``topics``: those that it is to know from the start, None for all. A client that
    cannot be made leaves its network thread behind: that is ended here.
    """
    begun: list[Any] = []
    managers: list[_Manager] = []

    def begin(**config: Any) -> Any:
        net = NetworkSelector(**config)
        managers.append(_Manager(net, **config))
        begun.append(KafkaNetClient(net, managers[-1], **config))
        cluster = begun[-1].cluster
        # The option is not handed on: a question for a topic would make it, anyhow.
        cluster.config["allow_auto_create_topics"] = False
        cluster.need_all_topic_metadata = topics is None
        # Its add_topic would begin to look for brokers, without any end to it.
        cluster._topics.update(topics or ())  # noqa: SLF001
        return begun[-1]

    try:
        face = make(**given, kafka_client=begin)
    except BaseException as error:
        reason = _reason(given, managers[-1].failure) if managers else None
        for network in begun:
            network.close()
        if isinstance(error, KafkaTimeoutError) and reason is not None:
            raise reason from error
        raise
    return Client(face, begun[-1])


def offsets(
    ask: Callable[..., dict[TopicPartition, int]], partitions: Collection[Partition]
) -> dict[Partition, int]:
    """Asks for the start or the end of partitions; raises what the library raises."""
    try:
        found = ask(
            [TopicPartition(*one) for one in partitions], timeout_ms=REQUEST_S * 1000
        )
    except KeyError as error:
        # The client leaves out those whose leader it has just forgotten.
        raise StaleMetadata from error
    return {Partition(*one): offset for one, offset in found.items()}


class _Manager(KafkaConnectionManager):  # type: ignore[misc] # it ships no types
    """Keeps why a connection did not come about; a refused user above all."""

    failure: BaseException | None = None

    @override
    def get_connection(self, node_id: Any, *given: Any, **named: Any) -> Any:
        new = node_id not in self._conns
        connection = super().get_connection(node_id, *given, **named)
        if new:
            connection.init_future.add_errback(self._note)
        return connection

    @override
    async def _build_transport(self, *given: Any, **named: Any) -> Any:
        """A broker that refuses a user says so and hangs up.

        What comes together with the end of a connection the library throws away: here
        the end waits for the next read.
        """
        transport = await super()._build_transport(*given, **named)
        receive = transport._sock_recv  # noqa: SLF001
        transport._sock_recv = partial(_received, receive)  # noqa: SLF001
        return transport

    def _note(self, error: BaseException) -> None:
        if not isinstance(self.failure, _REFUSED_USER):
            self.failure = error


def _received(receive: Callable[[], tuple[bytes, Any]]) -> tuple[bytes, Any]:
    data, error = receive()
    return data, None if data else error


def _reason(
    given: dict[str, Any], failure: BaseException | None
) -> BaseException | None:
    """What there is to say of a client that found nobody."""
    context = given.get("ssl_context")
    if isinstance(context, TlsContext) and context.failure is not None:
        return context.failure
    if failure is None or isinstance(failure, _REFUSED_USER):
        return failure
    addresses = ", ".join(given["bootstrap_servers"])
    said = f"nobody speaks {given['security_protocol']} at {addresses}: {failure}"
    timeout: BaseException = KafkaTimeoutError(said)
    return timeout


@contextmanager
def translated(place: KafkaPlace, where: str) -> Iterator[None]:
    """Turns Kafka's errors into ours.

    Unavailable: no answer, or no permission. Untrusted: a record does not have its
    checksum, or is compressed although its topic is not.
    """
    try:
        yield
    except (CorruptRecordError, UnsupportedCodecError) as error:
        raise Untrusted(
            "Kafka holds damaged records",
            code="kafka_damaged",
            found=str(error),
            where=where,
        ) from error
    except (KafkaError, OSError) as error:
        if (refused := refusal(place, error, where)) is not None:
            raise refused from error
        raise unavailable(error, where) from error


def refusal(
    place: KafkaPlace, error: BaseException | None, where: str
) -> Unavailable | None:
    """What to raise when the brokers do not let us; None for every other error."""
    user = place.security.username or "the client"
    if isinstance(error, AuthorizationError) or _writes_nothing(error):
        return Unavailable(
            "Kafka does not permit this",
            code="kafka_forbids",
            expected=f"{user} to be allowed it",
            found=f"{type(error).__name__} {_named(error)}".rstrip(),
            where=where,
        )
    if isinstance(error, _REFUSED_USER):
        return Unavailable(
            "the brokers do not accept the user",
            code="kafka_login_refused",
            expected=f"{user} with {place.security.mechanism}",
            found=type(error).__name__,
            where=where,
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable(
            "the brokers' certificate does not hold",
            code="kafka_certificate",
            expected=f"one for {', '.join(place.bootstrap)} by "
            f"{place.security.ca_file or 'whom the system believes'}",
            found=error.verify_message,
            where=where,
        )
    return None


def unavailable(error: BaseException | None, where: str) -> Unavailable:
    """What to raise when the brokers have not answered for too long."""
    found = "" if error is None else str(error)
    if error is not None and type(error).__name__ not in found:
        found = f"{type(error).__name__}: {found}"
    return Unavailable(
        "Kafka did not answer",
        code="kafka_unreachable",
        found=found[:_FOUND_MAX],
        where=where,
    )


def _writes_nothing(error: BaseException | None) -> bool:
    """Who may write to no topic at all gets no producer id (KIP-679).

    The library hands that on as a text.
    """
    return ClusterAuthorizationFailedError.__name__ in str(error)


def _named(error: BaseException | None) -> str:
    topics = error.args[0] if error is not None and error.args else ""
    return ", ".join(sorted(topics)) if isinstance(topics, set) else str(topics or "")
