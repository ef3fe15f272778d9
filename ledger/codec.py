"""Avro single-object encoding, and the rule that bytes must be the one canonical form.

Avro decoders accept more than encoders write (over-long varints, union index -1,
booleans other than 0 and 1, negative block counts). Re-encoding what was decoded and
comparing finds every such form at once; what ``ledger.canonical`` reads need not be.
Source: Avro 1.11 specification, "Single-object encoding"; the fingerprint is
little-endian there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import fastavro
from fastavro.schema import fingerprint as avro_fingerprint
from fastavro.schema import to_parsing_canonical_form

import schemas
from ledger.canonical import Reader, compile_reader
from ledger.errors import Malformed
from ledger.events import Event, Record, Seal, Value

MAGIC = b"\xc3\x01"
HEADER_SIZE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One parsed schema; ``header`` is the 10 bytes that open its single objects.

    ``read`` takes canonical bytes alone.
    """

    record: str
    version: int
    header: bytes
    sm3: bytes
    parsed: Any
    read: Reader

    @property
    def fingerprint(self) -> bytes:
        """CRC-64-AVRO, 8 bytes little-endian as carried."""
        return self.header[2:]


def crc64(text: str) -> bytes:
    """CRC-64-AVRO of a schema text, 8 bytes little-endian (as fastavro prints it)."""
    form = to_parsing_canonical_form(json.loads(text))
    return bytes.fromhex(avro_fingerprint(form, "CRC-64-AVRO"))


def _load() -> dict[tuple[str, int], Schema]:
    found: dict[tuple[str, int], Schema] = {}
    for file in schemas.load():
        computed = crc64(file.text)
        if computed.hex() != file.crc64:
            raise schemas.ContractBrokenError(
                f"{file.record}/{file.version}.avsc: expected CRC-64-AVRO "
                f"{file.crc64}, found {computed.hex()}"
            )
        found[file.record, file.version] = Schema(
            record=file.record,
            version=file.version,
            header=MAGIC + computed,
            sm3=bytes.fromhex(file.sm3),
            parsed=fastavro.parse_schema(json.loads(file.text)),
            read=compile_reader(file.text),
        )
    return found


SCHEMAS = _load()
BY_FINGERPRINT = {schema.fingerprint: schema for schema in SCHEMAS.values()}
EVENT_1 = SCHEMAS["event", 1]
RECORD_1 = SCHEMAS["record", 1]
SEAL_1 = SCHEMAS["seal", 1]
_VALUE = next(
    field["type"]
    for outer in EVENT_1.parsed["fields"]
    if outer["name"] == "fields"
    for field in outer["type"]["items"]["fields"]
    if field["name"] == "value"
)
_VALUE_SCHEMA = fastavro.parse_schema(_VALUE, named_schemas={})


def encode(schema: Schema, datum: Event | Record | Seal) -> bytes:
    """Single-object bytes of a datum; raises Malformed when it does not fit."""
    out = BytesIO()
    out.write(schema.header)
    try:
        fastavro.schemaless_writer(out, schema.parsed, datum)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise Malformed(
            "a value does not fit the schema",
            expected=f"{schema.record}/{schema.version}",
            found=type(error).__name__,
        ) from error
    return out.getvalue()


def decode(schema: Schema, data: bytes) -> Any:
    """Decodes single-object bytes of a known schema, canonical ones and any others."""
    if data[:HEADER_SIZE] != schema.header:
        raise Malformed(
            "other schema header",
            expected=schema.header.hex(),
            found=data[:HEADER_SIZE].hex(),
        )
    stream = BytesIO(data)
    stream.seek(HEADER_SIZE)
    try:
        return fastavro.schemaless_reader(stream, schema.parsed, None)
    except Exception as error:
        # Whatever raises in the decoder is malformed: the library promises no closed
        # list, and a record must never stop a reader.
        raise Malformed(
            "bytes do not decode",
            expected=f"{schema.record}/{schema.version}",
            found=type(error).__name__,
        ) from error


def decode_canonical(schema: Schema, data: bytes) -> Any:
    """Decodes and demands that encoding again gives the very same bytes."""
    if data[:HEADER_SIZE] == schema.header:
        try:
            return schema.read(data, HEADER_SIZE)
        except (ValueError, LookupError):
            # Not proven to be canonical: the definition decides, and says what is wrong.
            pass
    datum = decode(schema, data)
    if encode(schema, datum) != data:
        raise Malformed(
            "bytes are not the canonical encoding",
            expected="the bytes that encoding the decoded value gives",
            found="another form of the same value, or bytes after its end",
        )
    return datum


def decode_event(body: bytes) -> Event:
    """The event inside a body that was judged before."""
    return cast(Event, decode_canonical(EVENT_1, body))


def decode_record(data: bytes) -> Record:
    """The record inside bytes that were judged before."""
    return cast(Record, decode_canonical(RECORD_1, data))


def encode_value(value: Value) -> bytes:
    """The Avro datum of one Value with its union index and no header."""
    out = BytesIO()
    try:
        fastavro.schemaless_writer(out, _VALUE_SCHEMA, value)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Malformed(
            "a value has no Avro form",
            expected="null, string, long, boolean, bytes, Strings or Rows",
            found=type(error).__name__,
        ) from error
    return out.getvalue()


def decode_value(data: bytes) -> Value:
    """Reads one Avro Value; raises Malformed unless the bytes are canonical."""
    try:
        value = cast(
            Value, fastavro.schemaless_reader(BytesIO(data), _VALUE_SCHEMA, None)
        )
    except Exception as error:
        raise Malformed(
            "value bytes do not decode",
            expected="an Avro Value",
            found=type(error).__name__,
        ) from error
    if encode_value(value) != data:
        raise Malformed("value bytes are not canonical")
    return value
