"""The audit trail: one row per record, refused ones too, in sealed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from psycopg import Connection
from psycopg.rows import class_row

from ledger.admission import Verdict
from ledger.events import Event
from ledger.refusals import ACCEPTED
from ledger.seal import SealedVerdict
from ledger.workdays import day_to_date, legal_day
from projections.table import Table
from projections.text import harmless

TABLE = Table(
    "audit_trail",
    {
        "position": "int8",
        "source": "text",
        "ordinal": "int8",
        "seal_no": "int8",
        "recorded_at": "int8",
        "leaf": "bytea",
        "verdict": "text",
        "detail": "text",
        "digest": "bytea",
        "chain": "text",
        "subject": "text",
        "sequence": "int8",
        "act": "text",
        "effective_at": "int8",
        "signed_at": "int8",
        "authority": "text",
        "channel": "text",
        "decision_number": "text",
        "source_system": "text",
        "source_ref": "text",
        "signers": "text[]",
        "handled_by": "text[]",
    },
    key=("position",),
)
TABLES = (TABLE,)
_UNREADABLE = (None,) * 14


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One record and its verdict; all after ``detail`` is None when it was unreadable."""

    position: int
    source: str
    ordinal: int
    seal_no: int
    recorded_at: int
    leaf: bytes
    verdict: str
    detail: str
    digest: bytes | None
    chain: str | None
    subject: str | None
    sequence: int | None
    act: str | None
    effective_at: int | None
    signed_at: int | None
    authority: str | None
    channel: str | None
    decision_number: str | None
    source_system: str | None
    source_ref: str | None
    signers: list[str] | None
    handled_by: list[str] | None


def rows(verdicts: Iterable[Verdict]) -> Iterator[tuple[Any, ...]]:
    """One row per verdict."""
    for verdict in verdicts:
        place = (
            verdict.position,
            verdict.source,
            verdict.ordinal,
            verdict.seal_no,
            verdict.recorded_at,
            verdict.leaf,
            verdict.code,
        )
        event = verdict.event
        if event is not None and verdict.accepted:
            yield (*place, verdict.detail, verdict.digest, *_readable(event, str))
            continue
        latest = day_to_date(legal_day(verdict.recorded_at))
        text = partial(harmless, latest=latest)
        said = text(verdict.detail)
        if event is None:
            yield (*place, said, *_UNREADABLE)
        else:
            yield (*place, said, verdict.digest, *_readable(event, text))


def _readable(event: Event, text: Callable[[str], str]) -> tuple[Any, ...]:
    matter, decision = event["matter"], event["decision"]
    return (
        event["chain"],
        text(event["subject"]),
        event["sequence"],
        text(event["act"]),
        event["effective_at"],
        event["signed_at"],
        text(event["authority"]),
        text(event["channel"]),
        text(decision["number"]) if decision else "",
        text(matter["source_system"]),
        text(matter["source_ref"]),
        [signer["key_id"].hex() for signer in event["signers"]],
        [text(matter[who]) for who in ("operator", "reviewer", "approver")],
    )


def write(cur: Any, verdicts: Iterable[Verdict]) -> None:
    """Appends the rows of a batch."""
    TABLE.append(cur, list(rows(verdicts)))


_OF_SUBJECT = TABLE.select("WHERE subject = %s ORDER BY position")
_AT_POSITION = TABLE.select("WHERE position = %s")
_AT_ORDINAL = TABLE.select("WHERE source = %s AND ordinal = %s")
_AT_ORDINALS = TABLE.select(
    "WHERE (source, ordinal) IN (SELECT * FROM unnest(%s::text[], %s::bigint[]))"
)
_OF_DIGEST = TABLE.select(
    "WHERE digest = %s ORDER BY verdict <> 'accepted', position LIMIT 1"
)
_COUNTS = "SELECT verdict, count(*) FROM audit_trail GROUP BY verdict"
_BETWEEN = (
    "SELECT position, leaf, verdict FROM audit_trail "
    "WHERE position >= %s AND position < %s ORDER BY position"
)


