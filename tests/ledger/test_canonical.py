"""The compiled readers against their definition: decode, encode again, compare."""

from __future__ import annotations

import json
from io import BytesIO
from itertools import product
from typing import Any

import fastavro
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import schemas
from ledger import codec
from ledger.canonical import compile_reader
from ledger.codec import EVENT_1, RECORD_1, Schema
from ledger.errors import Malformed
from tests import deviants, strategies
from tests.avro_forms import varint
from tests.ledger.test_codec import SEAL

EVERY_KIND = {
    "type": "record",
    "name": "EveryKind",
    "fields": [
        {
            "name": "one",
            "type": ["null", "string", "long", "boolean", "bytes"],
        },
        {
            "name": "many",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Item",
                    "fields": [
                        {"name": "small", "type": "int"},
                        {
                            "name": "colour",
                            "type": {
                                "type": "enum",
                                "name": "Colour",
                                "symbols": ["red", "green"],
                            },
                        },
                        {
                            "name": "two",
                            "type": {"type": "fixed", "name": "Two", "size": 2},
                        },
                    ],
                },
            },
        },
    ],
}
READ = compile_reader(json.dumps(EVERY_KIND))
PARSED = fastavro.parse_schema(EVERY_KIND)


NOT_PROVEN = "the reader does not take it"
NOT_CANONICAL = "encoding again gives other bytes, or none"


def read(reader: Any, data: bytes, at: int) -> Any:
    try:
        return reader(data, at)
    except (ValueError, LookupError):
        return NOT_PROVEN


def defined(schema: Schema, data: bytes) -> Any:
    """What the definition says: the bytes are those of their own datum."""
    try:
        datum = codec.decode(schema, data)
        return datum if codec.encode(schema, datum) == data else NOT_CANONICAL
    except Malformed:
        return NOT_CANONICAL


def defined_of_every_kind(data: bytes) -> Any:
    stream, out = BytesIO(data), BytesIO()
    try:
        datum = fastavro.schemaless_reader(stream, PARSED, None)
        fastavro.schemaless_writer(out, PARSED, datum)
    except Exception:  # noqa: BLE001 - the decoder promises no closed list
        return NOT_CANONICAL
    return datum if out.getvalue() == data else NOT_CANONICAL


def same(one: Any, other: Any) -> bool:
    """Equal, and True is not 1."""
    return one == other and repr(one) == repr(other)


def holds(found: Any, definition: Any) -> bool:
    """What a reader takes is so by definition; it need not take an int of 33 bits."""
    return found == NOT_PROVEN or same(found, definition)


@st.composite
def broken(draw: st.DrawFn, data: bytes) -> bytes:
    """These bytes after one or two small changes behind the header."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(min_value=1, max_value=2))):
        at = draw(st.integers(min_value=codec.HEADER_SIZE, max_value=len(changed)))
        gone = draw(st.integers(min_value=0, max_value=2))
        changed[at : at + gone] = draw(st.binary(max_size=3))
    return bytes(changed)


@st.composite
def singles(draw: st.DrawFn) -> tuple[Schema, bytes]:
    """Bytes of an event or a record."""
    event, signatures = draw(strategies.event_and_signatures())
    data = codec.encode(EVENT_1, event)
    schema = EVENT_1
    if draw(st.booleans()):
        schema = RECORD_1
        data = codec.encode(schema, {"body": data, "signatures": signatures})
    return schema, data


@given(given_=singles())
def test_reader_takes_what_the_encoder_wrote(given_: tuple[Schema, bytes]) -> None:
    schema, data = given_
    found = read(schema.read, data, codec.HEADER_SIZE)
    assert same(found, defined(schema, data))


@given(given_=singles(), chosen=st.data())
def test_broken_bytes_are_read_as_they_are_defined(
    given_: tuple[Schema, bytes], chosen: st.DataObject
) -> None:
    schema, data = given_[0], chosen.draw(broken(given_[1]))
    definition = defined(schema, data)
    assert holds(read(schema.read, data, codec.HEADER_SIZE), definition)
    try:
        found = codec.decode_canonical(schema, data)
    except Malformed:
        found = NOT_CANONICAL
    assert same(found, definition)


@pytest.mark.parametrize("name", deviants.DEVIANTS)
def test_deviant_bytes_are_read_as_they_are_defined(name: str) -> None:
    data, _ = deviants.DEVIANTS[name]
    for schema in (EVENT_1, RECORD_1):
        if data[: codec.HEADER_SIZE] == schema.header:
            found = read(schema.read, data, codec.HEADER_SIZE)
            assert holds(found, defined(schema, data))


def test_seal_is_read_as_it_is_defined() -> None:
    seal = codec.SEAL_1
    data = codec.encode(seal, SEAL)
    assert seal.read(data, codec.HEADER_SIZE) == SEAL
    for at, byte in product(range(codec.HEADER_SIZE, len(data)), (0, 1, 3, 0x80, 0xFF)):
        changed = data[:at] + bytes((byte,)) + data[at + 1 :]
        found = read(seal.read, changed, codec.HEADER_SIZE)
        assert holds(found, defined(seal, changed))


@pytest.mark.parametrize("size", [0, 1, 2])
def test_all_short_strings_of_bytes_are_read_as_they_are_defined(size: int) -> None:
    for numbers in product(range(256), repeat=size):
        data = bytes(numbers)
        assert holds(read(READ, data, 0), defined_of_every_kind(data)), data.hex()


@given(data=st.binary(min_size=3, max_size=24))
@example(data=b"\x06\x02\x00")
@example(data=b"\x01\x00")
@example(data=b"\x04" + b"\x80" * 9 + b"\x01\x00")
@example(data=b"\x04" + b"\xff" * 9 + b"\x01\x00")
@example(data=b"\x04" + b"\xff" * 9 + b"\x03\x00")
@example(data=b"\x04" + b"\x80" * 20 + b"\x01\x00")
@example(data=b"\x00\x02" + varint(2**31 - 1) + b"\x02ab\x00")
@example(data=b"\x00\x02" + varint(2**31) + b"\x02ab\x00")
@example(data=b"\x00\x02\x01\x00ab\x02\x01\x00ab\x00")
@example(data=b"\x00\x01\x08\x01\x00ab\x00")
@example(data=b"\x00\x02\x01\x04ab\x00")
@example(data=b"\x02\x06\xed\xa0\x80\x00")
@example(data=b"\x02" + varint(2**62) + b"a\x00")
def test_any_bytes_are_read_as_they_are_defined(data: bytes) -> None:
    assert holds(read(READ, data, 0), defined_of_every_kind(data))


@pytest.mark.parametrize("count", [2**31, 2**62])
def test_count_beyond_the_data_keeps_no_reader_busy(count: int) -> None:
    assert read(READ, b"\x00" + varint(count) + b"\x00", 0) == NOT_PROVEN


def test_endless_varint_ends() -> None:
    assert read(READ, b"\x04" + b"\x80" * 60_000, 0) == NOT_PROVEN


@pytest.mark.parametrize("kind", ["float", "double", {"type": "map", "values": "int"}])
def test_schema_with_a_kind_that_has_no_reader_is_none(kind: Any) -> None:
    with pytest.raises(AssertionError):
        compile_reader(json.dumps(kind))


def test_every_packaged_schema_has_a_reader() -> None:
    readers = [compile_reader(file.text) for file in schemas.load()]
    assert all(map(callable, readers))
    assert len(readers) >= 3
