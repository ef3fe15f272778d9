"""The form of registry records: permitted acts and fields per subject, and rule 1.

Everything here is one record alone, read from ``schemas/registry.toml``; what the
registry's state allows is in ``ledger.registry``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

import schemas
from ledger.check_digits import DIGITS, LOWER_HEX, UPPER, UPPER_ALNUM, consists_of
from ledger.events import Rows, Strings, Value
from ledger.formats import FORMATS
from ledger.signing import point_on_curve

REGISTRY_ACTS = frozenset({"FOUND", "ADD", "CHANGE", "END", "COMPROMISE"})
RULE_1: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "license": frozenset(
            (
                "ANNOTATE",
                "ANNUL",
                "ARCHIVE",
                "BASELINE",
                "CANCEL",
                "CHANGE",
                "CORRECT",
                "DOWNGRADE",
                "ISSUE",
                "LINK",
                "MARK",
                "PAUSE",
                "REISSUE",
                "RENEW",
                "REPLACE",
                "RESTORE",
                "RESUME",
                "REVOKE",
                "SUSPEND",
                "TRANSFER_IN",
                "TRANSFER_OUT",
                "VOID_VERSION",
                "WITHDRAW",
            )
        ),
        "registry": REGISTRY_ACTS,
        "holder": frozenset({"DESTROY"}),
        "dispute": frozenset(),
    }
)
"""Acts per chain that are switched on from position 0; later rules add to them.

Written out, for it never changes: an act that is new in the code is off in this rule.
"""

RULES: Mapping[int, Mapping[str, frozenset[str]]] = MappingProxyType({1: RULE_1})
"""Every rule that this code knows; a reader halts at a ``rule:`` that is not here."""

LEDGER_NAME_MAX = 100
_LEDGER_NAME = DIGITS + UPPER + UPPER.lower() + ".-_/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of one field, or of one cell of its rows (``columns``)."""

    value: str
    format: str = ""
    one_of: frozenset[str] = frozenset()
    low: int = 0
    high: int = 2**63 - 1
    nullable: bool = False
    empty: bool = False
    columns: Mapping[str, Form] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What may be said of one kind of subject; ``acts``: act -> (required, optional)."""

    needs: str
    acts: Mapping[str, tuple[frozenset[str], frozenset[str]]]
    fields: Mapping[str, Form]


def _hex(size: int) -> Callable[[str], bool]:
    return lambda text: len(text) == 2 * size and consists_of(text, LOWER_HEX)


def _public_key(text: str) -> bool:
    return _hex(65)(text) and point_on_curve(bytes.fromhex(text))


def _license_type(text: str) -> bool:
    return (
        len(text) == 21
        and consists_of(text, UPPER_ALNUM)
        and consists_of(text[18:], DIGITS)
    )


def _organisation(text: str) -> bool:
    return len(text) == 18 and consists_of(text, UPPER_ALNUM)


def _ledger_name(text: str) -> bool:
    """It opens the checkpoint's origin line and so is a key name of a signed note."""
    return len(text) <= LEDGER_NAME_MAX and consists_of(text, _LEDGER_NAME)


def _act(text: str) -> bool:
    chain, slash, act = text.partition("/")
    return chain in RULE_1 and slash == "/" and consists_of(act, UPPER + "_")


_FORMATS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        **FORMATS,
        "key_id": _hex(32),
        "public_key": _public_key,
        "signature": _hex(64),
        "sm3": _hex(32),
        "crc64": _hex(8),
        "license_type": _license_type,
        "organisation": _organisation,
        "ledger_name": _ledger_name,
        "act": _act,
    }
)


