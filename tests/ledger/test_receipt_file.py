from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.receipt_file import Receipt, VerdictProof, read_receipt, write_receipt

HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=5).map(tuple)
COUNTS = st.integers(min_value=0, max_value=2**63 - 1)
NOTES = st.text().filter(lambda text: text.isprintable()).map(str.encode)
RECEIPTS = st.builds(
    Receipt,
    record=st.binary(max_size=100),
    position=COUNTS,
    path=HASHES,
    checkpoint=NOTES,
    verdict=st.none()
    | st.builds(VerdictProof, first=COUNTS, path=HASHES, seal=st.binary(max_size=80)),
    keys=HASHES,
    sealers=HASHES,
)
SAMPLE = Receipt(
    record=b"record",
    position=5,
    path=(b"\x01" * 32,),
    checkpoint="a note\n\n— name 8J+Yig==\n".encode(),
    verdict=VerdictProof(first=4, path=(b"\x02" * 32,), seal=b"seal"),
    keys=(b"\x04" * 65,),
    sealers=(b"founding",),
)


def document(**changes: Any) -> bytes:
    """The sample's file with other members, in the form that a writer gives it."""
    found = json.loads(write_receipt(SAMPLE)) | changes
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode()


@given(receipt=RECEIPTS)
def test_receipt_survives_writing_and_reading(receipt: Receipt) -> None:
    assert read_receipt(write_receipt(receipt)) == receipt


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "license-ledger/receipt@v2"},
        {"more": 1},
        {"record": None},
        {"record": "!"},
        {"record": "cmVjb3Jk\n"},
        {"record": "cmVjb3J="},  # bits in the padding
        {"record": "cmVj b3Jk"},
        {"record": "长"},
        {"position": -1},
        {"position": 5.0},
        {"position": True},
        {"position": "5"},
        {"position": None},
        {"path": None},
        {"path": {}},
        {"path": [1]},
        {"path": ["AA=="] * 1_001},
        {"checkpoint": None},
        {"checkpoint": 1},
        {"verdict": []},
        {"verdict": {}},
        {"verdict": {"first": 0, "path": [], "seal": "", "more": 1}},
        {"verdict": {"first": -1, "path": [], "seal": ""}},
        {"keys": [None]},
        {"sealers": "AA=="},
    ],
)
def test_receipt_with_another_member_is_malformed(changes: Any) -> None:
    with pytest.raises(Malformed):
        read_receipt(document(**changes))


def test_receipt_lacking_a_member_is_malformed() -> None:
    for name in json.loads(write_receipt(SAMPLE)):
        found = json.loads(write_receipt(SAMPLE))
        del found[name]
        with pytest.raises(Malformed):
            read_receipt(json.dumps(found, indent=1).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"format": NaN}',
        b"\xff",
        b'{"a":' * 100_000,
        write_receipt(SAMPLE)[:-1],
        write_receipt(SAMPLE) + b"\n",
        b"\xef\xbb\xbf" + write_receipt(SAMPLE),
        write_receipt(SAMPLE).replace(b"\n", b"\r\n"),
        write_receipt(SAMPLE).decode().encode("utf-16"),
        write_receipt(SAMPLE).replace(b'"position": 5', b'"position": 5e0'),
        write_receipt(SAMPLE).replace(b'"position": 5', b'"position": ' + b"9" * 5_000),
        write_receipt(SAMPLE).replace(b'"position"', b'"path": [],\n "position"'),
        write_receipt(SAMPLE).replace(b"a note", rb"\u0061 note"),
        write_receipt(SAMPLE).replace(b"a note", rb"\ud800 note"),
    ],
)
def test_receipt_in_another_form_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_receipt(data)


def test_flipped_bit_is_malformed_or_another_receipt() -> None:
    data = write_receipt(SAMPLE)
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        try:
            receipt = read_receipt(bytes(flipped))
        except Malformed:
            continue
        assert receipt != SAMPLE
