"""The file form of a pending act: one JSON document that has one spelling."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from ledger.errors import Malformed
from ledger.pending import Declined, PendingAct, verified
from ledger.workdays import instant_text, parse_instant

FORMAT = "license-ledger/pending@v1"
FILE_SIZE_MAX = 200_000
MEMBERS = frozenset(
    [
        "format",
        "body",
        "keys",
        "until",
        "proposer",
        "proposal",
        "signatures",
        "refusals",
    ]
)
_SIGNATURE = frozenset(("key_id", "value"))
_REFUSAL = frozenset(("key_id", "at", "reason", "value"))


def write_pending(pending: PendingAct) -> bytes:
    """The pending act as a JSON document: bytes in base64, key ids in hex."""
    document = {
        "format": FORMAT,
        "body": _b64(pending.body),
        "keys": [_b64(key) for key in pending.keys],
        "until": instant_text(pending.until),
        "proposer": pending.proposer.hex(),
        "proposal": _b64(pending.proposal),
        "signatures": [
            {"key_id": one.hex(), "value": _b64(value)}
            for one, value in sorted(pending.signatures.items())
        ],
        "refusals": [
            {
                "key_id": one.hex(),
                "at": instant_text(said.at),
                "reason": said.reason,
                "value": _b64(said.value),
            }
            for one, said in sorted(pending.refusals.items())
        ],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def read_pending(data: bytes) -> PendingAct:
    """Parses and proves a pending act.

    Raises Malformed on anything but the format's own form, Untrusted where a signature
    in it does not hold.
    """
    if len(data) > FILE_SIZE_MAX:
        raise Malformed(
            "not a pending act",
            code="bad_pending_act",
            expected=f"at most {FILE_SIZE_MAX:,} bytes",
        )
    try:
        document = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Malformed(
            "not a pending act", code="bad_pending_act", expected="a JSON document"
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Malformed(
            "not a pending act", code="bad_pending_act", expected=f"format {FORMAT}"
        )
    if set(document) != MEMBERS:
        expected = ", ".join(sorted(MEMBERS))
        raise Malformed(
            "a pending act has exactly its members",
            code="bad_pending_act",
            expected=expected,
        )
    pending = _parsed(document)
    if not _same(pending, data):
        raise Malformed(
            "a pending act has one form only",
            code="bad_pending_act",
            expected="the file as it was written",
        )
    return verified(pending)


def _same(pending: PendingAct, data: bytes) -> bool:
    try:
        return write_pending(pending) == data
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _parsed(document: Mapping[str, Any]) -> PendingAct:
    return PendingAct(
        body=_bytes(document["body"], "body"),
        keys=tuple(_bytes(key, "keys") for key in _list(document["keys"], "keys")),
        until=_instant(document["until"], "until"),
        proposer=_key(document["proposer"], "proposer"),
        proposal=_bytes(document["proposal"], "proposal"),
        signatures={
            _key(one["key_id"], "signatures"): _bytes(one["value"], "signatures")
            for one in _entries(document["signatures"], _SIGNATURE, "signatures")
        },
        refusals={
            _key(one["key_id"], "refusals"): Declined(
                at=_instant(one["at"], "refusals"),
                reason=_text(one["reason"], "refusals"),
                value=_bytes(one["value"], "refusals"),
            )
            for one in _entries(document["refusals"], _REFUSAL, "refusals")
        },
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member stands twice")
    return document


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed("not a text", code="bad_pending_act", where=where)
    return value


def _bytes(value: object, where: str) -> bytes:
    try:
        return base64.b64decode(_text(value, where), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("not base64", code="bad_pending_act", where=where) from error


def _key(value: object, where: str) -> bytes:
    try:
        return bytes.fromhex(_text(value, where))
    except ValueError as error:
        raise Malformed(
            "not a key id", code="bad_pending_act", expected="hex digits", where=where
        ) from error


def _instant(value: object, where: str) -> int:
    found = parse_instant(_text(value, where))
    if found < 0:
        raise Malformed(
            "not a time of this century", code="bad_pending_act", where=where
        )
    return found


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > 100:
        raise Malformed(
            "not a list of at most 100 items", code="bad_pending_act", where=where
        )
    return value


def _entries(
    value: object, members: frozenset[str], where: str
) -> list[Mapping[str, Any]]:
    entries = _list(value, where)
    for entry in entries:
        if not isinstance(entry, dict) or entry.keys() != members:
            raise Malformed(
                "not an entry",
                code="bad_pending_act",
                expected=", ".join(sorted(members)),
                where=where,
            )
    return entries