def audit_of(conn: Connection[Any], subject: str) -> list[AuditRow]:
    """Every record about a subject, refused ones too, in sealed order."""
    with conn.cursor(row_factory=class_row(AuditRow)) as cur:
        return cur.execute(_OF_SUBJECT, (subject,)).fetchall()


def verdict_at(conn: Connection[Any], position: int) -> AuditRow | None:
    """The record at a position, None when it is not projected."""
    with conn.cursor(row_factory=class_row(AuditRow)) as cur:
        return cur.execute(_AT_POSITION, (position,)).fetchone()


def verdict_in(conn: Connection[Any], source: str, ordinal: int) -> AuditRow | None:
    """The record at an ordinal of a source, None when it is not projected."""
    with conn.cursor(row_factory=class_row(AuditRow)) as cur:
        return cur.execute(_AT_ORDINAL, (source, ordinal)).fetchone()


def verdict_of(conn: Connection[Any], digest: bytes) -> AuditRow | None:
    """The record with this event digest: the accepted one, else the first refused."""
    with conn.cursor(row_factory=class_row(AuditRow)) as cur:
        return cur.execute(_OF_DIGEST, (digest,)).fetchone()


def count_by_verdict(conn: Connection[Any]) -> dict[str, int]:
    """How many records got each verdict, ``accepted`` among them."""
    with conn.cursor() as cur:
        return dict(cur.execute(_COUNTS).fetchall())


def count_by_refusal(conn: Connection[Any]) -> dict[str, int]:
    """How many records were refused with each code."""
    counts = count_by_verdict(conn)
    counts.pop(ACCEPTED, None)
    return counts


def verdicts_between(
    conn: Connection[Any], first: int, end: int
) -> list[SealedVerdict]:
    """What the verdict tree says of the projected records in a range of positions."""
    with conn.cursor(binary=True) as cur:
        return [
            SealedVerdict(position=position, leaf=leaf, code=code)
            for position, leaf, code in cur.execute(_BETWEEN, (first, end))
        ]


_OF_ROWS = (
    "SELECT source_ref, subject FROM audit_trail WHERE source_system = %s "
    "AND source_ref = ANY(%s::text[]) AND source_ref <> '' "
    "AND verdict = 'accepted' AND chain = 'license'"
)
_CODES = (
    "SELECT a.digest, a.verdict FROM audit_trail a "
    "JOIN unnest(%s::text[], %s::bigint[]) AS asked (source, ordinal) "
    "ON a.source = asked.source AND a.ordinal = asked.ordinal"
)


class Ordinal(Protocol):
    """A record's place in its source."""

    @property
    def source(self) -> str:
        """Name of the source."""
        ...

    @property
    def ordinal(self) -> int:
        """Its number there, from 0."""
        ...


def licenses_of_rows(
    conn: Connection[Any], system: str, source_refs: Sequence[str]
) -> dict[str, set[str]]:
    """Row key of a source system -> licenses with an accepted act from that row."""
    found: dict[str, set[str]] = {}
    with conn.cursor(binary=True) as cur:
        cur.execute(_OF_ROWS, (system, list(source_refs)), prepare=True)
        for source_ref, subject in cur:
            found.setdefault(source_ref, set()).add(subject)
    return found


def codes_of(conn: Connection[Any], asked: Sequence[Ordinal]) -> dict[bytes, str]:
    """Event digest -> verdict of records at these places, those that are projected."""
    with conn.cursor(binary=True) as cur:
        sources = [one.source for one in asked]
        cur.execute(_CODES, (sources, [one.ordinal for one in asked]), prepare=True)
        return {digest: verdict for digest, verdict in cur if digest is not None}


def verdicts_in(conn: Connection[Any], asked: Sequence[Ordinal]) -> list[AuditRow]:
    """The records at these places, those that are projected, in any order."""
    with conn.cursor(row_factory=class_row(AuditRow)) as cur:
        sources = [one.source for one in asked]
        ordinals = [one.ordinal for one in asked]
        return cur.execute(_AT_ORDINALS, (sources, ordinals)).fetchall()