def problems(kind: str, act: str, values: Mapping[str, Value]) -> list[str]:
    """Names of the fields that break the form of this act on this kind of subject."""
    subject = SUBJECTS[kind]
    required, optional = subject.acts[act]
    wrong = [f"{name}: missing" for name in sorted(required - values.keys())]
    for name, value in values.items():
        if name not in required and name not in optional:
            wrong.append(f"{name}: not a field of {kind} {act}")
        elif not _fits(value, subject.fields[name]):
            wrong.append(f"{name}: not in form")
    if act == "CHANGE" and not values.keys() - {"basis"}:
        wrong.append("nothing is changed")
    return wrong


def clear_texts(kind: str, values: Mapping[str, Value]) -> Iterator[str]:
    """Every string without a declared format: where a citizen number might stand."""
    for name, form in SUBJECTS[kind].fields.items():
        value = values.get(name)
        if isinstance(value, str) and not form.format:
            yield value
        elif isinstance(value, dict):
            yield from _inside(value, form)


def _inside(value: Strings | Rows, form: Form) -> Iterator[str]:
    if "strings" in value:
        if not form.format:
            yield from cast("Strings", value)["strings"]
        return
    for row in value["rows"]:
        for cell in row["cells"]:
            column = form.columns.get(cell["name"])
            declared = cell["name"] in form.numbers or (column and column.format)
            if isinstance(cell["value"], str) and not declared:
                yield cell["value"]


def _fits(value: Value, form: Form) -> bool:
    if value is None:
        return form.nullable
    match form.value:
        case "text":
            return isinstance(value, str) and _text_fits(value, form)
        case "long":
            return type(value) is int and form.low <= value <= form.high
        case "boolean":
            return isinstance(value, bool)
        case "strings":
            return isinstance(value, dict) and _strings_fit(value, form)
        case _:
            return isinstance(value, dict) and _rows_fit(value, form)


def _text_fits(text: str, form: Form) -> bool:
    if text == "":
        return form.empty
    if form.one_of:
        return text in form.one_of
    return form.format == "" or _FORMATS[form.format](text)


def _strings_fit(value: Mapping[str, Any], form: Form) -> bool:
    texts = value.get("strings")
    return (
        isinstance(texts, list)
        and form.low <= len(texts) <= form.high
        and len(set(texts)) == len(texts)
        and all(_text_fits(text, form) for text in texts)
    )


def _rows_fit(value: Mapping[str, Any], form: Form) -> bool:
    """Rows without declared columns are judged by whoever reads them."""
    rows = value.get("rows")
    if not isinstance(rows, list):
        return False
    names = list(form.columns)
    return not names or all(
        [cell["name"] for cell in row["cells"]] == names
        and all(_fits(c["value"], form.columns[c["name"]]) for c in row["cells"])
        for row in rows
    )


def _load() -> Mapping[str, Subject]:
    data = schemas.toml("registry.toml")
    shared = {
        name: {cell: _form(given, {}) for cell, given in columns.items()}
        for name, columns in data.pop("columns").items()
    }
    return MappingProxyType(
        {
            kind: Subject(
                needs=given["needs"],
                acts={
                    act: (
                        frozenset(names.get("required", ())),
                        frozenset(names.get("optional", ())),
                    )
                    for act, names in given["acts"].items()
                },
                fields={
                    name: _form(form, shared) for name, form in given["fields"].items()
                },
            )
            for kind, given in data.items()
        }
    )


def _form(given: Mapping[str, Any], shared: Mapping[str, Mapping[str, Form]]) -> Form:
    columns = given.get("columns", {})
    return Form(
        value=given["value"],
        format=given.get("format", ""),
        one_of=frozenset(given.get("one_of", ())),
        low=given.get("min", 0),
        high=given.get("max", 2**63 - 1),
        nullable=given.get("nullable", False),
        empty=given.get("empty", False),
        numbers=frozenset(given.get("numbers", ())),
        columns=shared[columns]
        if isinstance(columns, str)
        else {name: _form(cell, shared) for name, cell in columns.items()},
    )


SUBJECTS = _load()
"""Kind of registry subject -> what may be said of it."""
