"""The file form of a receipt (回执): one JSON document that has one spelling."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import Malformed

FORMAT = "license-ledger/receipt@v1"
MEMBERS = frozenset(
    ("format", "record", "position", "path", "checkpoint", "verdict", "keys", "sealers")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictProof:
    """The second half: inclusion of the verdict, and the seal that carries its root.

    ``first`` is the position of the verdict range's first record in that seal.
    """

    first: int
    path: tuple[bytes, ...]
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One event's proof; hashes are 32 bytes.

    ``keys``: public keys (65 bytes) of the record's signers, in their order.
    ``sealers``: the founding record and every later registry record about root and
    sealer keys, in order.
    """

    record: bytes
    position: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    verdict: VerdictProof | None
    keys: tuple[bytes, ...]
    sealers: tuple[bytes, ...]


def write_receipt(receipt: Receipt) -> bytes:
    """The receipt as a JSON document, bytes in base64."""
    verdict = receipt.verdict
    document = {
        "format": FORMAT,
        "record": _b64(receipt.record),
        "position": receipt.position,
        "path": [_b64(node) for node in receipt.path],
        "checkpoint": receipt.checkpoint.decode(),
        "verdict": None
        if verdict is None
        else {
            "first": verdict.first,
            "path": [_b64(node) for node in verdict.path],
            "seal": _b64(verdict.seal),
        },
        "keys": [_b64(key) for key in receipt.keys],
        "sealers": [_b64(record) for record in receipt.sealers],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def read_receipt(data: bytes) -> Receipt:
    """Parses a receipt; raises Malformed on anything but the format's own form."""
    try:
        document = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Malformed("not a receipt", expected="a JSON document") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Malformed("not a receipt", expected=f"format {FORMAT}")
    if set(document) != MEMBERS:
        expected = ", ".join(sorted(MEMBERS))
        raise Malformed("a receipt has exactly its members", expected=expected)
    verdict = document["verdict"]
    checkpoint = document["checkpoint"]
    if not isinstance(checkpoint, str):
        raise Malformed("not a receipt", expected="a text", where="checkpoint")
    receipt = Receipt(
        record=_bytes(document["record"], "record"),
        position=_count(document["position"], "position"),
        path=_list(document["path"], "path"),
        checkpoint=_utf8(checkpoint, "checkpoint"),
        verdict=None if verdict is None else _verdict(verdict),
        keys=_list(document["keys"], "keys"),
        sealers=_list(document["sealers"], "sealers"),
    )
    if write_receipt(receipt) != data:
        raise Malformed("a receipt has one form only", expected="as it was written")
    return receipt


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member stands twice")
    return document


def _verdict(value: object) -> VerdictProof:
    if not isinstance(value, Mapping) or set(value) != {"first", "path", "seal"}:
        raise Malformed("not a verdict proof", expected="first, path, seal")
    return VerdictProof(
        first=_count(value["first"], "verdict.first"),
        path=_list(value["path"], "verdict.path"),
        seal=_bytes(value["seal"], "verdict.seal"),
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _utf8(text: str, where: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("a text has no UTF-8 form", where=where) from error


def _bytes(value: object, where: str) -> bytes:
    """Canonical base64: Python's decoder alone accepts changed padding bits."""
    if not isinstance(value, str):
        raise Malformed("not base64", where=where)
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("not base64", where=where) from error
    if _b64(data) != value:
        raise Malformed("not canonical base64", where=where)
    return data


def _list(value: object, where: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > 1_000:
        raise Malformed("not a list of at most 1,000 items", where=where)
    return tuple(_bytes(item, where) for item in value)


def _count(value: object, where: str) -> int:
    if type(value) is not int or value < 0:
        raise Malformed("not a count", where=where)
    return value
