"""EVENT.json: what a department types or a program writes, read into a draft.

Only form is judged here (exit 2); what the twelve checks decide is published and comes
back as a verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from console.event_members import (
    array_of,
    digest_of,
    field_name,
    field_value,
    named,
    object_of,
    text_of,
)
from ledger.catalogue import LicenseType
from ledger.clear_values import check_clear
from ledger.drafting import MATTER_FIELDS, DecisionDraft, Draft, HolderDraft
from ledger.errors import Malformed
from ledger.events import Medium, Precision
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
            found=named(unknown),
        )
    return document


def license_id_of(
    act: str, document: Mapping[str, Any], *, authority: str, draw: Callable[[], str]
) -> str:
    """The license an event file is about; an opening act may leave the serial out."""
    rule = ACTS.get(act)
    given = text_of(document, "license_id")
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
    type_code = text_of(document, "type")
    if not type_code:
        raise Malformed(
            "type is missing", code="bad_event", expected="a 21-character type code"
        )
    serial = text_of(document, "serial") or draw()
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
        field_name(name): field_value(value, f"fields.{name}")
        for name, value in object_of(document, "fields").items()
    }
    today = day_to_date(legal_day(now))
    check_clear(fields, kind, today=today)
    return Draft(
        act=act,
        license_id=license_id,
        effective_at=effective_at,
        precision=precision,
        authority=authority,
        deciding_authority=text_of(document, "deciding_authority"),
        fields=fields,
        holders=_holders(document, today),
        decision=_decision(document),
        causes=tuple(digest_of(cause) for cause in array_of(document, "causes")),
        matter=_matter(document),
        channel=text_of(document, "channel"),
        medium=_medium(document),
        paper_serial=text_of(document, "paper_serial"),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member stands twice")
    return document


def _effective(document: Mapping[str, Any], now: int) -> tuple[int, Precision]:
    text = text_of(document, "effective_at")
    if not text:
        return now, "instant"
    return parse_instant(text), "day" if len(text) == 10 else "instant"


def _holders(
    document: Mapping[str, Any], today: date
) -> tuple[HolderDraft, ...] | None:
    if "holders" not in document:
        return None
    found: list[HolderDraft] = []
    for index, entry in enumerate(array_of(document, "holders")):
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
    given = object_of(document, "decision")
    if not given:
        return None
    unknown = sorted(set(given) - set(_DECISION))
    if unknown:
        raise Malformed(
            "unknown members in the decision",
            code="bad_event",
            expected=", ".join(_DECISION),
            found=named(unknown),
        )
    return DecisionDraft(
        number=text_of(given, "number"),
        date=text_of(given, "date"),
        reason_code=text_of(given, "reason_code"),
        document=text_of(given, "document"),
        reason=text_of(given, "reason"),
    )


def _matter(document: Mapping[str, Any]) -> dict[str, str]:
    given = object_of(document, "matter")
    unknown = sorted(set(given) - set(MATTER_FIELDS))
    if unknown:
        raise Malformed(
            "unknown members in the matter",
            code="bad_event",
            expected=", ".join(MATTER_FIELDS),
            found=named(unknown),
        )
    return {name: text_of(given, name) for name in given}


def _medium(document: Mapping[str, Any]) -> Medium:
    text = text_of(document, "medium") or "electronic"
    if text not in _MEDIA:
        raise Malformed(
            "not a medium", code="bad_event", expected=", ".join(_MEDIA), where="medium"
        )
    return _MEDIA[text]
