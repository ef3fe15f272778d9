"""The holder archive (一人一档, 一企一档): who is and was a holder of which license.

A row says how one event left one holder of one license, so rows are only ever added: a
holder's last row of a license tells how it is now, the rows before it what was known
earlier. Which days somebody held a license is a question to the fold of its acts
(``ledger.holding``), for a late or restored act may answer it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import class_row

from ledger.admission import Verdict
from ledger.facts import Act
from ledger.lifecycle import ACTS
from ledger.workdays import legal_day
from projections.table import Table

TABLE = Table(
    "holder_archive",
    {
        "ref": "bytea",
        "license_id": "text",
        "position": "int8",
        "kind": "text",
        "code": "text",
        "place": "int4",
        "act": "text",
        "effective_day": "int4",
    },
    key=("ref", "license_id", "position"),
)
DESCENT = Table(
    "license_descent",
    {
        "position": "int8",
        "license_id": "text",
        "act": "text",
        "other": "text",
        "effective_day": "int4",
    },
    key=("position",),
)
TABLES = (TABLE, DESCENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderRow:
    """One holder of one license since one event.

    ``place``: 0 the first holder, from 1 on those who hold it together with the first
    (共有人); None: not among the holders since, or only in a past that a late event told.
    ``code``: organisations only.
    """

    ref: bytes
    license_id: str
    position: int
    kind: str
    code: str
    place: int | None
    act: str
    effective_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DescentRow:
    """One act that says of a license as which other it goes on, or which went before.

    LINK (归并): ``license_id`` goes on as ``other``. TRANSFER_IN (转入): it goes on where
    ``other`` left off. TRANSFER_OUT (转出): it leaves; ``other`` is empty. Acts that a
    RESTORE undid stand here too.
    """

    position: int
    license_id: str
    act: str
    other: str
    effective_day: int


_Entry = tuple[str, bytes, str]
"""Kind, ref and code of a holder, as a license has them."""


def rows(verdicts: Iterable[Verdict]) -> Iterator[tuple[Any, ...]]:
    """Rows of the holders that accepted acts brought, moved, left out, or named at all."""
    for verdict in verdicts:
        act, after, event = verdict.act, verdict.after, verdict.event
        if act is None or after is None or event is None:
            continue
        before = verdict.before
        if before is None:
            moved: Iterable[tuple[int | None, _Entry]] = enumerate(after.holders)
        elif act.holders == before.holders == after.holders:
            continue
        else:
            named = act.holders if ACTS[act.act].may_change_holders else ()
            moved = _moved(before.holders, after.holders, named)
        day = legal_day(act.effective_at)
        for place, (kind, ref, code) in moved:
            yield (
                ref,
                event["subject"],
                act.position,
                kind,
                code,
                place,
                act.act,
                day,
            )


def _moved(
    before: Sequence[_Entry], after: Sequence[_Entry], named: Sequence[_Entry]
) -> Iterator[tuple[int | None, _Entry]]:
    """Who stands elsewhere than before, and whom the act names without effect on today.

    The latter held it for a time that is over: the act came late.
    """
    was = {entry[1]: (place, entry) for place, entry in enumerate(before)}
    now = {entry[1]: (place, entry) for place, entry in enumerate(after)}
    for ref, (place, entry) in now.items():
        if was.get(ref) != (place, entry):
            yield place, entry
    for ref, entry in {entry[1]: entry for entry in (*named, *before)}.items():
        if ref not in now:
            yield None, entry


def descents(verdicts: Iterable[Verdict]) -> Iterator[tuple[Any, ...]]:
    """Rows of the acts that join one license to another."""
    for verdict in verdicts:
        act, event = verdict.act, verdict.event
        if act is None or event is None or act.act not in _JOINING:
            continue
        yield (
            act.position,
            event["subject"],
            act.act,
            _other(act),
            legal_day(act.effective_at),
        )


_JOINING = frozenset(("LINK", "TRANSFER_IN", "TRANSFER_OUT"))


def _other(act: Act) -> str:
    """The license_id that a joining act names; TRANSFER_OUT names none."""
    if act.act == "LINK":
        return str(act.fields["continues_as"])
    if act.act == "TRANSFER_IN":
        identifier = str(act.fields["previous_identifier"])
        return identifier.rsplit(".", 2)[0]  # without version and check character
    return ""


def write(cur: Cursor[Any], verdicts: Sequence[Verdict]) -> None:
    """Appends the rows of a batch of accepted acts of licenses."""
    if found := list(rows(verdicts)):
        TABLE.append(cur, found)
    if joined := list(descents(verdicts)):
        DESCENT.append(cur, joined)


_OF_REF = TABLE.select("WHERE ref = %s ORDER BY license_id, position")
_OF_CODE = TABLE.select(
    "WHERE code = %s AND code <> '' AND kind = %s ORDER BY license_id, ref, position"
)
_NEIGHBOURS = DESCENT.select(
    "WHERE license_id = ANY(%(ids)s::text[]) "
    "OR (other <> '' AND other = ANY(%(ids)s::text[])) ORDER BY position"
)


def of_ref(conn: Connection[Any], ref: bytes) -> list[HolderRow]:
    """All that is known of one holder, by license and in recorded order."""
    with conn.cursor(row_factory=class_row(HolderRow)) as cur:
        return cur.execute(_OF_REF, (ref,)).fetchall()


def of_code(conn: Connection[Any], kind: str, code: str) -> list[HolderRow]:
    """The same of an organisation by its code, under whatever refs it stands."""
    with conn.cursor(row_factory=class_row(HolderRow)) as cur:
        return cur.execute(_OF_CODE, (code, kind)).fetchall()


def descents_of(conn: Connection[Any], license_ids: Iterable[str]) -> list[DescentRow]:
    """Acts that join these licenses to others, said of either, in sealed order."""
    with conn.cursor(row_factory=class_row(DescentRow)) as cur:
        return cur.execute(_NEIGHBOURS, {"ids": list(license_ids)}).fetchall()
