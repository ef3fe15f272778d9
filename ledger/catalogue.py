"""License types as their definers write them (TOML) and as the registry carries them.

A type's whole definition travels as Rows in its registry event, so a verdict depends on
the registry alone; the TOML files under ``schemas/types`` are only how definers write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec

from ledger.check_digits import DIGITS
from ledger.errors import Malformed
from ledger.events import Cell, Row, Rows
from ledger.license_types import (
    ACTS_FOR_ALL,
    TYPE_ACTS,
    FaceField,
    Item,
    LicenseType,
    RenewalWindow,
    field_name_ok,
    problems,
)

__all__ = [
    "ACTS_FOR_ALL",
    "TYPE_ACTS",
    "FaceField",
    "Item",
    "LicenseType",
    "RenewalWindow",
    "field_name_ok",
    "parse_type",
    "type_of_rows",
    "type_rows",
]

# The spelling of a type in its registry event: written out, because it is judged again
# for as long as the ledger lives. An attribute that comes later gets a cell behind these,
# and only where it has another value than the one that stood for all types before it.
_SCALARS = (
    *("name", "name_en", "code_status", "definer", "definer_level", "issuer_level"),
    *("holder_category", "holders_max", "late_renewal", "grace_days"),
    *("auto_extension", "current_per_holder", "resume_on_application"),
    *("horizon_days", "retention", "definer_name", "issuer_name", "source_rows"),
)
_FACE = (
    *("name", "zh", "value", "mandatory", "data_class", "format"),
    *("correctable", "changeable", "register"),
)
_ALWAYS = "always"


def parse_type(data: Mapping[str, Any], *, version: int = 1) -> LicenseType:
    """Reads one TOML type file (parsed); keys are the attributes of LicenseType.

    ``[fields.<name>]`` tables in the order of the face; ``grace_days = "always"`` for no
    limit. Raises Malformed on an unknown or missing key, a value of another kind, or a
    type that contradicts itself.
    """
    given = dict(data)
    code = given.get("code")
    where = f"type {code}" if isinstance(code, str) else "type"
    given["fields"] = _named_fields(given.get("fields"), where)
    if given.get("grace_days") == _ALWAYS:
        given["grace_days"] = None
    if "version" in given:
        raise Malformed(
            "a type's version comes from its registry chain",
            code="bad_license_type",
            where=where,
        )
    _demand_known(given, LicenseType, where)
    for face in given["fields"].values():
        _demand_known(face, FaceField, where)
    return _convert(given | {"version": version}, where)


def type_rows(kind: LicenseType) -> Rows:
    """The definition as its registry event carries it; one type, one spelling."""
    rows = [_row("type", {name: getattr(kind, name) for name in _SCALARS})]
    if kind.renewal_window is not None:
        window = kind.renewal_window
        rows.append(_row("renewal", {"days": window.days, "unit": window.unit}))
    rows += [_row("validity", {"term": term}) for term in kind.validity]
    rows += [_row("item", {"code": i.code, "name": i.name}) for i in kind.items]
    rows += [_row("act", {"act": act}) for act in sorted(kind.acts)]
    rows += [
        _row("signatures", {"act": act, "roles": "".join(map(str, roles))})
        for act, roles in sorted(kind.signatures.items())
    ]
    rows += [_row("restricted", {"act": a}) for a in sorted(kind.while_restricted)]
    rows += [
        _row("field", {name: getattr(face, name) for name in _FACE})
        for face in kind.fields.values()
    ]
    return {"rows": rows}


def type_of_rows(rows: Rows, *, code: str, version: int) -> LicenseType:
    """Reads a definition; raises Malformed unless the rows are its one spelling.

    Writing again what was read and comparing finds whatever is unknown, missing, twice
    or out of order.
    """
    where = f"type {code}"
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows["rows"]:
        cells = {cell["name"]: cell["value"] for cell in row["cells"]}
        parts.setdefault(str(cells.pop("part", "")), []).append(cells)
    try:
        given = {
            **parts["type"][0],
            "code": code,
            "version": version,
            "renewal_window": next(iter(parts.get("renewal", ())), None),
            "validity": [cells["term"] for cells in parts.get("validity", ())],
            "items": parts.get("item", []),
            "acts": [cells["act"] for cells in parts.get("act", ())],
            "signatures": {
                cells["act"]: [DIGITS.index(role) for role in cells["roles"]]
                for cells in parts.get("signatures", ())
            },
            "while_restricted": [c["act"] for c in parts.get("restricted", ())],
            "fields": {cells["name"]: cells for cells in parts.get("field", ())},
        }
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Malformed(
            "not a type's definition", code="bad_license_type", where=where
        ) from error
    kind = _convert(given, where)
    if type_rows(kind) != rows:
        raise Malformed(
            "not the one spelling of a type's definition",
            code="bad_license_type",
            expected="the rows that writing it again gives",
            where=where,
        )
    return kind


def _row(part: str, values: Mapping[str, Any]) -> Row:
    cells: list[Cell] = [{"name": "part", "value": part}]
    return {"cells": cells + [{"name": n, "value": v} for n, v in values.items()]}


def _named_fields(given: object, where: str) -> dict[str, dict[str, Any]]:
    if not isinstance(given, Mapping) or not all(
        isinstance(face, Mapping) and "name" not in face for face in given.values()
    ):
        raise Malformed(
            "no fields",
            code="bad_license_type",
            expected="[fields.<name>] tables",
            where=where,
        )
    return {name: {**face, "name": name} for name, face in given.items()}


def _demand_known(given: Mapping[str, Any], kind: type[Any], where: str) -> None:
    unknown = sorted(set(given) - {f.name for f in fields(kind)})
    if unknown:
        raise Malformed(
            "unknown key",
            code="bad_license_type",
            found=", ".join(unknown),
            where=where,
        )


def _convert(given: Mapping[str, Any], where: str) -> LicenseType:
    try:
        kind = msgspec.convert(given, LicenseType)
    except msgspec.ValidationError as error:
        raise Malformed(
            "not a license type", code="bad_license_type", found=str(error), where=where
        ) from error
    wrong = problems(kind)
    if wrong:
        raise Malformed(
            "the type contradicts itself",
            code="bad_license_type",
            found="; ".join(wrong),
            where=where,
        )
    return kind
