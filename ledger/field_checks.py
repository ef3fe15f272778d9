"""Check 11: what an event carries against its type's version, and nobody's number in clear.

Every problem is named in the message, by the name of the field and never by its value.
Encrypted values are judged by their shape alone: their keys may be destroyed tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from types import MappingProxyType
from typing import cast

import schemas
from ledger.catalogue import FaceField, LicenseType, field_name_ok
from ledger.check_digits import LOWER_HEX, consists_of
from ledger.encryption import encrypted_shape_ok
from ledger.errors import Malformed
from ledger.events import Decision, Event, Holder, Strings, Value
from ledger.formats import FORMATS
from ledger.holders import (
    ORGANISATION_KINDS,
    holder_code_ok,
    parse_holder_kinds,
    sensitive_organisation,
)
from ledger.license_identifiers import LicenseId, parse_license_id
from ledger.refusals import Refusal
from ledger.reserved_fields import reserved_problem
from ledger.subject_codes import CITIZEN_NUMBER_SIZE, clear_citizen_number
from ledger.value_formats import date_ok, decimal_ok, instant_ok, picture_ok
from ledger.workdays import day_to_date, legal_day

SOLE_TRADER_FIELDS = frozenset({"name", "legal_rep", "address"})
"""Personal data when the holder is 个体工商户 (USCC prefix 92), whatever their class."""
SPELLINGS = frozenset({"decimal"})
"""Formats that fix a spelling only: what they let pass may still be a citizen number."""

_HOLDER_KINDS = parse_holder_kinds(schemas.toml("holder_kinds.toml"))


def must_encrypt(face: FaceField, holders: Sequence[Holder]) -> bool:
    """Whether a field's value is encrypted: classes 3 and 4 of every holder, and more.

    Of a sole trader (个体工商户) name, legal representative and address as well.
    """
    return face.data_class >= 3 or (
        face.name in SOLE_TRADER_FIELDS and _sole_trader(holders)
    )


def _sole_trader(holders: Sequence[Holder]) -> bool:
    return any(sensitive_organisation(h["kind"], h["code"]) for h in holders)


def check_fields(
    event: Event,
    kind: LicenseType,
    *,
    reserved: AbstractSet[str],
    license_id: LicenseId,
    sealed_at: int,
) -> None:
    """Check 11 of a license event; ``reserved``: names that its act may carry.

    Raises Refusal invalid_fields with every problem, else clear_personal_data.
    """
    latest = day_to_date(legal_day(sealed_at))
    texts = [license_id.serial]
    wrong = _holders(event, kind, latest)
    wrong += _envelope_parts(event, texts)
    count = len(event["holders"])
    encrypted = SOLE_TRADER_FIELDS if _sole_trader(event["holders"]) else frozenset()
    for field in event["fields"]:
        name, value = field["name"], field["value"]
        face = kind.fields.get(name)
        if face is None:
            problem = reserved_problem(event, field, reserved, texts)
        elif value is None:
            problem = ""
        elif face.data_class >= 3 or name in encrypted:
            shaped = isinstance(value, bytes) and encrypted_shape_ok(value, count)
            problem = "" if shaped else "not encrypted"
        else:
            problem = _clear(face, value, texts)
        if problem:
            wrong.append(f"{_printable(name)}: {problem}")
    _finish(wrong, texts, latest)


def value_problem(face: FaceField, value: Value) -> str:
    """What is wrong with a value in clear; empty when it has the field's form."""
    return _clear(face, value, [])


def check_destroy(event: Event, *, sealed_at: int) -> None:
    """Check 11 of DESTROY: exactly ``license_ids``; '' names a missing license."""
    texts: list[str] = []
    wrong = _envelope_parts(event, texts)
    if event["holders"] or event["flags"] is not None or event["file"] is not None:
        wrong.append("holders, flags and file: not in a holder event")
    fields = {field["name"]: field["value"] for field in event["fields"]}
    value = fields.pop("license_ids", None)
    named = value.get("strings") if isinstance(value, dict) else None
    if fields:
        wrong.append("fields: expected license_ids alone")
    if not isinstance(named, list) or not named or len(set(named)) != len(named):
        wrong.append("license_ids: expected different license_ids")
    else:
        for text in filter(None, named):
            try:
                texts.append(parse_license_id(text).serial)
            except Malformed:
                wrong.append("license_ids: not a license_id")
    _finish(wrong, texts, day_to_date(legal_day(sealed_at)))


