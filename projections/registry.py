"""The registry in tables: its accepted records, and how it stands now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import class_row

from ledger.admission import Verdict
from ledger.authorities import Grant
from ledger.keyring import Key
from ledger.registry import Registry, replay
from ledger.registry_subjects import parse_subject
from ledger.sources import base_of
from projections.shown import day_text
from projections.table import Table, as_json

EVENT = Table(
    "registry_event",
    {
        "position": "int8",
        "recorded_at": "int8",
        "subject": "text",
        "sequence": "int8",
        "act": "text",
        "digest": "bytea",
        "body": "bytea",
    },
    key=("position",),
)
AUTHORITY = Table(
    "registry_authority",
    {
        "uscc": "text",
        "name": "text",
        "area": "text",
        "level": "text",
        "roles": "text[]",
        "types": "text[]",
        "delegations": "jsonb",
        "successions": "jsonb",
        "since": "int8",
        "ended": "int8",
    },
    key=("uscc",),
)
KEY = Table(
    "registry_key",
    {
        "key_id": "bytea",
        "public_key": "bytea",
        "purpose": "text",
        "authority": "text",
        "since": "int8",
        "ended": "int8",
        "compromised_since": "int8",
    },
    key=("key_id",),
)
TYPE = Table(
    "registry_type",
    {
        "code": "text",
        "version": "int4",
        "name": "text",
        "name_en": "text",
        "definer": "text",
        "in_force": "bool",
    },
    key=("code",),
)
TABLES = (EVENT, AUTHORITY, KEY, TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRow:
    """One authority; ``types`` None = every type, grants as their rows say."""

    uscc: str
    name: str
    area: str
    level: str
    roles: list[str]
    types: list[str] | None
    delegations: list[dict[str, Any]]
    successions: list[dict[str, Any]]
    since: int
    ended: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key; ``since`` and ``ended`` are positions, ``compromised_since`` UTC µs."""

    key_id: bytes
    public_key: bytes
    purpose: str
    authority: str
    since: int
    ended: int | None
    compromised_since: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRow:
    """The last version of one license type."""

    code: str
    version: int
    name: str
    name_en: str
    definer: str
    in_force: bool


def write(cur: Cursor[Any], verdicts: Iterable[Verdict], state: Registry) -> None:
    """Appends the accepted records of a batch and renews what they touched.

    ``state`` is the registry as it stands after the batch.
    """
    records = list(rows(verdicts))
    if not records:
        return
    EVENT.append(cur, records)
    touched = {parse_subject(record[2]) for record in records}
    authorities = sorted(name for kind, name in touched if kind == "authority")
    AUTHORITY.merge(cur, [_authority(state, uscc) for uscc in authorities])
    keys = {bytes.fromhex(name) for kind, name in touched if kind == "key"}
    if keys or any(kind == "ledger" for kind, _ in touched):
        KEY.merge(cur, list(_keys(state, keys)))
    codes = sorted(name for kind, name in touched if kind == "type")
    TYPE.merge(cur, [_type(state, code) for code in codes])


def rows(verdicts: Iterable[Verdict]) -> Iterator[tuple[Any, ...]]:
    """One row per accepted record."""
    for verdict in verdicts:
        act, event = verdict.act, verdict.event
        if act is not None and event is not None and event["chain"] == "registry":
            yield (
                act.position,
                act.recorded_at,
                event["subject"],
                act.sequence,
                act.act,
                act.digest,
                verdict.body,
            )


def _authority(state: Registry, uscc: str) -> tuple[Any, ...]:
    found = state.authorities[uscc]
    return (
        found.uscc,
        found.name,
        found.area,
        found.level,
        sorted(found.roles),
        None if found.types is None else sorted(found.types),
        as_json([_grant(grant) for grant in found.delegations]),
        as_json([_grant(grant) for grant in found.successions]),
        found.since,
        found.ended,
    )


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "to": grant.to,
        "type": grant.type_code,
        "acts": None if grant.acts is None else sorted(grant.acts),
        "from": day_text(grant.from_day),
        "until": day_text(grant.until_day),
        "area": grant.area,
        "basis": grant.basis,
        "shown_name": grant.shown_name,
    }


def _keys(state: Registry, touched: set[bytes]) -> Iterator[tuple[Any, ...]]:
    """Rows of these keys, and of those that a new one or the founding moves too."""
    for key in state.keys:
        if key.key_id in touched or key.purpose in ("root", "seal"):
            yield _key(key)


def _key(key: Key) -> tuple[Any, ...]:
    return (
        key.key_id,
        key.public_key,
        key.purpose,
        key.authority,
        key.since,
        key.ended,
        key.compromised_since,
    )


def _type(state: Registry, code: str) -> tuple[Any, ...]:
    last = state.license_type(code, state.next_type_version(code) - 1)
    if last is None:
        raise AssertionError(f"type {code} was accepted without a version")
    return (
        last.code,
        last.version,
        last.name,
        last.name_en,
        last.definer,
        state.license_type(code) is not None,
    )


_BODIES = (
    "SELECT position, recorded_at, body FROM registry_event WHERE position < %s "
    "ORDER BY position"
)
_END = 2**63 - 1
_AUTHORITIES = AUTHORITY.select("ORDER BY uscc")
_KEYS = KEY.select("ORDER BY since, key_id")
_TYPES = TYPE.select("ORDER BY code")


def load(conn: Connection[Any], *, before: int = _END) -> Registry:
    """The registry as it stood before a position, all of it by default."""
    with conn.cursor(binary=True) as cur:
        return replay(cur.execute(_BODIES, (before,)))


def authorities(conn: Connection[Any]) -> Sequence[AuthorityRow]:
    """All authorities, ended ones too."""
    with conn.cursor(row_factory=class_row(AuthorityRow)) as cur:
        return cur.execute(_AUTHORITIES).fetchall()


def keys(conn: Connection[Any]) -> Sequence[KeyRow]:
    """All keys in the order of their registration, ended ones too."""
    with conn.cursor(row_factory=class_row(KeyRow)) as cur:
        return cur.execute(_KEYS).fetchall()


def types(conn: Connection[Any]) -> Sequence[TypeRow]:
    """All license types, ended ones too."""
    with conn.cursor(row_factory=class_row(TypeRow)) as cur:
        return cur.execute(_TYPES).fetchall()


_SUCCESSIONS = """
SELECT substr(subject, 8) FROM registry_event WHERE subject LIKE 'source:%'
ORDER BY position
"""


def in_use(conn: Connection[Any]) -> dict[str, str]:
    """Of every source that was succeeded: the one that stands in its place now."""
    with conn.cursor() as cur:
        return {base_of(row[0]): row[0] for row in cur.execute(_SUCCESSIONS)}


def last_position(conn: Connection[Any]) -> int:
    """The position of the last registry record that is projected; -1 for none."""
    with conn.cursor() as cur:
        row = cur.execute("SELECT max(position) FROM registry_event").fetchone()
    return -1 if row is None or row[0] is None else int(row[0])


_KEY_POSITIONS = """
SELECT position FROM registry_event
WHERE subject = 'ledger:' OR subject IN (
    SELECT 'key:' || encode(key_id, 'hex') FROM registry_key WHERE purpose IN ('root', 'seal'))
ORDER BY position
"""


def key_positions(conn: Connection[Any]) -> list[int]:
    """Positions of the founding record and of all records on root and sealer keys."""
    with conn.cursor() as cur:
        return [row[0] for row in cur.execute(_KEY_POSITIONS)]
