"""The timeline: one row per accepted act of a license, with both times and both states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from ledger.admission import Admission, Verdict
from ledger.facts import Act
from ledger.license import State
from ledger.lifecycle import shown_state
from ledger.workdays import legal_day
from projections import shown
from projections.states import settled_day, shown_on, types_of
from projections.table import Table, as_json

TABLE = Table(
    "timeline",
    {
        "position": "int8",
        "license_id": "text",
        "sequence": "int8",
        "act": "text",
        "source_act": "text",
        "effective_day": "int4",
        "effective_at": "int8",
        "recorded_at": "int8",
        "state_before": "text",
        "state_after": "text",
        "version": "int4",
        "changed": "jsonb",
        "flags": "text[]",
        "decision_number": "text",
        "reason_code": "text",
        "authority": "text",
        "deciding_authority": "text",
        "signers": "text[]",
        "digest": "bytea",
    },
    key=("position",),
)
TABLES = (TABLE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One accepted act; ``changed`` is name -> [old, new], flags those of this act."""

    position: int
    license_id: str
    sequence: int
    act: str
    source_act: str
    effective_day: int
    effective_at: int
    recorded_at: int
    state_before: str
    state_after: str
    version: int
    changed: dict[str, list[Any]]
    flags: list[str]
    decision_number: str
    reason_code: str
    authority: str
    deciding_authority: str
    signers: list[str]
    digest: bytes


def rows(
    verdicts: Iterable[Verdict], admission: Admission
) -> Iterator[tuple[Any, ...]]:
    """One row per accepted act of a license; ``admission`` judged them just now."""
    for verdict in verdicts:
        act, after, event = verdict.act, verdict.after, verdict.event
        if act is None or after is None or event is None:
            continue
        yield (
            act.position,
            event["subject"],
            act.sequence,
            act.act,
            act.source_act,
            legal_day(act.effective_at),
            act.effective_at,
            act.recorded_at,
            *_states(verdict, act, event["subject"], admission),
            after.version,
            as_json(shown.changes(verdict.before, after)),
            list(verdict.flags),
            act.decision_number,
            act.reason_code,
            act.authority,
            act.deciding_authority,
            [signer["key_id"].hex() for signer in event["signers"]],
            act.digest,
        )


def _states(
    verdict: Verdict, act: Act, license_id: str, admission: Admission
) -> list[State]:
    """The states before and after an act, on its effective day, as known then."""
    day = legal_day(act.effective_at)
    found = []
    for license_, known in (
        (verdict.before, act.sequence - 1),
        (verdict.after, act.sequence),
    ):
        if license_ is None:
            found.append(State.NONE)
        elif day >= settled_day(license_):
            found.append(shown_state(license_, day))
        else:
            # Something later is in force already: fold only what held on that day.
            acts = admission.chains["license", license_id].acts[:known]
            types = types_of(admission.registry, license_id)
            found.append(shown_on(day, acts, types))
    return found


def write(cur: Any, verdicts: Iterable[Verdict], admission: Admission) -> None:
    """Appends the rows of a batch; ``admission`` holds the chains of its licenses."""
    TABLE.append(cur, list(rows(verdicts, admission)))


_OF_LICENSE = TABLE.select("WHERE license_id = %s ORDER BY sequence")
_BY_ACT = "SELECT act, count(*) FROM timeline GROUP BY act"


def timeline_of(conn: Connection[Any], license_id: str) -> list[TimelineRow]:
    """The accepted acts of a license in recorded order."""
    with conn.cursor(row_factory=class_row(TimelineRow)) as cur:
        return cur.execute(_OF_LICENSE, (license_id,)).fetchall()


def count_by_act(conn: Connection[Any]) -> dict[str, int]:
    """How many accepted acts of licenses there are of each kind."""
    with conn.cursor() as cur:
        return dict(cur.execute(_BY_ACT).fetchall())
