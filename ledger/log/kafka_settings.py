"""Where a ledger lies on Kafka: brokers, topic names, and how a client proves who it is.

A source is one partition: ``events-3`` is partition 3 of the topic ``<prefix>.events``;
the registry, the seals and every succeeding source have a topic of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from ledger.errors import Malformed
from ledger.log.kafka_tls import tls_context

EVENTS: Final = "events"
CLOCK: Final = "clock"
PREFIX_LENGTH_MAX: Final = 200
_ALLOWED: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)
_OWN_TOPIC: Final = re.compile(r"(registry|seals)(\.[0-9]+)?|events-[0-9]+\.[0-9]+")

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]


class Partition(NamedTuple):
    """Topic and partition number of one source."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """How clients connect; ``password`` never shows in a representation."""

    protocol: Protocol = "PLAINTEXT"
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """Options for one client; raises Malformed: SASL without a name, bad files."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            options["ssl_context"] = tls_context(
                self.ca_file, self.certificate_file, self.key_file
            )
        if self.protocol.startswith("SASL"):
            if not self.username or self.password is None:
                raise Malformed(
                    "SASL needs a user",
                    code="bad_kafka_settings",
                    expected="username and password",
                    found="none",
                )
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPlace:
    """One ledger's topics on one cluster.

    ``bootstrap``: ``host:port`` of some brokers. ``single_broker``: topics have one
    replica, so that one broken disk loses the log; for trying it out.
    """

    bootstrap: tuple[str, ...]
    prefix: str
    single_broker: bool = False
    security: KafkaSecurity = field(default_factory=KafkaSecurity)

    def __post_init__(self) -> None:
        if not self.bootstrap or not all(map(_is_address, self.bootstrap)):
            raise Malformed(
                "not Kafka addresses",
                code="bad_kafka_settings",
                expected="HOST:PORT,HOST:PORT,…",
                found=",".join(self.bootstrap),
            )
        if (
            not 0 < len(self.prefix) <= PREFIX_LENGTH_MAX
            or not _ALLOWED.issuperset(self.prefix)
            or not self.prefix.strip(".")
        ):
            raise Malformed(
                "not a prefix for topics",
                code="bad_kafka_settings",
                expected=f"1 to {PREFIX_LENGTH_MAX} of A–Z a–z 0–9 . _ -",
                found=ascii(self.prefix),
            )

    @property
    def replicas(self) -> int:
        """Copies of each record."""
        return 1 if self.single_broker else 3

    @property
    def in_sync_min(self) -> int:
        """How many copies an acknowledged record has at least."""
        return 1 if self.single_broker else 2

    def partition_of(self, source: str) -> Partition:
        """Where a source lies, whether it is there or not."""
        base, dash, number = source.partition("-")
        if base == EVENTS and dash and number.isascii() and number.isdecimal():
            return Partition(self.events, int(number))
        return Partition(f"{self.prefix}.{source}", 0)

    def source_of(self, partition: Partition) -> str | None:
        """The source in a partition; None for topics of others, and for the clock."""
        if partition.topic == self.events:
            return f"{EVENTS}-{partition.number}"
        start = f"{self.prefix}."
        name = partition.topic.removeprefix(start)
        # Behind the prefix may stand another ledger's longer one.
        if partition.topic.startswith(start) and _OWN_TOPIC.fullmatch(name):
            return None if partition.number else name
        return None

    @property
    def events(self) -> str:
        """The topic whose partitions are sources."""
        return f"{self.prefix}.{EVENTS}"

    @property
    def clock(self) -> Partition:
        """Where brokers are asked for the time."""
        return Partition(f"{self.prefix}.{CLOCK}", 0)


def _is_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(host and colon and port.isascii() and port.isdecimal())
