"""Records that want to cost much: nested, huge, endless; none is larger than 60,000 bytes
unless size is the point."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.codec import EVENT_1, RECORD_1
from tests.avro_forms import always, varint, write
from tests.sample_events import record_bytes, sample_event, sample_signatures

SIZES = (
    2**15,
    2**31,
    2**31 - 1,
    2**32,
    2**40,
    2**62,
    2**63 - 1,
    -1,
    -(2**31),
    -(2**63),
)
ARRAYS = ("holders", "signers", "fields", "causes")
STRINGS = ("subject", "act", "authority", "matter.source_ref", "decision.reason")
ROOM = 55_000


def corpus() -> Iterator[tuple[str, bytes]]:
    """Every hostile record after its name; all of them must be refused."""
    for size in SIZES:
        for path in ARRAYS:
            form = varint(size) + b"\0" * 64
            yield f"{path} of {size}", record_bytes(in_body={path: always(form)})
        for path in STRINGS:
            form = varint(size)
            yield f"{path} of {size} bytes", record_bytes(in_body={path: always(form)})
        outer = {"signatures": always(varint(size) + b"\0" * 200)}
        yield f"signatures of {size}", record_bytes(in_record=outer)
        body = {"body": always(varint(size) + b"\0" * 200)}
        yield f"body of {size} bytes", record_bytes(in_record=body)
    yield from _full()
    yield from _endless()


def _full() -> Iterator[tuple[str, bytes]]:
    """Small items, as many as 60,000 bytes hold, each costing far more decoded."""
    empty_rows = b"\x0c" + varint(ROOM) + b"\0" * ROOM + b"\0"
    yield "55,000 empty rows", _value(empty_rows)
    blocks = b"\x0c" + b"\x02\0" * (ROOM // 2) + b"\0"
    yield "27,500 blocks of one row", _value(blocks)
    cells = b"\x0c\x02" + varint(ROOM // 2) + b"\0\0" * (ROOM // 2) + b"\0\0"
    yield "27,500 empty cells", _value(cells)
    strings = b"\x0a" + varint(ROOM) + b"\0" * ROOM + b"\0"
    yield "55,000 empty strings", _value(strings)
    fields = varint(ROOM // 2) + b"\0\0" * (ROOM // 2) + b"\0"
    yield "27,500 fields", record_bytes(in_body={"fields": always(fields)})
    rows = varint(ROOM // 3) + b"\0\x0c\0" * (ROOM // 3) + b"\0"
    yield "18,333 empty tables", record_bytes(in_body={"fields": always(rows)})
    negative = b"\x0c" + b"\x01\0\0" * (ROOM // 3) + b"\0"
    yield "18,333 negative blocks", _value(negative)


def _endless() -> Iterator[tuple[str, bytes]]:
    for byte in (0x00, 0x01, 0x02, 0x0C, 0x7F, 0x80, 0xFF):
        for room in (60_000 - 10, 60_000 - 400):
            yield (
                f"{room} bytes {byte:02x} as a record",
                RECORD_1.header + bytes([byte]) * room,
            )
        body = EVENT_1.header + bytes([byte]) * ROOM
        record = {"body": body, "signatures": sample_signatures()}
        yield f"bytes {byte:02x} as a body", write(RECORD_1, record)
        tail = bytes([byte]) * ROOM
        yield (
            f"sequence of bytes {byte:02x}",
            record_bytes(in_body={"sequence": always(tail)}),
        )
    yield "sixteen megabytes", record_bytes() + bytes(2**24)
    nested = record_bytes()
    for depth in range(20):
        nested = write(RECORD_1, {"body": nested, "signatures": sample_signatures()})
        yield f"a record in records, {depth + 1} deep", nested


def _value(form: bytes) -> bytes:
    event = sample_event(fields=[{"name": "x", "value": None}])
    return record_bytes(event, in_body={"fields[0].value": always(form)})
