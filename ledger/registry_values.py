"""How values of registry records are read: fields by name, keys, schemas, calendars."""

from __future__ import annotations

from typing import Any, cast

from ledger.codec import SCHEMAS
from ledger.errors import Malformed
from ledger.events import Event, Rows, Strings, Value
from ledger.signing import key_id as key_id_of
from ledger.workdays import Calendar, parse_calendar

FIRST_SCHEMAS = ("event", "record", "seal")


def values_of(event: Event) -> dict[str, Value]:
    """An event's fields by name."""
    return {field["name"]: field["value"] for field in event["fields"]}


def first_schemas() -> Rows:
    """The schemas of version 1 as the founding record lists them."""
    return {
        "rows": [
            {
                "cells": [
                    {"name": "record", "value": record},
                    {"name": "version", "value": 1},
                    {"name": "crc64", "value": SCHEMAS[record, 1].fingerprint.hex()},
                    {"name": "sm3", "value": SCHEMAS[record, 1].sm3.hex()},
                ]
            }
            for record in FIRST_SCHEMAS
        ]
    }


def founding_keys(event: Event) -> dict[bytes, bytes]:
    """key_id -> public key of every key that a founding record names in form."""
    values = values_of(event)
    roots = values.get("root_keys")
    texts: list[object] = [values.get("sealer_key")]
    if isinstance(roots, dict) and "strings" in roots:
        texts += cast("Strings", roots)["strings"]
    found = {}
    for text in texts:
        if isinstance(text, str) and len(text) == 130:
            try:
                public_key = bytes.fromhex(text)
            except ValueError:
                continue
            found[key_id_of(public_key)] = public_key
    return found


def calendar_of(name: str, value: Value) -> Calendar:
    """The calendar ``<region>-<year>`` of its rows; raises Malformed when unsound."""
    days: dict[str, list[str]] = {"holiday": [], "workday": []}
    for row in cast("Rows", value)["rows"]:
        cells: dict[str, Any] = {cell["name"]: cell["value"] for cell in row["cells"]}
        days[cells["kind"]].append(cells["day"])
    if not days["holiday"]:
        raise Malformed("a calendar without holidays", where=f"calendar:{name}")
    spans = [{"first": d, "last": d, "workdays": []} for d in days["holiday"]]
    spans[0]["workdays"] = days["workday"]
    return parse_calendar({"year": int(name[-4:]), "holiday": spans})
