"""One accepted event as a department's own programs meet it, and how it is read.

What is signed are the bytes of a record; an event is what they decode to. So there is a
way from a record to an event and none back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn, cast

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    Notification,
    StoredEvent,
)
from typing_extensions import override

from ledger.codec import decode_event, decode_record
from ledger.errors import Malformed
from ledger.events import Value
from ledger.license_identifiers import parse_license_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHolder:
    """One holder: ``code`` only of organisations, ``ref`` opaque, 32 bytes."""

    kind: str
    ref: bytes
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedEvent:
    """One accepted event; times in UTC µs, digests 32 bytes.

    ``originator_id`` is the subject of its chain and ``originator_version`` its sequence
    there. ``license_id``, ``type_code`` and ``issuer`` are empty outside the chains of
    licenses. ``recorded_at`` is the time of its seal, ``position`` its place in sealed
    order. ``fields``: clear values, lists for Strings and objects for Rows; an encrypted
    value stays bytes. ``causes`` are digests of earlier events. ``backfill``: it tells
    of an act that an older system recorded.
    """

    originator_id: str
    originator_version: int
    position: int
    recorded_at: int
    digest: bytes
    event_id: bytes
    chain: str
    act: str
    license_id: str
    type_code: str
    issuer: str
    type_version: int
    effective_at: int
    effective_precision: str
    signed_at: int
    authority: str
    deciding_authority: str
    decision_number: str
    channel: str
    holders: tuple[EventHolder, ...]
    fields: Mapping[str, Any]
    causes: tuple[bytes, ...]
    backfill: bool


@dataclass(frozen=True)
class AcceptedRecord(Notification):
    """A notification whose state is a record's bytes; ``id`` is its position + 1.

    The seal's time and the digest are no part of the bytes, so they stand beside them.
    """

    recorded_at: int
    digest: bytes


class AcceptedMapper(Mapper[str]):
    """Decodes the records of accepted events; makes none."""

    def __init__(self) -> None:
        # The library demands a transcoder of attributes: a record has its own encoding.
        super().__init__(transcoder=JSONTranscoder())

    @override
    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        if not isinstance(stored_event, AcceptedRecord):
            raise Malformed(
                "not a record of this application",
                expected="what its recorder gave",
                found=type(stored_event).__name__,
            )
        return event_of(stored_event)

    @override
    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        read_only()


def event_of(record: AcceptedRecord) -> AcceptedEvent:
    """The event in a record that was accepted."""
    event = decode_event(decode_record(record.state)["body"])
    decision = event["decision"]
    license_id, type_code, issuer = "", "", ""
    if event["chain"] == "license":
        license_id = event["subject"]
        named = parse_license_id(license_id)
        type_code, issuer = named.type_code, named.issuer
    return AcceptedEvent(
        originator_id=event["subject"],
        originator_version=event["sequence"],
        position=record.id - 1,
        recorded_at=record.recorded_at,
        digest=record.digest,
        event_id=event["event_id"],
        chain=event["chain"],
        act=event["act"],
        license_id=license_id,
        type_code=type_code,
        issuer=issuer,
        type_version=event["type_version"],
        effective_at=event["effective_at"],
        effective_precision=event["effective_precision"],
        signed_at=event["signed_at"],
        authority=event["authority"],
        deciding_authority=event["deciding_authority"] or event["authority"],
        decision_number=decision["number"] if decision else "",
        channel=event["channel"],
        holders=tuple(EventHolder(**holder) for holder in event["holders"]),
        fields=MappingProxyType(
            {field["name"]: _plain(field["value"]) for field in event["fields"]}
        ),
        causes=tuple(event["causes"]),
        backfill=event["flags"] is not None,
    )


def _plain(value: Value) -> Any:
    if not isinstance(value, dict):
        return value
    if "strings" in value:
        return list(cast("dict[str, list[str]]", value)["strings"])
    return [
        {cell["name"]: cell["value"] for cell in row["cells"]} for row in value["rows"]
    ]


def read_only() -> NoReturn:
    """Raises Malformed: whoever comes here took the ledger for an event store."""
    raise Malformed(
        "accepted events are read only",
        expected="a signed record appended to the log, which admission judges",
        found="an event to be recorded",
    )
