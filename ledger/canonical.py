"""Readers of canonical Avro, compiled from a schema: one pass that also proves the form.

A reader takes the shortest form of everything and nothing else: minimal varints, an int
of 32 bits, union and enum indexes that exist, booleans 0 and 1, arrays of one block,
UTF-8, no byte behind the end. So whatever it returns encodes to the very bytes that it
read, and nobody needs to encode it to know; what it does not take is for the definition
to judge. Source: Avro 1.11 specification, "Binary Encoding".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

Reader = Callable[[bytes, int], Any]
"""Reads all of ``data`` from a place on; ValueError or LookupError: not proven."""


def compile_reader(schema_text: str) -> Reader:
    """The reader of one schema, of whose types ours need: no map, float, double.

    Straight code without calls: a fifth of the time of decoding and encoding again.
    """
    source = _Source()
    found = source.value(json.loads(schema_text))
    lines = [
        "def read(data, at):",
        *(" " + line for line in source.lines),
        " if at != len(data): raise ValueError",
        f" return {found}",
    ]
    scope: dict[str, Any] = {"more": _more, **source.symbols}
    # The text comes from the packaged schema; every name in it is quoted by repr().
    exec("\n".join(lines), scope)  # noqa: S102 - as dataclasses and namedtuple do
    reader: Reader = scope["read"]
    return reader


def _more(data: bytes, at: int, first: int) -> tuple[int, int]:
    """A varint of several bytes, still zig-zag, and the place behind it."""
    raw, shift = first & 0x7F, 7
    while (byte := data[at]) > 0x7F and shift < 63:
        raw |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
    raw |= byte << shift
    # 0 at its end: too long. Bits above 64, a tenth byte that goes on among them: none.
    if byte == 0 or raw >> 64:
        raise ValueError
    return raw, at + 1


class _Source:
    """The lines of a reader under way; a slice beyond the end shows in ``at`` later."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.symbols: dict[str, dict[int, str]] = {}
        self._indent = ""
        self._names = map("v{}".format, count())
        self._named: dict[str, Any] = {}

    def value(self, schema: Any) -> str:
        """Adds lines that read one value; the expression that holds it then."""
        if isinstance(schema, str) and schema in self._named:
            return self.value(self._named[schema])
        if isinstance(schema, list):
            return self._union(schema)
        kind = schema if isinstance(schema, str) else schema["type"]
        if isinstance(schema, dict) and "name" in schema:
            self._named[schema["name"]] = schema
        match kind:
            case "record":
                fields = [(f["name"], self.value(f["type"])) for f in schema["fields"]]
                return "{" + ", ".join(f"{name!r}: {v}" for name, v in fields) + "}"
            case "array":
                return self._array(schema["items"])
            case "enum":
                return self._enum(schema["symbols"])
            case "fixed":
                return self._take(f"data[at:(at := at + {int(schema['size'])})]")
            case _:
                return self._primitive(kind)

    def _primitive(self, kind: str) -> str:
        match kind:
            case "null":
                return "None"
            case "boolean":
                return self._byte("(False, True)[data[at]]")
            case "int" | "long":
                name = self._varint()
                if kind == "int":
                    self._add(f"if {name} >> 32: raise ValueError")
                self._add(f"{name} = {name} >> 1 ^ -({name} & 1)")
                return name
            case "bytes" | "string":
                size = f"({self._size()} >> 1)"
                text = ".decode()" if kind == "string" else ""
                return self._take(f"data[at:(at := at + {size})]{text}")
            case _:
                raise AssertionError(f"no reader for Avro {kind}")

    def _enum(self, symbols: list[str]) -> str:
        table = f"SYMBOLS_{len(self.symbols)}"
        self.symbols[table] = dict(_one_byte(symbols))
        return self._byte(f"{table}[data[at]]")

    def _union(self, branches: list[Any]) -> str:
        index, name = self._byte("data[at]"), next(self._names)
        for byte, branch in _one_byte(branches):
            self._add(f"{'elif' if byte else 'if'} {index} == {byte}:")
            found = self._nested(branch)
            self._add(f" {name} = {found}")
        self._add("else: raise ValueError")
        return name

    def _array(self, items: Any) -> str:
        size, name = self._size(), next(self._names)
        # An item takes a byte at least, so a count beyond the data is none: without
        # this a record of some bytes could keep its reader busy for years.
        self._add(
            f"{name} = []",
            f"if {size} >> 1 > len(data): raise ValueError",
            f"for _ in range({size} >> 1):",
        )
        item = self._nested(items)
        self._add(
            f" {name}.append({item})",
            f"if {size}:",
            " if data[at]: raise ValueError",
            " at += 1",
        )
        return name

    def _nested(self, schema: Any) -> str:
        self._indent += " "
        found = self.value(schema)
        self._indent = self._indent[:-1]
        return found

    def _size(self) -> str:
        name = self._varint()
        self._add(f"if {name} & 1: raise ValueError")
        return name

    def _varint(self) -> str:
        name = self._byte("data[at]")
        self._add(f"if {name} > 127: {name}, at = more(data, at, {name})")
        return name

    def _byte(self, expression: str) -> str:
        name = self._take(expression)
        self._add("at += 1")
        return name

    def _take(self, expression: str) -> str:
        name = next(self._names)
        self._add(f"{name} = {expression}")
        return name

    def _add(self, *lines: str) -> None:
        self.lines += [self._indent + line for line in lines]


def _one_byte(items: list[T]) -> list[tuple[int, T]]:
    """Items by the byte of their index."""
    if len(items) > 64:
        raise AssertionError("an index of several bytes")
    return [(2 * index, item) for index, item in enumerate(items)]
