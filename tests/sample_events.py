"""One event that uses every corner of the layout, and records made of it."""

from __future__ import annotations

from typing import Any

from ledger.codec import EVENT_1, RECORD_1, Schema
from ledger.events import Event, Record, Signature
from tests import avro_forms
from tests.avro_forms import Deviation

LICENSE_ID = "1.2.156.3005.2.11100000MB0143028R001.11210000999990010U.2022000000000001"
HOLDER_REF = "ab" * 32


class AllOn:
    """Both schemas of version 1 are switched on."""

    def schema_on(self, fingerprint: bytes) -> Schema | None:
        schemas = {EVENT_1.fingerprint: EVENT_1, RECORD_1.fingerprint: RECORD_1}
        return schemas.get(fingerprint)


def sample_event(**changes: Any) -> Event:
    """A license event with every optional part and every kind of value in it."""
    event: dict[str, Any] = {
        "event_id": bytes(range(16)),
        "origin": bytes(range(16, 32)),
        "chain": "license",
        "subject": LICENSE_ID,
        "sequence": 2,
        "previous": bytes(range(32, 64)),
        "act": "CHANGE",
        "type_version": 1,
        "effective_at": 1_767_196_800_000_000,
        "effective_precision": "day",
        "signed_at": 1_767_200_000_000_000,
        "authority": "11210000999990010U",
        "deciding_authority": "11210100999990029X",
        "decision": {
            "number": "辽市监〔2026〕1号",
            "date": "2026-01-01",
            "reason_code": "application",
            "document": "00" * 32,
            "reason": b"\x01secret",
        },
        "matter": {
            "item_code": "000131001000",
            "case_number": "BJ-1",
            "source_system": "oa",
            "source_ref": "42",
            "operator": "op-1",
            "reviewer": "op-2",
            "approver": "op-3",
            "assurance": "L3",
        },
        "channel": "window",
        "medium": "both",
        "paper_serial": "No. 1",
        "holders": [
            {"kind": "001", "ref": bytes(range(64, 96)), "code": "11210000999990010U"}
        ],
        "signers": [
            {"key_id": b"\x01" * 32, "role": 1, "algorithm": 1},
            {"key_id": b"\x02" * 32, "role": 2, "algorithm": 1},
        ],
        "fields": [
            {"name": "a_null", "value": None},
            {"name": "b_string", "value": "文本"},
            {"name": "c_long", "value": -7},
            {"name": "d_boolean", "value": True},
            {"name": "e_bytes", "value": b"\x01\x00\xff"},
            {"name": "f_strings", "value": {"strings": ["x", "y"]}},
            {
                "name": "g_rows",
                "value": {
                    "rows": [
                        {
                            "cells": [
                                {"name": "n", "value": None},
                                {"name": "s", "value": "t"},
                                {"name": "l", "value": 2**40},
                                {"name": "b", "value": False},
                            ]
                        }
                    ]
                },
            },
        ],
        "causes": [bytes(range(96, 128))],
        "file": {"digest": bytes(range(128, 160)), "seal_check": "ok"},
        "flags": {
            "source_act": "register",
            "missing": {"strings": ["decision=lost"]},
            "nonstandard": False,
        },
    }
    event.update(changes)
    return event  # type: ignore[return-value]


def sample_signatures() -> list[Signature]:
    """One single signature and one that stands second in a batch of three."""
    return [
        {"value": b"\x11" * 64, "batch": None},
        {
            "value": b"\x22" * 64,
            "batch": {
                "batch_id": b"\x33" * 16,
                "count": 3,
                "index": 1,
                "path": [b"\x44" * 32, b"\x55" * 32],
            },
        },
    ]


def record_bytes(
    event: Any = None,
    *,
    signatures: Any = None,
    in_body: dict[str, Deviation] | None = None,
    in_record: dict[str, Deviation] | None = None,
) -> bytes:
    """Bytes of a record, written by the naive writer, with deviations in either layer."""
    body = avro_forms.write(
        EVENT_1, sample_event() if event is None else event, in_body
    )
    record: Record = {
        "body": body,
        "signatures": sample_signatures() if signatures is None else signatures,
    }
    return avro_forms.write(RECORD_1, record, in_record)
