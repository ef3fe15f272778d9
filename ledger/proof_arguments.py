"""What a proof may be made of: whoever brings one chose its arguments.

They come as ``object``, and exact types only are taken, since a subclass may answer len()
and == as it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ledger.errors import Untrusted

HASH_SIZE = 32
SIZE_MAX = 2**63 - 1
PATH_MAX = 64


def trusted_count(value: object, name: str) -> int:
    """A position or size, 0 to 2^63-1; raises Untrusted."""
    if type(value) is not int or not 0 <= value <= SIZE_MAX:
        raise Untrusted(
            "not a tree position",
            code="proof_does_not_hold",
            expected="0..2^63-1",
            where=name,
        )
    return value


def trusted_hash(value: object, name: str) -> bytes:
    """A hash of 32 bytes; raises Untrusted."""
    if type(value) is not bytes or len(value) != HASH_SIZE:
        raise Untrusted(
            "not a hash",
            code="proof_does_not_hold",
            expected=f"{HASH_SIZE} bytes",
            where=name,
        )
    return value


def trusted_path(path: object) -> tuple[bytes, ...]:
    """The nodes of a path, 64 at most; raises Untrusted."""
    nodes = _first_items(path)
    if len(nodes) > PATH_MAX:
        raise Untrusted(
            "the path is too long",
            code="proof_does_not_hold",
            expected=f"at most {PATH_MAX} nodes",
        )
    return tuple([trusted_hash(node, "path") for node in nodes])


def _first_items(path: object) -> tuple[object, ...]:
    # A foreign sequence may raise anything when it is read.
    try:
        if isinstance(path, Sequence) and not isinstance(path, str | bytes | bytearray):
            return tuple(islice(path, PATH_MAX + 1))
    except Exception as error:
        raise Untrusted(
            "the path cannot be read", code="proof_does_not_hold"
        ) from error
    raise Untrusted(
        "not a path", code="proof_does_not_hold", expected="a sequence of hashes"
    )
