"""Signed notes: the published vector, every flipped bit of it, and hostile lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import signing
from ledger.errors import LedgerError, Malformed, Untrusted
from ledger.note import (
    LOG_KEY,
    WITNESS_KEY,
    Note,
    NoteSignature,
    cosignature_message,
    key_id4,
    make_note,
    parse_note,
    parse_vkey,
    render_note,
    verify_cosignature,
    verify_note,
    vkey,
)

# The key pair of the example in GB/T 32918.5, with its fixed nonce.
PUBLIC_KEY = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
NAME = "ledger.example/licence-log"
VKEY = (
    "ledger.example/licence-log+2886c21a+/3NtMi1zbTMvdjEECfnfMR5UIaFQ3X0WHkvFxnIXn60YM"
    "/wHa7CP81bzUCDM6kkM4md1pS3G6nGMwapgCu0F+/NeCEpmMvYHLamtEw=="
)
TEXT = b"ledger.example/licence-log\n8\nvEi6enCRhLXypjHhreuNwqDUwBjB1syJtWZP4VTJOzg=\n"
NOTE = (
    TEXT.decode() + "\n"
    "— ledger.example/licence-log KIbCGo98yewzZyAmaHSyBKk1/MQkv1+Db+1MHdnW20VS5yn7VO3y7"
    "YVZ9iiIQ7rMlsoE9uKtSBqtjNC/0LuEZhCwdJU=\n"
).encode()
WITNESS = "witness.example/audit-office"
COSIGNATURE = (
    "— witness.example/audit-office el3dvwAAAABpVbkA1WyX1KQl2z5zSa4yXaI71pxx0ubbOt/92Is"
    "kMAJ59R7RBdMb0RgzKIN0RIieNDBfm1DQirKiBobrwaQlGfk0Cw==\n"
).encode()
SIGNATURE = parse_note(NOTE).signatures[0].signature


def opened(note: bytes, name: str = NAME, public_key: bytes = PUBLIC_KEY) -> bytes:
    return verify_note(note, name=name, public_key=public_key, verify=signing.verify)


def cosigned(note: bytes) -> int:
    return verify_cosignature(
        note, name=WITNESS, public_key=PUBLIC_KEY, verify=signing.verify
    )


def test_published_note_is_made_byte_for_byte_and_verifies() -> None:
    assert len(NOTE) == 199
    assert hashlib.sha256(NOTE).hexdigest() == (
        "30bc453b5853559f6d8c4fb74532a150f4accd998197ab0391ca2d117d4b5b5e"
    )
    assert make_note(TEXT, NAME, PUBLIC_KEY, SIGNATURE) == NOTE
    assert opened(NOTE) == TEXT


def test_key_ids_are_the_published_ones() -> None:
    assert key_id4(NAME, PUBLIC_KEY).hex() == "2886c21a"
    assert key_id4(WITNESS, PUBLIC_KEY, WITNESS_KEY).hex() == "7a5dddbf"


def test_verifier_key_is_the_published_one_and_reads_back() -> None:
    assert vkey(NAME, PUBLIC_KEY) == VKEY
    assert parse_vkey(VKEY) == (NAME, PUBLIC_KEY)
    witness = vkey(WITNESS, PUBLIC_KEY, WITNESS_KEY)
    assert parse_vkey(witness, WITNESS_KEY) == (WITNESS, PUBLIC_KEY)


def test_published_cosignature_stands_beside_the_logs_own_line() -> None:
    assert cosigned(NOTE + COSIGNATURE) == 1_767_225_600
    assert opened(NOTE + COSIGNATURE) == TEXT
    assert cosignature_message(TEXT, 5) == b"cosignature/v1\ntime 5\n" + TEXT


def flips(data: bytes) -> Iterator[bytes]:
    """Yields the data with each single bit flipped."""
    for at, byte in enumerate(data):
        for bit in range(8):
            yield data[:at] + bytes([byte ^ 1 << bit]) + data[at + 1 :]


def holds(note: bytes) -> bool:
    try:
        opened(note)
    except (Malformed, Untrusted):
        return False
    return True


def test_every_flipped_bit_of_the_note_is_refused() -> None:
    spoiled = list(flips(NOTE))
    assert len(spoiled) == 1_592
    assert [note for note in spoiled if holds(note)] == []


def test_every_flipped_bit_of_a_cosignature_is_refused() -> None:
    for line in flips(COSIGNATURE):
        with pytest.raises(LedgerError):
            cosigned(NOTE + line)


def test_every_flipped_bit_of_a_verifier_key_is_malformed() -> None:
    for text in flips(VKEY.encode()):
        with pytest.raises(Malformed):
            parse_vkey(text.decode("latin-1"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        NAME,
        VKEY + "=",
        VKEY + "\n",
        " " + VKEY,
        VKEY[:-1],
        VKEY.replace("2886c21a", "2886C21A"),
        VKEY.replace("2886c21a", "02886c21a"),
        VKEY.replace("/3Nt", "\ud8003Nt"),
        VKEY.replace("ledger", "led\ud800er"),
        vkey(WITNESS, PUBLIC_KEY, WITNESS_KEY),
    ],
)
def test_other_spelling_of_a_verifier_key_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(text)


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a+b", "a\nb", "a\tb", "a\u00a0b", "a\u2028b", "a\u3000b", "a\x00b",
     "a\x7fb", "a\x85b", "a\ud800b"],
)  # fmt: skip
def test_name_that_would_break_a_line_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        key_id4(name, PUBLIC_KEY)
    with pytest.raises(Malformed):
        make_note(TEXT, name, PUBLIC_KEY, SIGNATURE)
    line = NoteSignature(name=name, key_id=b"1234", signature=b"5")
    with pytest.raises(Malformed):
        render_note(Note(text=TEXT, signatures=(line,)))


@pytest.mark.parametrize(
    "public_key", [b"", PUBLIC_KEY[1:], PUBLIC_KEY + b"\0", b"\x02" + PUBLIC_KEY[1:]]
)
def test_public_key_in_another_form_is_malformed(public_key: bytes) -> None:
    with pytest.raises(Malformed):
        key_id4(NAME, public_key)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_signature_of_another_length_is_neither_made_nor_believed(size: int) -> None:
    with pytest.raises(Malformed):
        make_note(TEXT, NAME, PUBLIC_KEY, bytes(size))
    line = NoteSignature(
        name=NAME, key_id=key_id4(NAME, PUBLIC_KEY), signature=bytes(size or 1)
    )
    note = render_note(Note(text=TEXT, signatures=(line,)))
    with pytest.raises(Untrusted):
        verify_note(note, name=NAME, public_key=PUBLIC_KEY, verify=lambda *_: True)


@pytest.mark.parametrize("text", [b"", b"no newline", b"a\rb\n", b"a\0b\n", b"\xff\n"])
def test_text_that_is_not_lines_of_utf8_cannot_be_signed(text: bytes) -> None:
    with pytest.raises(Malformed):
        make_note(text, NAME, PUBLIC_KEY, SIGNATURE)


def test_text_may_hold_blank_lines_and_chinese() -> None:
    text = "一\n\n二\n\n".encode()
    note = make_note(text, "省/证照", PUBLIC_KEY, SIGNATURE)
    assert parse_note(note).text == text
    assert parse_note(note).signatures[0].name == "省/证照"


LINE = NOTE[len(TEXT) + 1 :]


@pytest.mark.parametrize(
    "note",
    [
        b"",
        TEXT,
        TEXT + b"\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b" \n",
        NOTE.replace(b"\n\n", b"\n"),
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace("— ".encode(), "—  ".encode()),
        NOTE.replace("— ".encode(), "—".encode()),
        NOTE.replace(b"JU=\n", b"JV=\n"),
        NOTE.replace(b"JU=\n", b"JU\n"),
        NOTE.replace(b"JU=\n", b"JU= \n"),
        TEXT + "\n— ledger.example/licence-log KIbCGg==\n".encode(),
        TEXT + "\n— a+b KIbCGo98\n".encode(),
        TEXT + b"\n" + LINE * 101,
        b"x" * 65_536 + NOTE,
    ],
)
def test_other_spelling_of_a_note_is_malformed(note: bytes) -> None:
    with pytest.raises(Malformed):
        parse_note(note)


def test_lines_of_unknown_keys_are_passed_over() -> None:
    stranger = "— ledger.example/licence-log AAAAAP8=\n— other AAAAAP8=\n".encode()
    assert opened(TEXT + b"\n" + stranger + LINE) == TEXT
    assert opened(NOTE + stranger) == TEXT
    with pytest.raises(Untrusted, match="not signed by the key"):
        opened(TEXT + b"\n" + stranger)


def test_two_lines_of_the_same_key_are_untrusted() -> None:
    forged = make_note(TEXT, NAME, PUBLIC_KEY, bytes(64))[len(TEXT) + 1 :]
    for lines in (LINE + LINE, LINE + forged, forged + LINE):
        with pytest.raises(Untrusted, match="expected one line"):
            opened(TEXT + b"\n" + lines)


def test_signature_over_another_text_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="signature is wrong"):
        opened(NOTE.replace(b"\n8\n", b"\n9\n"))


def test_log_signature_is_no_cosignature() -> None:
    timed = NoteSignature(
        name=NAME,
        key_id=key_id4(NAME, PUBLIC_KEY, WITNESS_KEY),
        signature=bytes(8) + SIGNATURE,
    )
    note = render_note(Note(text=TEXT, signatures=(timed,)))
    with pytest.raises(Untrusted, match="cosignature is wrong"):
        verify_cosignature(
            note, name=NAME, public_key=PUBLIC_KEY, verify=signing.verify
        )
    assert LOG_KEY != WITNESS_KEY


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=9), min_size=1
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["a", "省/证照", "x.y/z"]),
            st.binary(min_size=5, max_size=90),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_any_note_reads_back(
    lines: list[str], signatures: list[tuple[str, bytes]]
) -> None:
    note = Note(
        text="".join(f"{line}\n" for line in lines).encode(),
        signatures=tuple(
            NoteSignature(name=name, key_id=data[:4], signature=data[4:])
            for name, data in signatures
        ),
    )
    assert parse_note(render_note(note)) == note


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_malformed(note: bytes) -> None:
    with pytest.raises(Malformed):
        parse_note(note)
