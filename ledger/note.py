"""Knows the C2SP signed note with SM2 signatures: a text and lines that vouch for it.

Signing and verifying are passed in; this module knows the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from ledger.errors import Malformed, Untrusted

PUBLIC_KEY_SIZE = 65
SIGNATURE_SIZE = 64
KEY_ID_SIZE = 4
NOTE_SIZE_MAX = 65_536
SIGNATURES_MAX = 100

# C2SP signed-note assigns SM2 no type byte: 0xff is followed by a long identifier.
LOG_KEY = b"\xffsm2-sm3/v1"
WITNESS_KEY = b"\xffsm2-sm3-cosig/v1"

# Control characters (Unicode category Cc), and surrogates, which have no UTF-8.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key 04‖X‖Y, message, signature r‖s) -> whether the signature is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line; a witness's ``signature`` has u64 POSIX seconds before it."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A signed note: the text, which ends in a newline, and its signature lines."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


def key_id4(name: str, public_key: bytes, key_type: bytes = LOG_KEY) -> bytes:
    """Returns the four bytes by which a note finds its key: a hint, no security hash.

    SHA-256 even here, so that generic note parsers can look the key up.
    """
    if len(public_key) != PUBLIC_KEY_SIZE or public_key[0] != 4:
        raise Malformed("not a public key", expected="65 bytes 04‖X‖Y")
    named = check_name(name).encode() + b"\n" + key_type + public_key
    return hashlib.sha256(named).digest()[:KEY_ID_SIZE]


def vkey(name: str, public_key: bytes, key_type: bytes = LOG_KEY) -> str:
    """Returns the verifier key, ``<name>+<key id, hex>+<base64 of type and key>``."""
    key_id = key_id4(name, public_key, key_type)
    return f"{name}+{key_id.hex()}+{encode_base64(key_type + public_key)}"


def parse_vkey(text: str, key_type: bytes = LOG_KEY) -> tuple[str, bytes]:
    """Returns (name, public key 04‖X‖Y) of a verifier key of that type, else Malformed.

    Whether the point is on the curve is for the verifier of signatures to say.
    """
    # Base64 may hold a '+' of its own, a name never does.
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Malformed(
            "not a verifier key",
            code="bad_verifier_key",
            expected="<name>+<key id>+<key>",
        )
    name, key_id, encoded = parts
    key = decode_base64(encoded, "verifier key")
    if not key.startswith(key_type):
        raise Malformed("a verifier key of another type", code="bad_verifier_key")
    public_key = key[len(key_type) :]
    if key_id4(name, public_key, key_type).hex() != key_id:
        raise Malformed(
            "the verifier key's id is not its key's",
            code="bad_verifier_key",
            where="key id",
        )
    return name, public_key


def make_note(text: bytes, name: str, public_key: bytes, signature: bytes) -> bytes:
    """Returns the note of a text and its log's signature r‖s; Malformed for its form."""
    if len(signature) != SIGNATURE_SIZE:
        raise Malformed("not a signature", expected=f"{SIGNATURE_SIZE} bytes")
    line = NoteSignature(
        name=name, key_id=key_id4(name, public_key), signature=signature
    )
    return render_note(Note(text=text, signatures=(line,)))


def render_note(note: Note) -> bytes:
    """Returns the note's bytes; Malformed if they would not parse back."""
    lines = [
        f"— {check_name(line.name)} {encode_base64(line.key_id + line.signature)}\n"
        for line in note.signatures
    ]
    rendered = note.text + b"\n" + "".join(lines).encode()
    if parse_note(rendered) != note:
        raise Malformed("not a note", expected="lines of text, and key names in UTF-8")
    return rendered


