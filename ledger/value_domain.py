"""The value domain of an event (值域): what its texts, arrays and times may be."""

from __future__ import annotations

from typing import TypeVar, cast

from ledger.errors import Malformed
from ledger.events import Event, Rows, Strings

STRING_SIZE_MAX = 2_000
IDENTIFIER_SIZE_MAX = 200
ARRAY_MAX = 1_000
TIME_MIN = -2_208_988_800_000_000  # 1900-01-01T00:00:00Z
TIME_END = 7_289_654_400_000_000  # 2201-01-01T00:00:00Z

_C0_AND_DEL = bytes([*range(0x20), 0x7F])
_C1 = frozenset(chr(c) for c in range(0x80, 0xA0))

T = TypeVar("T")


def check_domain(event: Event) -> None:
    """Value domain: no control characters, strings, identifiers, arrays, times."""
    identifiers, texts = _texts(event)
    joined = "".join(identifiers) + "".join(texts)
    raw = joined.encode()
    # A character takes one byte where all do, else four at most.
    wide = 1 if len(raw) == len(joined) else 4
    if max(map(len, identifiers)) * wide > IDENTIFIER_SIZE_MAX:
        for text in identifiers:
            if len(text.encode()) > IDENTIFIER_SIZE_MAX:
                raise Malformed("an identifier is longer than 200 bytes")
    if len(raw.translate(None, _C0_AND_DEL)) != len(raw) or (
        b"\xc2" in raw and not _C1.isdisjoint(joined)
    ):
        raise Malformed("a string holds a control character")
    if len(raw) > STRING_SIZE_MAX:
        for text in texts:
            if len(text.encode()) > STRING_SIZE_MAX:
                raise Malformed("a string is longer than 2,000 bytes")
    for time in (event["effective_at"], event["signed_at"]):
        if not TIME_MIN <= time < TIME_END:
            raise Malformed("a time lies outside the years 1900 to 2200")


def _texts(event: Event) -> tuple[list[str], list[str]]:
    """Every identifier and every other string of an event; also bounds the arrays."""
    matter, decision, flags = event["matter"], event["decision"], event["flags"]
    identifiers = [
        event["subject"],
        event["act"],
        event["authority"],
        event["deciding_authority"],
        matter["item_code"],
    ]
    texts: list[str] = [event["channel"], event["paper_serial"]]
    texts += cast("dict[str, str]", matter).values()
    if decision is not None:
        identifiers.append(decision["reason_code"])
        texts += (decision["number"], decision["date"], decision["document"])
    for holder in event["holders"]:
        identifiers += (holder["kind"], holder["code"])
    for field in event["fields"]:
        identifiers.append(field["name"])
        value = field["value"]
        if type(value) is str:
            texts.append(value)
        elif type(value) is dict:
            _compound(value, identifiers, texts)
    if event["file"] is not None:
        texts.append(event["file"]["seal_check"])
    if flags is not None:
        identifiers.append(flags["source_act"])
        texts += _bounded(flags["missing"]["strings"])
    _bounded(event["fields"])
    _bounded(event["causes"])
    return identifiers, texts


def _compound(value: Strings | Rows, identifiers: list[str], texts: list[str]) -> None:
    if "strings" in value:
        texts += _bounded(cast("Strings", value)["strings"])
        return
    for row in _bounded(value["rows"]):
        for cell in _bounded(row["cells"]):
            identifiers.append(cell["name"])
            if type(cell["value"]) is str:
                texts.append(cell["value"])


def _bounded(items: list[T]) -> list[T]:
    if len(items) > ARRAY_MAX:
        raise Malformed("an array holds more than 1,000 items")
    return items
