"""Checkpoint text: one spelling, strictly read, opened only under its own key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import signing
from ledger.checkpoint import (
    Checkpoint,
    checkpoint_text,
    open_checkpoint,
    origin_line,
    parse_checkpoint,
)
from ledger.errors import Malformed, Untrusted
from ledger.note import make_note

# The signing key of the example in GB/T 32918.5.
PRIVATE_KEY = bytes.fromhex(
    "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
)
CHECKPOINT = Checkpoint(
    origin="ledger.example/000102030405060708090a0b0c0d0e0f",
    size=8,
    root=bytes.fromhex(
        "bc48ba7a709184b5f2a631e1adeb8dc2a0d4c018c1d6cc89b5664fe154c93b38"
    ),
    seal_no=3,
    sealed_at=1_767_225_600_000_000,
    seal_digest=bytes(range(32)),
)
TEXT = (
    b"ledger.example/000102030405060708090a0b0c0d0e0f\n"
    b"8\n"
    b"vEi6enCRhLXypjHhreuNwqDUwBjB1syJtWZP4VTJOzg=\n"
    b"seal 3 1767225600000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
)
NUMBERS = st.integers(0, 2**63 - 1)
DIGESTS = st.binary(min_size=32, max_size=32)


def test_text_has_four_lines_and_reads_back() -> None:
    assert checkpoint_text(CHECKPOINT) == TEXT
    assert parse_checkpoint(TEXT) == CHECKPOINT


def test_origin_is_the_name_and_the_hex_of_the_founding_digest() -> None:
    assert origin_line("ledger.example", bytes(range(16))) == CHECKPOINT.origin
    assert origin_line("辽宁省电子证照", bytes(16)) == "辽宁省电子证照/" + "0" * 32
    with pytest.raises(Malformed):
        origin_line("two words", bytes(16))


@given(NUMBERS, DIGESTS, NUMBERS, NUMBERS, DIGESTS)
def test_any_checkpoint_reads_back(
    size: int, root: bytes, seal_no: int, sealed_at: int, seal_digest: bytes
) -> None:
    checkpoint = Checkpoint(
        origin="省/0",
        size=size,
        root=root,
        seal_no=seal_no,
        sealed_at=sealed_at,
        seal_digest=seal_digest,
    )
    assert parse_checkpoint(checkpoint_text(checkpoint)) == checkpoint


@pytest.mark.parametrize(
    ("part", "spoiled"),
    [
        (b"\n8\n", b"\n08\n"),
        (b"\n8\n", b"\n+8\n"),
        (b"\n8\n", b"\n-8\n"),
        (b"\n8\n", b"\n 8\n"),
        (b"\n8\n", b"\n8 \n"),
        (b"\n8\n", b"\n8_0\n"),
        (b"\n8\n", "\n８\n".encode()),
        (b"\n8\n", "\n٨\n".encode()),
        (b"\n8\n", b"\n\n"),
        (b"\n8\n", b"\n9223372036854775808\n"),
        (b"\n8\n", b"\n" + b"9" * 5000 + b"\n"),
        (b"\n8\n", b"\n8\r\n"),
        (b"\n8\n", b"\n"),
        (b"\n8\n", b"\n8\n\n"),
        (b"Ozg=", b"Ozh="),
        (b"Ozg=", b"Ozg"),
        (b"Ozg=", b"Ozg=="),
        (b"Ozg=\n", b"\n"),
        (b"vEi6", b""),
        (b"vEi6", b"vE i6"),
        (b"vEi6", b"vE-_"),
        (b"vEi6", b"vE\xc3\xa9"),
        (b"seal ", b"Seal "),
        (b"seal ", b"seal  "),
        (b"seal ", b" seal "),
        (b"seal 3 ", b"seal 03 "),
        (b"seal 3 ", b"seal "),
        (b"seal 3 ", b"seal 3 4 "),
        (b" 17672", b" -17672"),
        (b" 17672", b" 1.7672"),
        (b"AAEC", b"AAE"),
        (b"Hh8=\n", b"Hh8="),
        (b"Hh8=\n", b"Hh8= \n"),
        (b"Hh8=\n", b"Hh8=\n\n"),
        (b"Hh8=\n", b"Hh8=\nseal 3\n"),
        (b"ledger.example", b"ledger+example"),
        (b"ledger.example", b"ledger example"),
        (b"ledger.example", b"ledger\texample"),
        (b"ledger.example", b"ledger\xc2\xa0example"),
        (b"ledger.example", b"ledger\xffexample"),
        (b"ledger.example", b"ledger\xed\xa0\x80example"),
        (TEXT[: TEXT.index(b"\n")], b""),
        (TEXT, b""),
        (TEXT, TEXT + TEXT),
    ],
)
def test_other_spelling_is_malformed(part: bytes, spoiled: bytes) -> None:
    assert part in TEXT
    text = TEXT.replace(part, spoiled, 1)
    with pytest.raises(Malformed):
        parse_checkpoint(text)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "change",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"origin": "a\ud800"},
        {"size": -1},
        {"size": 2**63},
        {"size": True},
        {"seal_no": -1},
        {"sealed_at": 1.5},
        {"root": bytes(31)},
        {"seal_digest": b""},
    ],
)
def test_checkpoint_that_has_no_text_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        replace(CHECKPOINT, **change)


def note_of(text: bytes, name: str) -> bytes:
    public_key = signing.public_from_private(PRIVATE_KEY)
    signer = signing.SoftwareSigner(PRIVATE_KEY, public_key)
    return make_note(text, name, public_key, signer.sign(text))


def test_signed_checkpoint_opens_under_its_key_and_origin_alone() -> None:
    public_key = signing.public_from_private(PRIVATE_KEY)
    note = note_of(TEXT, CHECKPOINT.origin)

    def opened(origin: str, key: bytes) -> Checkpoint:
        return open_checkpoint(
            note, origin=origin, public_key=key, verify=signing.verify
        )

    assert opened(CHECKPOINT.origin, public_key) == CHECKPOINT
    with pytest.raises(Untrusted, match="not signed by the key"):
        opened(CHECKPOINT.origin, signing.public_from_private(bytes(31) + b"\x07"))
    with pytest.raises(Untrusted, match="not signed by the key"):
        opened("ledger.example/other", public_key)


def test_checkpoint_signed_under_the_name_of_another_origin_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="another ledger"):
        open_checkpoint(
            note_of(TEXT, "ledger.example/other"),
            origin="ledger.example/other",
            public_key=signing.public_from_private(PRIVATE_KEY),
            verify=signing.verify,
        )
