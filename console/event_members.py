"""Members of EVENT.json by kind; each raises Malformed naming the member, not its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.catalogue import field_name_ok
from ledger.errors import Malformed
from ledger.events import Value


def digest_of(value: object) -> bytes:
    """An event digest from 64 hex digits."""
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
    field_name(name)
    if value is not None and not isinstance(value, str | bool | int):
        raise Malformed(
            "not a cell",
            code="bad_event",
            expected="a plain value",
            where=f"{where}.{name}",
        )
    return {"name": name, "value": value}


def field_name(name: str) -> str:
    """The name of a field, if it is one."""
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


def named(names: Sequence[str]) -> str:
    """Names of members for a message; one that is no name may be personal data."""
    return ", ".join(name if field_name_ok(name) else "…" for name in names)


def text_of(document: Mapping[str, Any], name: str) -> str:
    """A member that is a string; empty when it is not there."""
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


def object_of(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; empty when it is not there."""
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(
            "not an object", code="bad_event", expected="an object", where=name
        )
    return value


def array_of(document: Mapping[str, Any], name: str) -> list[Any]:
    """A member that is a list; empty when it is not there."""
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed("not a list", code="bad_event", expected="a list", where=name)
    return value
