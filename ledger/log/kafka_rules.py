"""What a ledger demands of its topics on Kafka, and what is wrong with those found.

A topic that expires, compacts or elects an unclean leader loses records and tells nobody.
So nothing starts on one that could.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.log.kafka_settings import KafkaPlace
from ledger.sources import REGISTRY, base_of

MESSAGE_BYTES_MAX: Final = 1_048_576
CLOCK_RETENTION_MS: Final = 3_600_000

_ALWAYS: Final[Mapping[str, str]] = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "compression.type": "uncompressed",
    "max.message.bytes": str(MESSAGE_BYTES_MAX),
    "message.timestamp.type": "LogAppendTime",
    "unclean.leader.election.enable": "false",
}
# A ledger's topics keep all they have on the brokers' own disks (KIP-405). Brokers that
# do not know these settings cannot do otherwise; -2: as long as in all.
_NEVER_REMOTE: Final[Mapping[str, Sequence[str]]] = {
    "remote.storage.enable": ("false",),
    "local.retention.ms": ("-2", "-1"),
    "local.retention.bytes": ("-2", "-1"),
}
_IN_SYNC: Final = "min.insync.replicas"
_CLEANUP: Final = "cleanup.policy"


class Setting(NamedTuple):
    """A setting in effect; ``own``: given to the topic itself, not a broker's default."""

    value: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """How many brokers hold a partition, how many keep up, and whether one leads."""

    total: int
    in_sync: int
    led: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as the brokers describe it; ``offsets``: first and next, by partition."""

    replicas: Mapping[int, Replicas]
    settings: Mapping[str, Setting]
    offsets: Mapping[int, tuple[int, int]]

    @property
    def empty(self) -> bool:
        """Whether no record was ever in it."""
        return not any(end for _, end in self.offsets.values())

    @property
    def ready(self) -> bool:
        """Whether each partition is led and all who hold it keep up."""
        return all(
            one.led and one.in_sync == one.total for one in self.replicas.values()
        )


class Difference(NamedTuple):
    """What is wrong; ``lost``: records may be gone, mending it does not bring them back."""

    text: str
    lost: bool = False


def wanted_topics(place: KafkaPlace, sources: Iterable[str]) -> dict[str, int]:
    """The topics of these sources and the one for the brokers' time: partitions of each.

    Of a succeeded source of ``events`` the partition is still there.
    """
    counts: dict[str, int] = {place.clock.topic: 1}
    for source in sources:
        names = [source]
        if base_of(source) not in (source, REGISTRY):
            names.append(base_of(source))
        for topic, number in map(place.partition_of, names):
            counts[topic] = max(counts.get(topic, 0), number + 1)
    return counts


def settings_of(place: KafkaPlace, name: str) -> dict[str, str]:
    """What a topic is told when it is made."""
    settings = {**_ALWAYS, _IN_SYNC: str(place.in_sync_min)}
    if name == place.clock.topic:
        settings["retention.ms"] = str(CLOCK_RETENTION_MS)
    return settings


def differences(
    place: KafkaPlace, wanted: Mapping[str, int], found: Mapping[str, Topic]
) -> list[Difference]:
    """All that is wrong with the topics, but for where their records start."""
    wrong: list[Difference] = []
    for name, partitions in wanted.items():
        if name not in found:
            wrong.append(Difference(f"{name} is missing"))
            continue
        topic = found[name]
        wrong += _spread(place, name, topic, partitions)
        wrong += _set_wrong(place, name, topic)
    return wrong


def taken_offsets(found: Mapping[str, Topic]) -> list[str]:
    """The partitions that hold, or once held, records."""
    return [
        f"{name}, partition {number}: {end} offsets taken"
        for name, topic in found.items()
        for number, (_, end) in sorted(topic.offsets.items())
        if end
    ]


def lost_starts(
    place: KafkaPlace, sources: Iterable[str], found: Mapping[str, Topic]
) -> Iterator[Difference]:
    """The sources whose first records are gone."""
    for source in sources:
        name, number = place.partition_of(source)
        topic = found.get(name)
        if topic is not None and number in topic.offsets:
            first, _ = topic.offsets[number]
            if first:
                yield Difference(
                    f"{source} ({name}, partition {number}) starts at offset {first}, "
                    "expected 0",
                    lost=True,
                )


def _spread(
    place: KafkaPlace, name: str, topic: Topic, partitions: int
) -> Iterator[Difference]:
    """A ledger for trying things out may well lie on more brokers than it asks for."""
    if len(topic.replicas) != partitions:
        yield Difference(
            f"{name}: {len(topic.replicas)} partitions, expected {partitions}"
        )
    for number, replicas in sorted(topic.replicas.items()):
        if replicas.total < place.replicas:
            yield Difference(
                f"{name}, partition {number}: replication factor {replicas.total}, "
                f"expected {place.replicas}"
            )


def _set_wrong(place: KafkaPlace, name: str, topic: Topic) -> Iterator[Difference]:
    for setting, value in settings_of(place, name).items():
        found = topic.settings.get(setting)
        if found is None:
            yield Difference(f"{name}: {setting} is unknown, expected {value}")
        elif not _good(setting, found.value, value, topic):
            lost = setting == _CLEANUP and "compact" in found.value and not topic.empty
            yield Difference(f"{name}: {setting}={found.value}, expected {value}", lost)
        elif not found.own:
            # Another broker's file, and the controller's, may say something else.
            yield Difference(
                f"{name}: {setting}={found.value} is a default of the broker asked, "
                "expected it set on the topic"
            )
    for setting, values in _NEVER_REMOTE.items():
        found = topic.settings.get(setting)
        if found is not None and found.value not in values:
            yield Difference(f"{name}: {setting}={found.value}, expected {values[0]}")


def _good(setting: str, found: str, wanted: str, topic: Topic) -> bool:
    """More copies than asked for are welcome, as long as there can be so many."""
    if setting != _IN_SYNC:
        return found == wanted
    fewest = min((one.total for one in topic.replicas.values()), default=0)
    return found.isdecimal() and int(wanted) <= int(found) <= max(fewest, int(wanted))