def parse_note(note: bytes) -> Note:
    """Returns text and signatures, unverified; Malformed for any other spelling.

    At most 64 KiB and 100 signatures; no control characters but newlines.
    """
    if len(note) > NOTE_SIZE_MAX:
        raise Malformed("the note is too long", expected=f"<= {NOTE_SIZE_MAX} bytes")
    text, blank, signatures = decode_text(note).rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Malformed("not a note", expected="text, blank line, signature lines")
    lines = signatures[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise Malformed("too many signatures", expected=f"at most {SIGNATURES_MAX}")
    return Note(
        text=f"{text}\n".encode(),
        signatures=tuple(_signature(line) for line in lines),
    )


def verify_note(note: bytes, *, name: str, public_key: bytes, verify: Verify) -> bytes:
    """Returns the text of a note that this log key signed.

    (1) the form, else Malformed; (2) exactly one line of this name and key id, other
    keys' lines are passed over; (3) its signature over the text. Raises Untrusted.
    """
    # Step 1.
    parsed = parse_note(note)
    # Step 2.
    signature = _line_of(parsed, name, key_id4(name, public_key))
    # Step 3.
    if not _holds(verify, public_key, parsed.text, signature):
        raise Untrusted(
            "the note's signature is wrong", code="proof_does_not_hold", where=name
        )
    return parsed.text


def cosignature_message(text: bytes, time_s: int) -> bytes:
    """Returns what a witness signs (C2SP tlog-cosignature): its clock and the text."""
    return b"cosignature/v1\ntime %d\n" % time_s + text


def verify_cosignature(
    note: bytes, *, name: str, public_key: bytes, verify: Verify
) -> int:
    """Returns the POSIX seconds at which this witness cosigned the note.

    Raises Malformed and Untrusted as verify_note does.
    """
    parsed = parse_note(note)
    payload = _line_of(parsed, name, key_id4(name, public_key, WITNESS_KEY))
    time_s = int.from_bytes(payload[:8], "big")
    message = cosignature_message(parsed.text, time_s)
    if not _holds(verify, public_key, message, payload[8:]):
        raise Untrusted(
            "the cosignature is wrong", code="proof_does_not_hold", where=name
        )
    return time_s


def check_name(name: str) -> str:
    """Returns the key name; Malformed if it is empty or holds a space, '+' or control."""
    # Splitting at white space leaves a name without any in one piece.
    if name.split() != [name] or "+" in name or _CONTROL.search(name):
        raise Malformed("not a key name", expected="no space, '+' or control character")
    return name


def decode_text(text: bytes) -> str:
    """Returns a note's text; Malformed for control characters other than newlines."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8", where=f"byte {error.start}") from error
    if _CONTROL.search(decoded.replace("\n", "")):
        raise Malformed("a control character in a note")
    return decoded


def encode_base64(data: bytes) -> str:
    """Returns standard base64 with padding."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, where: str) -> bytes:
    """Returns the bytes of which ``text`` is the one base64, else raises Malformed."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("not base64", where=where) from error
    # Python's decoder ignores stray bits before the padding.
    if encode_base64(data) != text:
        raise Malformed("base64 spelled another way", where=where)
    return data


def _signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise Malformed("not a signature line", expected="— <name> <base64>")
    payload = decode_base64(parts[2], "signature line")
    if len(payload) <= KEY_ID_SIZE:
        raise Malformed("a signature line without a signature")
    return NoteSignature(
        name=check_name(parts[1]),
        key_id=payload[:KEY_ID_SIZE],
        signature=payload[KEY_ID_SIZE:],
    )


def _line_of(note: Note, name: str, key_id: bytes) -> bytes:
    """The payload of the one line of this key; two could say different things."""
    found = [
        line.signature
        for line in note.signatures
        if (line.name, line.key_id) == (name, key_id)
    ]
    if len(found) != 1:
        raise Untrusted(
            "not signed by the key asked for",
            code="proof_does_not_hold",
            expected="one line",
            found=str(len(found)),
            where=name,
        )
    return found[0]


def _holds(verify: Verify, public_key: bytes, message: bytes, signature: bytes) -> bool:
    return len(signature) == SIGNATURE_SIZE and verify(public_key, message, signature)
