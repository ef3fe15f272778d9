"""How values, holders and acts look in a table: clear ones as JSON, encrypted ones closed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

from ledger.license import FaceValue, License
from ledger.workdays import day_to_date


@lru_cache(maxsize=4_096)
def day_text(day: int | None) -> str | None:
    """``YYYY-MM-DD`` of a day number, None for none."""
    return None if day is None else day_to_date(day).isoformat()


def clear(value: Any) -> Any:
    """A clear value as JSON: lists for Strings, objects for Rows."""
    if isinstance(value, dict):
        if "strings" in value:
            return value["strings"]
        return [
            {cell["name"]: cell["value"] for cell in row["cells"]}
            for row in value["rows"]
        ]
    return value


def face_value(face: FaceValue) -> Any:
    """A value of the face; an encrypted one with what opens it (event and holder)."""
    value = face.value
    if isinstance(value, bytes):
        return {
            "encrypted": b64encode(value).decode("ascii"),
            "event": face.event_id.hex(),
            "holder": value[1],
        }
    return clear(value)


def holders(entries: Iterable[tuple[str, bytes, str]]) -> list[dict[str, str]]:
    """Holders by their opaque references; ``code`` only for organisations."""
    return [
        {"kind": kind, "ref": ref.hex(), "code": code} for kind, ref, code in entries
    ]


def changes(before: License | None, after: License) -> dict[str, list[Any]]:
    """What differs between two faces: name -> [old, new].

    An encrypted value stands as {"encrypted": true}: that it changed is no secret.
    """
    return _of_face(before.face if before else {}, after.face) | _of_rest(before, after)


def _of_face(
    old_face: Mapping[str, FaceValue], new_face: Mapping[str, FaceValue]
) -> dict[str, list[Any]]:
    if not old_face:
        return {name: [None, _marked(new)] for name, new in new_face.items()}
    found: dict[str, list[Any]] = {}
    for name, new in new_face.items():
        old = old_face.get(name)
        if old is None:
            found[name] = [None, _marked(new)]
        elif old is not new and old.value != new.value:
            found[name] = [_marked(old), _marked(new)]
    for name, gone in old_face.items():
        if name not in new_face:
            found[name] = [_marked(gone), None]
    return found


def _of_rest(before: License | None, after: License) -> dict[str, list[Any]]:
    values = _VALUES(after)
    if before is None:
        return {
            name: [None, show(value)]
            for name, show, value in zip(_NAMES, _SHOW, values, strict=True)
            if value not in _EMPTY
        }
    return {
        name: [show(was), show(value)]
        for name, show, was, value in zip(
            _NAMES, _SHOW, _VALUES(before), values, strict=True
        )
        if was != value
    }


def _same(value: Any) -> Any:
    return value


def _refs(entries: Iterable[tuple[str, bytes, str]]) -> list[str]:
    return [ref.hex() for _, ref, _ in entries]


_RESERVED = (
    ("area", "area", _same),
    ("certificate_identifier", "identifier", _same),
    ("holders", "holders", _refs),
    ("valid_from", "valid_from", day_text),
    ("valid_until", "valid_until", day_text),
    ("version", "version", _same),
)
_EMPTY = (None, (), "")
_NAMES = [name for name, _, _ in _RESERVED]
_VALUES = attrgetter(*(attribute for _, attribute, _ in _RESERVED))
_SHOW = [show for _, _, show in _RESERVED]


def _marked(face: FaceValue) -> Any:
    value = face.value
    if type(value) is str:
        return value
    return {"encrypted": True} if isinstance(value, bytes) else clear(value)
