from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import codec
from ledger.codec import EVENT_1, RECORD_1, SEAL_1
from ledger.errors import Malformed
from ledger.events import Event, Seal, Value
from tests import avro_forms, strategies
from tests.avro_forms import schema_text
from tests.sample_events import sample_event, sample_signatures

SEAL: Seal = {
    "seal_no": 3,
    "previous": b"\x01" * 32,
    "sealed_at": 1_767_200_000_000_000,
    "ranges": [{"source": "registry", "from": 0, "to": 4}],
    "tree_size": 4,
    "root": b"\x02" * 32,
    "verdicts": [
        {
            "seal_no": 2,
            "source": "events-0",
            "first": 1,
            "count": 2,
            "root": b"\x03" * 32,
            "refused": [{"position": 1, "code": "stale"}],
        }
    ],
    "checkpoint": "a note\n",
}


def test_header_is_the_mark_and_the_pinned_fingerprint() -> None:
    assert EVENT_1.header.hex() == "c301" + "a5072b3ed83657cb"
    assert RECORD_1.header.hex() == "c301" + "44276139ab2e45db"
    assert SEAL_1.header.hex() == "c301" + "90c600f1a1f4c7f3"


def test_fingerprint_agrees_with_an_own_crc64_of_the_canonical_form() -> None:
    for schema in (EVENT_1, RECORD_1, SEAL_1):
        form = json.dumps(canonical(schema_text(schema)), separators=(",", ":"))
        assert crc64_avro(form.encode()) == schema.fingerprint


def canonical(schema: Any) -> Any:
    """Parsing canonical form: [ORDER] of attributes; nothing else is in our schemas."""
    if isinstance(schema, list):
        return [canonical(one) for one in schema]
    if isinstance(schema, dict):
        order = ("name", "type", "fields", "symbols", "items", "size")
        assert set(schema) <= set(order)
        return {key: canonical(schema[key]) for key in order if key in schema}
    return schema


def crc64_avro(data: bytes) -> bytes:
    """The loop of the Avro specification, "Schema Fingerprints"."""
    empty = 0xC15D213AA4D7A795
    table = []
    for index in range(256):
        entry = index
        for _ in range(8):
            entry = (entry >> 1) ^ (empty if entry & 1 else 0)
        table.append(entry)
    crc = empty
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc.to_bytes(8, "little")


@given(event=strategies.events())
def test_event_survives_encoding_and_decoding(event: Event) -> None:
    data = codec.encode(EVENT_1, event)
    assert codec.decode_canonical(EVENT_1, data) == event
    assert codec.decode_event(data) == event


@given(event=strategies.events())
def test_event_bytes_are_those_of_the_naive_writer(event: Event) -> None:
    assert codec.encode(EVENT_1, event) == avro_forms.write(EVENT_1, event)


@given(
    body=st.binary(max_size=200),
    signatures=st.lists(strategies.signatures(), max_size=9),
)
def test_record_survives_encoding_and_decoding(
    body: bytes, signatures: list[Any]
) -> None:
    record = strategies.record_of(body, signatures)
    data = codec.encode(RECORD_1, record)
    assert codec.decode_canonical(RECORD_1, data) == record
    assert codec.decode_record(data) == record
    assert data == avro_forms.write(RECORD_1, record)


def test_seal_survives_encoding_and_decoding() -> None:
    data = codec.encode(SEAL_1, SEAL)
    assert codec.decode_canonical(SEAL_1, data) == SEAL
    assert data == avro_forms.write(SEAL_1, SEAL)


@given(value=strategies.VALUES)
def test_value_survives_encoding_and_decoding(value: Value) -> None:
    again = codec.decode_value(codec.encode_value(value))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "00"),
        ("a", "020261"),
        (1, "0402"),
        (True, "0601"),
        (b"a", "080261"),
        ({"strings": ["a"]}, "0a02026100"),
        ({"rows": []}, "0c00"),
    ],
)
def test_value_carries_its_union_index(value: Value, expected: str) -> None:
    assert codec.encode_value(value).hex() == expected


@pytest.mark.parametrize(
    "data",
    [
        "",  # nothing
        "01",  # union index -1
        "0e",  # no such branch
        "0602",  # a boolean that is 2
        "048200",  # a long on more bytes than it needs
        "0000",  # bytes after the end
        "02ff",  # a length that goes on
        "020461",  # shorter than its length
        "0202ff",  # not UTF-8
        "0206eda080",  # a lone surrogate
        "0a0102026100",  # a block with a negative count
    ],
)
def test_value_bytes_in_any_other_form_are_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        codec.decode_value(bytes.fromhex(data))


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**63, [1], {"other": 1}, "\ud800"]
)
def test_value_without_an_avro_form_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        codec.encode_value(value)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 2**63},
        {"sequence": "1"},
        {"event_id": bytes(15)},
        {"previous": bytes(33)},
        {"chain": "court"},
        {"subject": None},
        {"subject": "\ud800"},
        {"decision": {}},
        {"fields": [{"name": "x", "value": float("nan")}]},
        {"fields": [{"value": "x"}]},
        {"causes": [b""]},
    ],
)
def test_event_that_does_not_fit_the_schema_is_malformed(changes: Any) -> None:
    with pytest.raises(Malformed):
        codec.encode(EVENT_1, sample_event(**changes))


def test_event_without_a_part_that_may_not_be_null_is_malformed() -> None:
    for name in set(sample_event()) - {"decision", "file", "flags"}:
        event: Any = sample_event()
        del event[name]
        with pytest.raises(Malformed):
            codec.encode(EVENT_1, event)


def test_bytes_under_another_schemas_header_are_malformed() -> None:
    data = codec.encode(EVENT_1, sample_event())
    with pytest.raises(Malformed) as caught:
        codec.decode(RECORD_1, data)
    assert caught.value.expected == RECORD_1.header.hex()
    assert caught.value.found == EVENT_1.header.hex()


def test_every_shorter_or_longer_form_of_an_event_is_malformed() -> None:
    data = codec.encode(EVENT_1, sample_event())
    for end in range(len(data)):
        with pytest.raises(Malformed):
            codec.decode_canonical(EVENT_1, data[:end])
    with pytest.raises(Malformed):
        codec.decode_canonical(EVENT_1, data + b"\0")


def test_every_shorter_form_of_a_record_is_malformed() -> None:
    data = codec.encode(RECORD_1, {"body": b"body", "signatures": sample_signatures()})
    for end in range(len(data)):
        with pytest.raises(Malformed):
            codec.decode_canonical(RECORD_1, data[:end])
