"""The field history: every value that a field of a license took in another's place.

A row says what one act did to one field: the value that stood before, the one that the
act brings, and whether that one stands since. Rows are only added. The opening act has
none: its values are those of the face until a row says otherwise, and ``old`` repeats
them then. So nine licenses of ten, which never change, cost nothing.

Who signed an act, when it took effect and when it was recorded stands in the timeline
under the same position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import class_row

from ledger.admission import Admission, Verdict
from ledger.effective_order import left_out
from ledger.facts import Act
from ledger.license import FaceValue, License
from ledger.lifecycle import ACTS
from ledger.reserved_fields import RESERVED
from projections import shown
from projections.shown import day_text
from projections.table import Table, as_json

HOLDERS = "holders"
"""Stands for the holders among the field names; its values list their refs."""

TABLE = Table(
    "field_history",
    {
        "license_id": "text",
        "field": "text",
        "position": "int8",
        "act": "text",
        "old": "jsonb",
        "old_position": "int8",
        "new": "jsonb",
        "new_position": "int8",
        "stands": "bool",
    },
    key=("license_id", "field", "position"),
)
TABLES = (TABLE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """What the act at ``position`` did to a field.

    ``old`` stood before, as it was known then; ``new`` is what the act says or, where a
    RESTORE or a stay (停止执行) takes another act out of the fold, what shows again.
    ``None`` is no value. Their positions are those of the acts that said so. Not
    ``stands``: what shows is ``old`` still, the new value belongs to a past that the act
    told late, or corrects. Encrypted values stay so: see ``shown.face_value``.
    """

    license_id: str
    field: str
    position: int
    act: str
    old: Any
    old_position: int | None
    new: Any
    new_position: int | None
    stands: bool


_Change = tuple[str, Any, int | None, Any, int | None, bool]
"""Values and positions of one row, from ``field`` on, without position and act."""

TERMS = ("area", "valid_from", "valid_until")
"""Reserved fields that the fold keeps beside the face, without who said them."""


def rows(
    verdicts: Iterable[Verdict], admission: Admission
) -> Iterator[tuple[Any, ...]]:
    """One row per act and field that it is about; ``admission`` judged them just now."""
    for verdict in verdicts:
        act, before, after = verdict.act, verdict.before, verdict.after
        if act is None or before is None or after is None or verdict.event is None:
            continue
        license_id = verdict.event["subject"]
        found = list(_of_face(before, act, after))
        if rest := list(_of_rest(before, act, after)):
            chain = admission.chains["license", license_id].acts[: act.sequence]
            found += [_placed(one, act, chain) for one in rest]
        for name, old, old_position, new, new_position, stands in found:
            yield (
                license_id,
                name,
                act.position,
                act.act,
                None if old is None else as_json(old),
                old_position,
                None if new is None else as_json(new),
                new_position,
                stands,
            )


def _of_face(before: License, act: Act, after: License) -> Iterator[_Change]:
    """What an act did to the type's own fields."""
    had, has = before.face, after.face
    said: Mapping[str, Any] = act.fields if ACTS[act.act].face != "none" else {}
    if had is has and not said:
        return
    names = {name for name in said if name not in RESERVED}
    names.update(name for name in had.keys() | has.keys() if _other(name, had, has))
    for name in sorted(names):
        old, new = had.get(name), has.get(name)
        stands = old != new
        if not stands:
            new = _said(act, said[name])
        value, says = _held(new)
        if value is None and name in said:
            says = act.position  # which empties the field
        if old is not None or new is not None:
            yield (name, *_held(old), value, says, stands)


def _other(
    name: str, had: Mapping[str, FaceValue], has: Mapping[str, FaceValue]
) -> bool:
    old, new = had.get(name), has.get(name)
    return old is not new and old != new


def _said(act: Act, value: Any) -> FaceValue | None:
    """A value as an act carries it; None when it empties the field."""
    if value is None:
        return None
    return FaceValue(
        value=value, position=act.position, event_id=act.event_id, since_day=0
    )


def _held(value: FaceValue | None) -> tuple[Any, int | None]:
    """A value as the table holds it, and the act that said it."""
    return (None, None) if value is None else (shown.face_value(value), value.position)


def _of_rest(before: License, act: Act, after: License) -> Iterator[_Change]:
    """What an act did to terms, area and holders; who said the values is not told."""
    rule = ACTS[act.act]
    for name in TERMS:
        old, new = getattr(before, name), getattr(after, name)
        given = rule.face != "none" and name in act.fields
        if old == new and not given:
            continue
        said = act.fields[name] if given else _term(new)
        yield name, _term(old), None, said, None, said == _term(new)
    old, new = before.holders, after.holders
    said = act.holders if rule.may_change_holders else new
    if not old == new == said:
        stands = old != new
        yield HOLDERS, _refs(old), None, _refs(new if stands else said), None, stands


def _term(value: Any) -> str | None:
    """An area or a day as an act carries it."""
    return day_text(value) if isinstance(value, int) else value or None


def _refs(holders: Sequence[tuple[str, bytes, str]]) -> list[str]:
    return [ref.hex() for _, ref, _ in holders]


def _placed(change: _Change, act: Act, chain: Sequence[Act]) -> _Change:
    """Adds who said the values: the last act in the fold that carries them."""
    name, old, _, new, _, stands = change
    before = _sayer(chain[:-1], name, old)
    says = act.position if _carries(act, name, new) else _sayer(chain, name, new)
    return name, old, before, new, says, stands


def _sayer(chain: Sequence[Act], name: str, value: Any) -> int | None:
    if value is None and not any(name in act.fields for act in chain):
        return None
    out = left_out(chain)
    for act in reversed(chain):
        if act.digest not in out and _carries(act, name, value):
            return act.position
    return None


def _carries(act: Act, name: str, value: Any) -> bool:
    rule = ACTS[act.act]
    if name == HOLDERS:
        return rule.may_change_holders and _refs(act.holders) == value
    return rule.face != "none" and name in act.fields and act.fields[name] == value


def said_by(act: Act, field: str) -> Any:
    """The value of a field as an act carries it, in the form of the table."""
    return _held(_said(act, act.fields.get(field)))[0]


def shown_in(license_: License, field: str) -> Any:
    """What a folded license shows of a field, in the form of the table."""
    if field == HOLDERS:
        return _refs(license_.holders)
    if field in TERMS:
        return _term(getattr(license_, field))
    return _held(license_.face.get(field))[0]


def write(cur: Cursor[Any], verdicts: Sequence[Verdict], admission: Admission) -> None:
    """Appends the rows of a batch of accepted acts of licenses."""
    if found := list(rows(verdicts, admission)):
        TABLE.append(cur, found)


_OF_FIELD = TABLE.select("WHERE license_id = %s AND field = %s ORDER BY position")
_OF_LICENSE = TABLE.select("WHERE license_id = %s ORDER BY position, field")


def of_field(conn: Connection[Any], license_id: str, field: str) -> list[FieldRow]:
    """What acts behind the opening did to one field, in recorded order."""
    with conn.cursor(row_factory=class_row(FieldRow)) as cur:
        return cur.execute(_OF_FIELD, (license_id, field)).fetchall()


def of_license(conn: Connection[Any], license_id: str) -> list[FieldRow]:
    """The same of all fields of a license."""
    with conn.cursor(row_factory=class_row(FieldRow)) as cur:
        return cur.execute(_OF_LICENSE, (license_id,)).fetchall()
