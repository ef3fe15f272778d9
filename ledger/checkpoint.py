"""Knows the checkpoint: a tree head and the seal that made it, as the text of a note.

Three lines of C2SP tlog-checkpoint (origin, size, root) and one extension line,
``seal <seal_no> <sealed_at> <seal digest>``; ``ledger.note`` signs and verifies it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.errors import Malformed, Untrusted
from ledger.note import (
    Verify,
    check_name,
    decode_base64,
    decode_text,
    encode_base64,
    verify_note,
)

HASH_SIZE = 32
NUMBER_MAX = 2**63 - 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head and the seal that made it; ``sealed_at`` is UTC µs.

    Raises Malformed for an origin that is no note name, a number outside 0..2^63-1,
    or a digest that has not 32 bytes.
    """

    origin: str
    size: int
    root: bytes
    seal_no: int
    sealed_at: int
    seal_digest: bytes

    def __post_init__(self) -> None:
        """Refuses what has no one line to be written in."""
        check_name(self.origin)
        for number in (self.size, self.seal_no, self.sealed_at):
            if type(number) is not int or not 0 <= number <= NUMBER_MAX:
                raise Malformed("checkpoint number out of range", expected="0..2^63-1")
        for digest in (self.root, self.seal_digest):
            if len(digest) != HASH_SIZE:
                raise Malformed("not a digest", expected=f"{HASH_SIZE} bytes")


def origin_line(ledger_name: str, origin: bytes) -> str:
    """Returns the checkpoint's origin, which is also its key's name."""
    return check_name(f"{ledger_name}/{origin.hex()}")


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """Returns the text that is signed: four lines."""
    seal = f"{checkpoint.seal_no} {checkpoint.sealed_at} "
    lines = (
        checkpoint.origin,
        str(checkpoint.size),
        encode_base64(checkpoint.root),
        f"seal {seal}{encode_base64(checkpoint.seal_digest)}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Returns the checkpoint of which ``text`` is the one spelling; else Malformed."""
    lines = decode_text(text).split("\n")
    if len(lines) != 5 or lines[4]:
        raise Malformed("not a checkpoint", expected="four lines")
    seal = lines[3].split(" ")
    if len(seal) != 4 or seal[0] != "seal":
        raise Malformed(
            "not a checkpoint",
            expected="seal <number> <time> <digest>",
            where="line 4",
        )
    return Checkpoint(
        origin=lines[0],
        size=_number(lines[1], "line 2"),
        root=decode_base64(lines[2], "line 3"),
        seal_no=_number(seal[1], "line 4"),
        sealed_at=_number(seal[2], "line 4"),
        seal_digest=decode_base64(seal[3], "line 4"),
    )


def open_checkpoint(
    note: bytes, *, origin: str, public_key: bytes, verify: Verify
) -> Checkpoint:
    """Returns the checkpoint of a note signed by the key of that origin.

    Raises Untrusted for a wrong signature or another origin, Malformed for its form.
    """
    text = verify_note(note, name=origin, public_key=public_key, verify=verify)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != origin:
        raise Untrusted(
            "a checkpoint of another ledger",
            code="another_ledger",
            expected=origin,
            found=checkpoint.origin,
        )
    return checkpoint


def _number(text: str, where: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Malformed("not a number", expected="a plain decimal", where=where)
    return int(text)