def _finish(wrong: Sequence[str], texts: Sequence[str], latest: date) -> None:
    if wrong:
        raise Refusal("invalid_fields", "; ".join(wrong))
    # Most texts are too short for one. Joined, for a run never goes across the line
    # between two of them.
    longest = max(map(len, texts), default=0)
    if longest >= CITIZEN_NUMBER_SIZE and clear_citizen_number(
        "\n".join(texts), latest=latest
    ):
        raise Refusal("clear_personal_data", "a citizen number stands in clear")


def _holders(event: Event, kind: LicenseType, latest: date) -> list[str]:
    holders = event["holders"]
    if not 1 <= len(holders) <= kind.holders_max:
        return [f"holders: expected 1 to {kind.holders_max}, found {len(holders)}"]
    if len(holders) > 1 and len({h["ref"] for h in holders}) != len(holders):
        return ["holders: one stands twice"]
    wrong = []
    for index, holder in enumerate(holders):
        problem = _holder(holder, kind.holder_category, latest)
        if problem:
            wrong.append(f"holders[{index}]: {problem}")
    return wrong


def _holder(holder: Holder, category: str, latest: date) -> str:
    code_type = holder["kind"]
    if code_type not in _HOLDER_KINDS:
        return "unknown kind"
    person = code_type not in ORGANISATION_KINDS
    if category != "either" and person != (category != "organisation"):
        return f"expected {category}"
    if person:
        return "a person's code stands in clear" if holder["code"] else ""
    right = holder_code_ok(code_type, holder["code"], latest=latest)
    return "" if right else "code not in form"


def _envelope_parts(event: Event, texts: list[str]) -> list[str]:
    """Decision, file and flags; adds what stands in clear to ``texts``."""
    wrong: list[str] = []
    texts += (event["channel"], event["paper_serial"])
    decision, flags = event["decision"], event["flags"]
    if decision is not None:
        texts += (decision["number"], decision["reason_code"])
        wrong += _decision(decision, len(event["holders"]))
    if event["file"] is not None:
        texts.append(event["file"]["seal_check"])
    if flags is not None:
        missing = flags["missing"]["strings"]
        texts += (flags["source_act"], *missing)
        if not all(
            text.partition("=")[0] and text.partition("=")[2] for text in missing
        ):
            wrong.append("flags.missing: expected field=reason")
    return wrong


def _decision(decision: Decision, holders: int) -> list[str]:
    day, document, reason = decision["date"], decision["document"], decision["reason"]
    rules = {
        "decision.date: not a date": day == "" or date_ok(day),
        "decision.document: not an SM3 in hex": document == "" or _digest_ok(document),
        "decision.reason: not encrypted": reason == b""
        or encrypted_shape_ok(reason, holders),
    }
    return [name for name, right in rules.items() if not right]


def _digest_ok(text: str) -> bool:
    return len(text) == 64 and consists_of(text, LOWER_HEX)


def _clear(face: FaceField, value: Value, texts: list[str]) -> str:
    """The problem of a clear value; adds it to ``texts`` unless it is a number's."""
    if face.value == "l":
        parts = _list_texts(value)
        if not parts or not all(_text_ok(face, part) for part in parts[0]):
            return "not a list in form"
        strings = parts[0] + parts[1]
    elif isinstance(value, str) and face.value in _TEXTS:
        if not _TEXTS[face.value](value) or not _text_ok(face, value):
            return f"not in form ({face.format or face.value})"
        strings = [value]
    else:
        right = (face.value == "i" and type(value) is int) or (
            face.value == "b" and isinstance(value, bool)
        )
        return "" if right else f"not in form ({face.value})"
    if face.format == "" or face.format in SPELLINGS:
        texts += strings
    return ""


def _text_ok(face: FaceField, text: str) -> bool:
    return text != "" and (face.format == "" or FORMATS[face.format](text))


def _list_texts(value: Value) -> tuple[list[str], list[str]] | None:
    """The strings of a list; of rows, those in cells and their names. None: no list."""
    if not isinstance(value, dict):
        return None
    if "strings" in value:
        strings = cast("Strings", value)["strings"]
        return (strings, []) if strings else None
    found: list[str] = []
    rows = value["rows"]
    for row in rows:
        names = [cell["name"] for cell in row["cells"]]
        if not names or len(set(names)) != len(names):
            return None
        if not all(map(field_name_ok, names)):
            return None
        found += names
        found += [c["value"] for c in row["cells"] if isinstance(c["value"], str)]
    return ([], found) if rows else None


def _printable(name: str) -> str:
    """Names come from outside: one that is no key may hold anything."""
    return name if field_name_ok(name) else "a field"


_TEXTS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "s": bool,
        "t": bool,
        "d": date_ok,
        "m": instant_ok,
        "n": decimal_ok,
        "p": picture_ok,
    }
)
