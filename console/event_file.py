"""EVENT.json: what a department types or a program writes, read into a draft.

Only form is judged here (exit 2); what the twelve checks decide is published and comes
back as a verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from ledger.catalogue import LicenseType, field_name_ok
from ledger.clear_values import check_clear
from ledger.drafting import MATTER_FIELDS, DecisionDraft, Draft, HolderDraft
from ledger.errors import Malformed
from ledger.events import Medium, Precision, Value
from ledger.holders import person_code_wrong
from ledger.license_identifiers import LicenseId, parse_license_id
from ledger.lifecycle import ACTS
from ledger.workdays import day_to_date, legal_day, parse_instant

MEMBERS: Final = (
    "license_id",
    "type",
    "serial",
    "holders",
    "fields",
    "effective_at",
    "decision",
    "causes",
    "matter",
    "channel",
    "medium",
    "paper_serial",
    "deciding_authority",
)
_MEDIA: Final[Mapping[str, Medium]] = {
    "none": "none",
    "paper": "paper",
    "electronic": "electronic",
    "both": "both",
}
_DECISION: Final = ("number", "date", "reason_code", "document", "reason")


def parse_event_file(text: str) -> dict[str, Any]:
    """The JSON object of an event file; raises Malformed naming what is wrong."""
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Malformed(
            "the event is not JSON",
            code="file_format",
            expected="one JSON object",
            found=type(error).__name__,
            where=f"line {getattr(error, 'lineno', 1)}",
        ) from error
    if not isinstance(document, dict):
        raise Malformed(
            "the event is not an object", code="bad_event", expected="one JSON object"
        )
    unknown = sorted(set(document) - set(MEMBERS))
    if unknown:
        raise Malformed(
            "unknown members in the event",
            code="bad_event",
            expected=", ".join(MEMBERS),
            found=_names(unknown),
        )
    return document


def license_id_of(
    act: str, document: Mapping[str, Any], *, authority: str, draw: Callable[[], str]
) -> str:
    """The license an event file is about; an opening act may leave the serial out."""
    rule = ACTS.get(act)
    given = _text(document, "license_id")
    if rule is None or not rule.opens:
        if not given:
            raise Malformed(
                "license_id is missing",
                code="bad_event",
                expected="the license's identifier",
            )
        return str(parse_license_id(given))
    if given:
        raise Malformed(
            f"{act} opens a license: it takes no license_id",
            code="bad_event",
            expected="type, and serial if it is fixed",
            found="license_id",
        )
    type_code = _text(document, "type")
    if not type_code:
        raise Malformed(
            "type is missing", code="bad_event", expected="a 21-character type code"
        )
    serial = _text(document, "serial") or draw()
    named = LicenseId(type_code=type_code, issuer=authority, serial=serial)
    return str(parse_license_id(str(named)))


def draft_of(
    act: str,
    document: Mapping[str, Any],
    *,
    license_id: str,
    kind: LicenseType,
    authority: str,
    now: int,
) -> Draft:
    """The draft an event file describes; values that will be encrypted are checked."""
    effective_at, precision = _effective(document, now)
    fields = {
        _name(name): field_value(value, f"fields.{name}")
        for name, value in _object(document, "fields").items()
    }
    today = day_to_date(legal_day(now))
    check_clear(fields, kind, today=today)
    return Draft(
        act=act,
        license_id=license_id,
        effective_at=effective_at,
        precision=precision,
        authority=authority,
        deciding_authority=_text(document, "deciding_authority"),
        fields=fields,
        holders=_holders(document, today),
        decision=_decision(document),
        causes=tuple(_digest(cause) for cause in _array(document, "causes")),
        matter=_matter(document),
        channel=_text(document, "channel"),
        medium=_medium(document),
        paper_serial=_text(document, "paper_serial"),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member stands twice")
    return document


def _effective(document: Mapping[str, Any], now: int) -> tuple[int, Precision]:
    text = _text(document, "effective_at")
    if not text:
        return now, "instant"
    return parse_instant(text), "day" if len(text) == 10 else "instant"


def _holders(
    document: Mapping[str, Any], today: date
) -> tuple[HolderDraft, ...] | None:
    if "holders" not in document:
        return None
    found: list[HolderDraft] = []
    for index, entry in enumerate(_array(document, "holders")):
        where = f"holders[{index}]"
        if not isinstance(entry, dict) or set(entry) != {"kind", "code"}:
            raise Malformed(
                "not a holder", code="bad_event", expected="kind and code", where=where
            )
        if not all(isinstance(part, str) for part in entry.values()):
            raise Malformed(
                "not a holder", code="bad_event", expected="two strings", where=where
            )
        kind, code = entry["kind"], entry["code"]
        if person_code_wrong(kind, code, latest=today):
            raise Malformed(
                "not a holder's code",
                code="bad_event",
                expected=f"a code of kind {kind}",
                where=where,
            )
        found.append(HolderDraft(kind=kind, code=code))
    return tuple(found)


def _decision(document: Mapping[str, Any]) -> DecisionDraft | None:
    given = _object(document, "decision")
    if not given:
        return None
    unknown = sorted(set(given) - set(_DECISION))
    if unknown:
        raise Malformed(
            "unknown members in the decision",
            code="bad_event",
            expected=", ".join(_DECISION),
            found=_names(unknown),
        )
    return DecisionDraft(
        number=_text(given, "number"),
        date=_text(given, "date"),
        reason_code=_text(given, "reason_code"),
        document=_text(given, "document"),
        reason=_text(given, "reason"),
    )


def _matter(document: Mapping[str, Any]) -> dict[str, str]:
    given = _object(document, "matter")
    unknown = sorted(set(given) - set(MATTER_FIELDS))
    if unknown:
        raise Malformed(
            "unknown members in the matter",
            code="bad_event",
            expected=", ".join(MATTER_FIELDS),
            found=_names(unknown),
        )
    return {name: _text(given, name) for name in given}


def _medium(document: Mapping[str, Any]) -> Medium:
    text = _text(document, "medium") or "electronic"
    if text not in _MEDIA:
        raise Malformed(
            "not a medium", code="bad_event", expected=", ".join(_MEDIA), where="medium"
        )
    return _MEDIA[text]


def _digest(value: object) -> bytes:
    try:
        digest = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise Malformed(
            "not an event digest",
            code="bad_event",
            expected="64 hex digits",
            where="causes",
        )
    return digest


def field_value(value: object, where: str) -> Value:
    """A JSON value as a field value: lists of strings, lists of objects as rows."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {"strings": list(value)}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return {
            "rows": [
                {"cells": [_cell(name, cell, where) for name, cell in row.items()]}
                for row in value
            ]
        }
    raise Malformed(
        "not a field value",
        code="bad_event",
        expected="a string (decimals too), whole number, boolean, null, list of "
        "strings or list of objects",
        found=type(value).__name__,
        where=where,
    )


def _cell(name: str, value: object, where: str) -> Any:
    _name(name)
    if value is not None and not isinstance(value, str | bool | int):
        raise Malformed(
            "not a cell",
            code="bad_event",
            expected="a plain value",
            where=f"{where}.{name}",
        )
    return {"name": name, "value": value}


def _name(name: str) -> str:
    # A name stands in clear in the log for ever, and a form filled in the wrong way may
    # have somebody's name or number there.
    if not field_name_ok(name):
        raise Malformed(
            "not a field name",
            code="bad_event",
            expected="1 to 64 of a-z 0-9 _, a letter first",
            where="fields",
        )
    return name


def _names(names: Sequence[str]) -> str:
    """Names of members for a message; one that is no name may be personal data."""
    return ", ".join(name if field_name_ok(name) else "…" for name in names)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise Malformed(
            "not a string",
            code="bad_event",
            expected="a string",
            found=type(value).__name__,
            where=name,
        )
    return value


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(
            "not an object", code="bad_event", expected="an object", where=name
        )
    return value


def _array(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed("not a list", code="bad_event", expected="a list", where=name)
    return value
