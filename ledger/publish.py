"""Publishing: sign events, route them, append the records to their sources.

``append`` returning means the records are in the log, not that they are accepted; the
verdict comes from whoever folds the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ledger.codec import RECORD_1, encode
from ledger.envelope import (
    ALGORITHM_SM2,
    encode_event,
    event_digest,
    partition_of,
    route_of,
)
from ledger.errors import Malformed
from ledger.events import Event, Record, Signature
from ledger.events import Signer as SignerEntry
from ledger.log.contract import EventLog
from ledger.signing import BATCH_COUNT_MAX, Signer, sign_batch, tbs
from ledger.sources import REGISTRY, events_source


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSigner:
    """A key and the role it signs in: 1 main, 2 joint, 3 superior."""

    signer: Signer
    role: int = 1

    @property
    def entry(self) -> SignerEntry:
        """What the event says of this signer, under its signature."""
        return {
            "key_id": self.signer.key_id,
            "role": self.role,
            "algorithm": ALGORITHM_SM2,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A record ready to append; ``digest`` is the event digest, 32 bytes."""

    data: bytes
    digest: bytes
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where a record went: its source and ordinal there."""

    source: str
    ordinal: int
    digest: bytes


def source_of(event: Event, partitions: int) -> str:
    """The source that carries an event's subject."""
    if event["chain"] == "registry":
        return REGISTRY
    route = route_of(event["chain"], event["subject"])
    return events_source(partition_of(route, partitions))


def sign(event: Event, signers: Sequence[RoleSigner], *, partitions: int) -> Signed:
    """Signs one event with each of its signers; the event must name exactly them."""
    body = encode_event(event)
    ordered = _ordered(event, signers)
    signatures: list[Signature] = [
        {"value": one.signer.sign(tbs(one.role, body)), "batch": None}
        for one in ordered
    ]
    return _signed(event, body, signatures, partitions)


def sign_together(
    events: Sequence[Event],
    signers: Sequence[RoleSigner],
    *,
    batch_ids: Sequence[bytes],
    partitions: int,
) -> list[Signed]:
    """Signs up to 4,096 events with one signature per signer (a Merkle batch).

    ``batch_ids``: 16 fresh random bytes for each signer.
    """
    if not 1 <= len(events) <= BATCH_COUNT_MAX:
        raise Malformed(
            "bad batch", expected="1 to 4,096 events", found=str(len(events))
        )
    ordered = _ordered(events[0], signers)
    if any(event["signers"] != events[0]["signers"] for event in events):
        raise Malformed(
            "a batch's events name other signers than its first one",
            code="signers_differ",
        )
    bodies = [encode_event(event) for event in events]
    signatures: list[list[Signature]] = [[] for _ in events]
    for one, batch_id in zip(ordered, batch_ids, strict=True):
        messages = [tbs(one.role, body) for body in bodies]
        for given, made in zip(
            signatures, sign_batch(one.signer, messages, batch_id), strict=True
        ):
            given.append(
                {
                    "value": made.value,
                    "batch": {
                        "batch_id": made.batch_id,
                        "count": made.count,
                        "index": made.index,
                        "path": list(made.path),
                    },
                }
            )
    return [
        _signed(event, body, given, partitions)
        for event, body, given in zip(events, bodies, signatures, strict=True)
    ]


def append(
    log: EventLog,
    signed: Sequence[Signed],
    *,
    in_use: Mapping[str, str] = MappingProxyType({}),
) -> list[Appended]:
    """Appends records in one call, answers in the given order.

    ``in_use``: of a source that was succeeded, the one that stands in its place.

    After a crash or Unavailable some may be in the log; sending all of it again is
    harmless, admission names repeats ``duplicate``.
    """
    by_source: dict[str, list[int]] = {}
    for index, one in enumerate(signed):
        source = in_use.get(one.source, one.source)
        by_source.setdefault(source, []).append(index)
    taken = log.append_all(
        {
            source: [signed[i].data for i in indexes]
            for source, indexes in by_source.items()
        }
    )
    places = [("", 0)] * len(signed)
    for source, indexes in by_source.items():
        for index, ordinal in zip(indexes, taken[source], strict=True):
            places[index] = (source, ordinal)
    return [
        Appended(source=source, ordinal=ordinal, digest=one.digest)
        for one, (source, ordinal) in zip(signed, places, strict=True)
    ]


def _ordered(event: Event, signers: Sequence[RoleSigner]) -> list[RoleSigner]:
    ordered = sorted(signers, key=lambda one: one.signer.key_id)
    if [one.entry for one in ordered] != event["signers"]:
        raise Malformed(
            "the event does not name the keys that sign it",
            code="signers_differ",
            expected=f"{len(event['signers'])} signers, as in the event",
            found=f"{len(ordered)} keys",
        )
    return ordered


def _signed(
    event: Event, body: bytes, signatures: list[Signature], partitions: int
) -> Signed:
    record: Record = {"body": body, "signatures": signatures}
    return Signed(
        data=encode(RECORD_1, record),
        digest=event_digest(body),
        source=source_of(event, partitions),
    )
