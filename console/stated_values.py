"""Values as tables and acts state them, opened for one reader all at once."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

from console.reading import Reader
from ledger.facts import Act
from ledger.license import FaceValue
from projections.field_history import HOLDERS

Stated = Any
"""A clear value as JSON, ``{"encrypted", "event", "holder"}``, or refs of holders."""


class StatedValues:
    """Collects values of one field of one license, then opens them together.

    ``acts``: all accepted ones of the license; an encrypted value names its event.
    """

    def __init__(self, acts: Sequence[Act], *, field: str) -> None:
        self._field = field
        self._acts = {act.event_id.hex(): act for act in acts}
        self._entries = {
            ref.hex(): (kind, ref, code)
            for act in acts
            for kind, ref, code in act.holders
        }
        self._encrypted: dict[str, FaceValue] = {}
        self._refs: dict[str, None] = {}

    def add(self, value: Stated) -> None:
        """Takes note of a value that will be shown."""
        if self._field == HOLDERS:
            self._refs |= dict.fromkeys(value or ())
        elif _closed(value):
            self._encrypted[value["encrypted"]] = FaceValue(
                value=b64decode(value["encrypted"]),
                position=self._acts[value["event"]].position,
                event_id=bytes.fromhex(value["event"]),
                since_day=0,
            )

    def open(self, reader: Reader, license_id: str) -> Callable[[Stated], Any]:
        """Opens what was added; what is given back shows each value to this reader."""
        if self._field == HOLDERS:
            entries = tuple(self._entries[ref] for ref in self._refs)
            held = reader.holders(license_id, entries) if entries else []
            by_ref = {one["ref"]: one for one in held}
            return lambda value: value and [by_ref[ref] for ref in value]
        names = [(self._field, one) for one in self._encrypted.values()]
        values = reader.values(license_id, names)
        opened = dict(zip(self._encrypted, values, strict=True))
        return lambda value: opened[value["encrypted"]] if _closed(value) else value


def _closed(value: Stated) -> bool:
    return isinstance(value, dict) and "encrypted" in value
