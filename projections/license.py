"""The current license store: one row per license, and the state it shows on any day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from ledger.admission import Verdict
from ledger.license import License, State
from ledger.license_identifiers import parse_license_id
from ledger.registry import Registry
from ledger.workdays import legal_day
from projections import chain, shown
from projections.states import settled_day, shown_on, types_of
from projections.table import Table

NO_END = 2_147_483_647

TABLE = Table(
    "license",
    {
        "license_id": "text",
        "type_code": "text",
        "issuer": "text",
        "serial": "text",
        "source_system": "text",
        "source_ref": "text",
        "area": "text",
        "type_version": "int4",
        "opening": "text",
        "version": "int4",
        "identifier": "text",
        "terminal": "text",
        "terminal_day": "int4",
        "after": "text",
        "ground": "text",
        "merged_into": "text",
        "valid_from": "int4",
        "valid_until": "int4",
        "renewal_pending": "bool",
        "suspended_until": "int4",
        "paused_until": "int4",
        "settled_day": "int4",
        "flags": "text[]",
        "license": "bytea",
        "sequence": "int8",
        "last_position": "int8",
        "opened_day": "int4",
    },
    key=("license_id",),
    keep=(
        "type_code",
        "issuer",
        "serial",
        "source_system",
        "source_ref",
        "opened_day",
    ),
)
TABLES = (TABLE,)
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(License).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseRow:
    """One license; days are day numbers in UTC+8."""

    license_id: str
    type_code: str
    issuer: str
    serial: str
    source_system: str
    source_ref: str
    area: str
    type_version: int
    opening: str
    version: int
    identifier: str
    terminal: str
    terminal_day: int | None
    after: str
    ground: str
    merged_into: str
    valid_from: int | None
    valid_until: int | None
    renewal_pending: bool
    suspended_until: int | None
    paused_until: int | None
    settled_day: int
    flags: list[str]
    license: bytes
    sequence: int
    last_position: int
    opened_day: int

    @property
    def folded(self) -> License:
        """The folded license itself."""
        return _DECODE(self.license)

    @property
    def holders(self) -> list[dict[str, str]]:
        """Kind, opaque reference in hex, and code (organisations only) of each holder."""
        return shown.holders(self.folded.holders)

    @property
    def fields(self) -> dict[str, Any]:
        """The face: clear values, or {"encrypted": base64, "event": hex, "holder": n}."""
        face = self.folded.face
        return {name: shown.face_value(face[name]) for name in sorted(face)}


def rows(verdicts: Iterable[Verdict]) -> list[tuple[Any, ...]]:
    """One row per license of the batch: what its last accepted act left behind."""
    last: dict[str, Verdict] = {}
    opened: dict[str, tuple[str, str, int]] = {}
    for verdict in verdicts:
        act, event = verdict.act, verdict.event
        if act is None or verdict.after is None or event is None:
            continue
        last[event["subject"]] = verdict
        if act.sequence == 1:
            matter = event["matter"]
            opened[event["subject"]] = (
                matter["source_system"],
                matter["source_ref"],
                legal_day(act.effective_at),
            )
    return [
        _row(license_id, verdict, opened.get(license_id, _KEPT))
        for license_id, verdict in last.items()
    ]


_KEPT = ("", "", 0)
"""Stands for what the opening act said, where the row has it already."""


def _row(
    license_id: str, verdict: Verdict, opened: tuple[str, str, int]
) -> tuple[Any, ...]:
    act, after = verdict.act, verdict.after
    if act is None or after is None:
        raise AssertionError("only accepted acts of licenses make rows")
    named = parse_license_id(license_id)
    return (
        license_id,
        named.type_code,
        named.issuer,
        named.serial,
        *opened[:2],
        after.area,
        after.type_version,
        after.opening,
        after.version,
        after.identifier,
        after.terminal,
        after.terminal_day,
        after.after,
        after.ground,
        after.merged_into,
        after.valid_from,
        after.valid_until,
        after.renewal_pending,
        until(after, State.SUSP),
        until(after, State.PAUS),
        settled_day(after),
        list(after.flags),
        _ENCODE(after),
        act.sequence,
        act.position,
        opened[2],
    )


def until(license_: License, state: State) -> int | None:
    """Last day of a license's suspensions or pauses: None for none, NO_END for no end."""
    if not license_.restrictions:
        return None
    ends = [
        NO_END if restriction.until_day is None else restriction.until_day
        for restriction in license_.restrictions
        if restriction.state == state
    ]
    return max(ends, default=None)


def write(cur: Cursor[Any], verdicts: Iterable[Verdict]) -> None:
    """Replaces the rows of the licenses that a batch touched."""
    found = rows(verdicts)
    if found:
        TABLE.merge(cur, found)


_FIND = TABLE.select("WHERE license_id = %s")
_FIND_BY_SOURCE = TABLE.select(
    "WHERE serial = %s AND source_system = %s ORDER BY license_id"
)
_FOLDED = "SELECT license_id, license FROM license WHERE license_id = ANY(%b::text[])"
SHOWN_STATE: Final = """
CASE WHEN terminal <> '' THEN terminal
     WHEN valid_until < %(day)s AND NOT renewal_pending THEN 'EXP'
     WHEN suspended_until >= %(day)s THEN 'SUSP'
     WHEN paused_until >= %(day)s THEN 'PAUS'
     ELSE 'VALID' END
"""
"""The state that a row shows on a day from its settled day on."""
_STATES = f"""
SELECT {SHOWN_STATE} AS state, count(*)
FROM license WHERE settled_day <= %(day)s GROUP BY state
"""  # noqa: S608 - both are literals
_UNSETTLED = "SELECT license_id FROM license WHERE settled_day > %s ORDER BY license_id"
_UNSETTLED_AT_ONCE = 1_000


def find(conn: Connection[Any], license_id: str) -> LicenseRow | None:
    """The license of this id, None when there is none."""
    with conn.cursor(row_factory=class_row(LicenseRow)) as cur:
        return cur.execute(_FIND, (license_id,)).fetchone()


def find_by_source(conn: Connection[Any], system: str, number: str) -> list[LicenseRow]:
    """Licenses whose opening act came from ``system`` with this serial, in id order."""
    with conn.cursor(row_factory=class_row(LicenseRow)) as cur:
        return cur.execute(_FIND_BY_SOURCE, (number, system)).fetchall()


def load(conn: Connection[Any], license_ids: Iterable[str]) -> dict[str, License]:
    """The folded licenses of these ids."""
    with conn.cursor(binary=True) as cur:
        cur.execute(_FOLDED, (list(license_ids),), prepare=True)
        return {license_id: _DECODE(data) for license_id, data in cur}


def count_by_state(
    conn: Connection[Any], as_of_day: int, registry: Registry
) -> dict[str, int]:
    """How many licenses show each state on a day, as known now.

    A license that an act moved after that day is folded again up to it; one that was
    not opened yet counts as NONE. The counts add up to the number of licenses.
    """
    with conn.cursor() as cur:
        counts: dict[str, int] = dict(
            cur.execute(_STATES, {"day": as_of_day}).fetchall()
        )
        later = [row[0] for row in cur.execute(_UNSETTLED, (as_of_day,))]
    for start in range(0, len(later), _UNSETTLED_AT_ONCE):
        states = chain.load(conn, later[start : start + _UNSETTLED_AT_ONCE])
        for (kind, license_id), found in states.items():
            if kind == "license":
                types = types_of(registry, license_id)
                state = shown_on(as_of_day, found.acts, types)
                counts[state] = counts.get(state, 0) + 1
    return counts
