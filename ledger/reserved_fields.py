"""The reserved field names: fields that mean the same in every license type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any

from ledger.check_digits import DIGITS, UPPER, consists_of
from ledger.divisions import division_ok
from ledger.errors import Malformed
from ledger.events import Event, Field, Value
from ledger.license import State
from ledger.license_identifiers import VERSION_MAX, parse_certificate_identifier
from ledger.lifecycle_table import MARKS
from ledger.number_formats import certificate_identifier_ok, license_id_ok
from ledger.value_formats import date_ok

CERTIFICATE_NUMBER_MAX = 128
WORD_MAX = 32
TRANSFERRED = "转出"
"""What a license was before a CANCEL that is a move to another issuer."""
_WORD = DIGITS + UPPER + UPPER.lower() + "_-.()"
_STATES = frozenset(State) - {State.NONE}


def reserved_problem(
    event: Event, field: Field, permitted: AbstractSet[str], texts: list[str]
) -> str:
    """What is wrong with a field that is not the type's own; '' when nothing is.

    ``permitted``: what the act may carry. Adds free text to ``texts``.
    """
    name, value = field["name"], field["value"]
    if name not in permitted:
        return "outside the type"
    if name == "certificate_identifier":
        return _identifier(event, value)
    if value is None and name in NULLABLE:
        return ""
    if not FORMS[name](value):
        return "not in form"
    if name in FREE and isinstance(value, str):
        texts.append(value)
    return ""


def _identifier(event: Event, value: Value) -> str:
    """This license's identifier, with the right check unless marked nonstandard."""
    prefix, flags = event["subject"] + ".", event["flags"]
    if not isinstance(value, str) or not value.startswith(prefix):
        return "not of this license"
    try:
        identifier = parse_certificate_identifier(value)
    except Malformed:
        return "not in form"
    if not identifier.standard and not (flags is not None and flags["nonstandard"]):
        return "wrong check character"
    return ""


def _text(rule: Callable[[str], bool]) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, str) and rule(value)


def _word_ok(text: str) -> bool:
    return len(text) <= WORD_MAX and consists_of(text, _WORD)


def _version_ok(value: Value) -> bool:
    return type(value) is int and 1 <= value <= VERSION_MAX


FORMS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "certificate_number": _text(
            lambda text: 0 < len(text.encode()) <= CERTIFICATE_NUMBER_MAX
        ),
        "valid_from": _text(date_ok),
        "valid_until": _text(date_ok),
        "area": _text(division_ok),
        "term_until": _text(date_ok),
        "served_on": _text(date_ok),
        "version": _version_ok,
        "effect_from": _text(date_ok),
        "state": _text(_STATES.__contains__),
        "after": _text(lambda text: text == TRANSFERRED or text in _STATES),
        "ground": _text(_word_ok),
        "mark": _text(MARKS.__contains__),
        "mark_on": lambda value: isinstance(value, bool),
        "mark_date": _text(date_ok),
        "continues_as": _text(license_id_ok),
        "previous_identifier": _text(certificate_identifier_ok),
    }
)
NULLABLE = frozenset({"valid_from", "valid_until", "term_until"})
"""Null empties them: no first day, 长期, no end."""
FREE = frozenset({"certificate_number", "ground"})
"""Clear text of the publisher's choice, so searched for citizen numbers."""

RESERVED = frozenset(FORMS) | {"certificate_identifier"}
"""Every reserved name; a type's own fields have other names."""
