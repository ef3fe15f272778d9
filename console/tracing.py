"""``trace``: one field of one license: who said what, in force since when, known when.

Two times are told apart: the days on which a value holds, and when the ledger knew it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from console.inspection import license_row
from console.ledger import Ledger
from console.reading import Reader
from console.stated_values import Stated, StatedValues
from ledger.correction import originals
from ledger.errors import Malformed
from ledger.facts import Act
from ledger.fold import version_of
from ledger.license import License
from ledger.lifecycle import ACTS, TypeOfVersion, state_at
from ledger.periods import EVER, periods
from ledger.reserved_fields import RESERVED
from ledger.workdays import instant_text, legal_day
from projections import field_history, timeline
from projections.field_history import HOLDERS, TERMS, FieldRow
from projections.shown import day_text
from projections.states import types_of
from projections.timeline import TimelineRow

_ONE_BY_ONE = frozenset(("certificate_identifier", "certificate_number"))
"""Reserved fields that no fold keeps: each act that carries one ends the one before."""

RESERVED_ZH: Final = {
    "area": "管辖区划",
    "certificate_identifier": "电子证照标识",
    "certificate_number": "证照编号",
    "continues_as": "归并为",
    "effect_from": "撤销效力起始日",
    "ground": "注销事由",
    "holders": "持证主体",
    "mark": "标注",
    "previous_identifier": "原电子证照标识",
    "served_on": "送达日",
    "term_until": "暂扣期限",
    "valid_from": "有效期起始日期",
    "valid_until": "有效期截止日期",
    "version": "版本号",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which field, on which day, as known when; times in UTC µs, EVER = all we know."""

    field: str
    as_of: int
    known_at: int = EVER


def trace(
    ledger: Ledger, name: str, question: Question, *, reader: Reader
) -> dict[str, Any]:
    """Every value of one field; personal ones as ``reader`` may see them.

    Raises Unknown for no such license, Malformed for a field that it cannot have.
    """
    license_id = license_row(ledger, name).license_id
    acts = ledger.chain_of(license_id).acts
    types = types_of(ledger.registry(), license_id)
    question = replace(question, field=_field_of(question.field, acts, types))
    known = [act for act in acts if act.recorded_at <= question.known_at]
    rows = [*_opening(question.field, acts[0])]
    if _is_folded(question.field, acts, types):
        rows += field_history.of_field(ledger.views, license_id, question.field)
    else:
        rows = list(_carried(question.field, acts))
    rows = [row for row in rows if row.position in {act.position for act in known}]
    lines = {
        one.position: one for one in timeline.timeline_of(ledger.views, license_id)
    }
    held = _held(question, known, types)
    value = _value_on(question, known, types)
    said = StatedValues(acts, field=question.field)
    for one in (value, *(row.old for row in rows), *(row.new for row in rows)):
        said.add(one)
    for period in held:
        said.add(period["value"])
    text = said.open(reader, license_id)
    face = types(acts[-1].type_version).fields.get(question.field)
    return {
        "license_id": license_id,
        "field": question.field,
        "field_zh": face.zh if face else RESERVED_ZH.get(question.field, ""),
        "as_of_day": day_text(legal_day(question.as_of)),
        "known_at": _instant(question.known_at),
        "value": text(value),
        "events": [
            {
                **_event(acts, lines[row.position]),
                "old": text(row.old),
                "old_position": row.old_position,
                "new": text(row.new),
                "new_position": row.new_position,
                "stands": row.stands,
                **_replaced(row, rows),
            }
            for row in rows
        ],
        "in_force": [{**one, "value": text(one["value"])} for one in held],
    }


def _instant(us: int) -> str | None:
    return None if us == EVER else instant_text(us)


def _field_of(said: str, acts: Sequence[Act], types: TypeOfVersion) -> str:
    """The field of a name, or of a Chinese name (单位名称) that one field alone has."""
    versions = {act.type_version for act in acts}
    own = {
        name: face.zh
        for version in sorted(versions)
        for name, face in types(version).fields.items()
    }
    known = {
        **own,
        **{name: RESERVED_ZH.get(name, "") for name in RESERVED},
        HOLDERS: "",
    }
    found = [name for name, zh in known.items() if said and said in (name, zh)]
    if len(found) != 1:
        # What was asked for is not quoted: it may be a value in the field's place.
        raise Malformed(
            "this license has no such field",
            expected=", ".join([*sorted(own), HOLDERS, *sorted(RESERVED)]),
            where="FIELD",
        )
    return found[0]


