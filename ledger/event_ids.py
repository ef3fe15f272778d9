"""Knows how an event's identifier is drawn: UUID version 7 (RFC 9562 §5.7)."""

from __future__ import annotations

from typing import Final

from ledger.errors import Malformed
from ledger.sm2_curve import RandomBytes

EVENT_ID_SIZE: Final = 16

_RANDOM_SIZE: Final = 10
_MS_MAX: Final = 2**48 - 1


def draw_event_ids(
    count: int, *, now_us: int, random_bytes: RandomBytes
) -> list[bytes]:
    """Draws identifiers of 16 bytes: the time in milliseconds, then 74 random bits.

    ``now_us`` is UTC µs. Raises Malformed for a time before 1970 or past 48 bits.
    """
    milliseconds = now_us // 1000
    if not 0 <= milliseconds <= _MS_MAX:
        raise Malformed(
            "no UUIDv7 for this time", expected="1970 or later", found=f"{now_us} µs"
        )
    head = milliseconds.to_bytes(6, "big")
    chance = random_bytes(_RANDOM_SIZE * count)
    return [
        head + _with_version(chance[at : at + _RANDOM_SIZE])
        for at in range(0, _RANDOM_SIZE * count, _RANDOM_SIZE)
    ]


def _with_version(chance: bytes) -> bytes:
    version = bytes((0x70 | chance[0] & 0x0F, chance[1]))
    variant = bytes((0x80 | chance[2] & 0x3F,))
    return version + variant + chance[3:]
