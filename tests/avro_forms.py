"""A second, naive Avro writer: an oracle for the codec, and a maker of deviant bytes.

It writes from the schema text alone. At any path of the datum (``fields[0].value``) a
deviation may replace what it wrote by another form of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import schemas
from ledger.codec import Schema

Deviation = Callable[[bytes], bytes]


def varint(number: int) -> bytes:
    """Zig-zag variable-length form of an int or long."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def padded(size: int) -> Deviation:
    """The same varint on more bytes than it needs."""

    def pad(normal: bytes) -> bytes:
        body = bytearray(normal)
        body[-1] |= 0x80
        body += b"\x80" * (size - len(body) - 1) + b"\0"
        return bytes(body)

    return pad


def always(data: bytes) -> Deviation:
    """These bytes instead of the normal ones."""
    return lambda _normal: data


def schema_text(schema: Schema) -> Any:
    """The published schema as JSON."""
    return next(
        json.loads(file.text)
        for file in schemas.load()
        if (file.record, file.version) == (schema.record, schema.version)
    )


def write(
    schema: Schema, datum: Any, deviations: Mapping[str, Deviation] | None = None
) -> bytes:
    """Single-object bytes of a datum with deviations put in.

    A deviation whose path does not occur is a mistake of the test.
    """
    writer = _Writer(dict(deviations or {}))
    out = writer.write(schema_text(schema), datum, "")
    assert not writer.deviations, f"no such path: {sorted(writer.deviations)}"
    return schema.header + out


class _Writer:
    def __init__(self, deviations: dict[str, Deviation]) -> None:
        self.deviations = deviations
        self.named: dict[str, Any] = {}

    def write(self, schema: Any, datum: Any, path: str) -> bytes:
        normal = self._plain(schema, datum, path)
        deviation = self.deviations.pop(path, None)
        return normal if deviation is None else deviation(normal)

    def _plain(self, schema: Any, datum: Any, path: str) -> bytes:
        if isinstance(schema, list):
            index = _branch(schema, datum)
            return varint(index) + self._plain(schema[index], datum, path)
        if isinstance(schema, str):
            if schema in self.named:
                return self._plain(self.named[schema], datum, path)
            return _primitive(schema, datum)
        if "name" in schema:
            self.named[schema["name"]] = schema
        match schema["type"]:
            case "record":
                dot = "." if path else ""
                return b"".join(
                    self.write(f["type"], datum[f["name"]], f"{path}{dot}{f['name']}")
                    for f in schema["fields"]
                )
            case "array":
                # Named types stand where they are first used, be the array empty.
                self._declare(schema["items"])
                items = b"".join(
                    self.write(schema["items"], item, f"{path}[{at}]")
                    for at, item in enumerate(datum)
                )
                return (varint(len(datum)) + items if datum else b"") + b"\0"
            case "enum":
                return varint(schema["symbols"].index(datum))
            case "fixed":
                assert len(datum) == schema["size"]
                return bytes(datum)
            case other:
                raise AssertionError(f"unknown schema {other}")

    def _declare(self, schema: Any) -> None:
        if isinstance(schema, list):
            for one in schema:
                self._declare(one)
        elif isinstance(schema, dict):
            if "name" in schema:
                self.named[schema["name"]] = schema
            for field in schema.get("fields", ()):
                self._declare(field["type"])
            self._declare(schema.get("items"))


def _branch(union: list[Any], datum: Any) -> int:
    names = [one if isinstance(one, str) else one["name"] for one in union]
    match datum:
        case None:
            return names.index("null")
        case bool():
            return names.index("boolean")
        case int():
            return names.index("long")
        case str():
            return names.index("string")
        case bytes():
            return names.index("bytes")
        case {"strings": _}:
            return names.index("Strings")
        case {"rows": _}:
            return names.index("Rows")
        case _:
            return len(names) - 1


def _primitive(name: str, datum: Any) -> bytes:
    match name:
        case "null":
            return b""
        case "boolean":
            return bytes((datum,))
        case "int" | "long":
            return varint(datum)
        case "bytes":
            return varint(len(datum)) + bytes(datum)
        case "string":
            raw = datum.encode()
            return varint(len(raw)) + bytes(raw)
        case other:
            raise AssertionError(f"unknown primitive {other}")