def _is_folded(field: str, acts: Sequence[Act], types: TypeOfVersion) -> bool:
    """Whether the fold keeps the field, so that its history is in the table."""
    return (
        field in TERMS
        or field == HOLDERS
        or any(field in types(act.type_version).fields for act in acts)
    )


def _opening(field: str, opening: Act) -> Iterator[FieldRow]:
    """What the opening act said of the field; the table begins behind it."""
    if field == HOLDERS:
        yield _row(field, opening, new=[ref.hex() for _, ref, _ in opening.holders])
    elif field in opening.fields:
        yield _row(field, opening, new=field_history.said_by(opening, field))


def _row(
    field: str, act: Act, *, new: Stated, before: FieldRow | None = None
) -> FieldRow:
    return FieldRow(
        license_id="",
        field=field,
        position=act.position,
        act=act.act,
        old=before.new if before else None,
        old_position=before.position if before else None,
        new=new,
        new_position=act.position,
        stands=True,
    )


def _carried(field: str, acts: Sequence[Act]) -> Iterator[FieldRow]:
    """A field that belongs to its act alone, and what corrected it there."""
    roots = originals(acts)
    last: dict[bytes, FieldRow] = {}
    for act in acts:
        if field not in act.fields:
            continue
        of = b"" if field in _ONE_BY_ONE else roots.get(act.digest, act.digest)
        value = field_history.said_by(act, field)
        last[of] = _row(field, act, new=value, before=last.get(of))
        yield last[of]


def _event(acts: Sequence[Act], line: TimelineRow) -> dict[str, Any]:
    """Who did what on which decision, in force since when, recorded when."""
    act = next(one for one in acts if one.position == line.position)
    positions = {one.digest: one.position for one in acts}
    return {
        "position": act.position,
        "sequence": act.sequence,
        "act": act.act,
        "act_zh": ACTS[act.act].zh,
        "names": positions.get(act.causes[0]) if act.causes else None,
        "version": version_of(act),
        "effective": day_text(line.effective_day),
        "recorded_at": instant_text(act.recorded_at),
        "authority": act.authority,
        "deciding_authority": act.deciding_authority,
        "signers": list(line.signers),
        "decision_number": act.decision_number,
        "decision_date": act.decision_date,
        "reason_code": act.reason_code,
        "flags": list(line.flags),
    }


def _replaced(row: FieldRow, rows: Sequence[FieldRow]) -> dict[str, Any]:
    """The first event after which another value showed, and what it was."""
    later = (
        one
        for one in rows
        if one.position > row.position
        and one.stands
        and one.old_position == row.position
    )
    found = next(later, None) if row.stands else None
    return {
        "replaced_by": found.position if found else None,
        "because": found.act if found else None,
    }


def _shows(field: str) -> Callable[[License], Stated]:
    return lambda then: field_history.shown_in(then, field)


def _held(
    question: Question, known: Sequence[Act], types: TypeOfVersion
) -> list[dict[str, Any]]:
    """From which day to before which each value held, by what is known."""
    if not known or not _is_folded(question.field, known, types):
        return []

    def concerns(act: Act) -> bool:
        if act.act == "RESTORE" or question.field in act.fields:
            return True
        return question.field == HOLDERS and ACTS[act.act].may_change_holders

    found = periods(known, types=types, shows=_shows(question.field), concerns=concerns)
    return [
        {
            "from": day_text(one.from_day),
            "until": day_text(one.until_day),
            "value": one.value,
        }
        for one in found
    ]


def _value_on(question: Question, known: Sequence[Act], types: TypeOfVersion) -> Stated:
    then = state_at(known, effective=question.as_of, known_at=EVER, types=types)
    return None if then is None else field_history.shown_in(then, question.field)
