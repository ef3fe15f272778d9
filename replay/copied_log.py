"""Carries a log's records into another log: the same bytes at the same ordinals.

Run again, it goes on where it stopped. Records first and seals last: at no moment does
the new log hold a seal over records that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ledger.errors import Untrusted
from ledger.log.contract import EventLog
from ledger.sources import SEALS

_LIMIT: Final = 4_096
_SIZE_MAX: Final = 4 * 1024 * 1024


def copy_log(
    source: EventLog,
    target: EventLog,
    *,
    sources: Sequence[str],
    told: Callable[[str, int], None],
) -> dict[str, int]:
    """Copies these sources and then the seals; returns how many records each holds.

    Nobody else may append to ``target``. ``told`` hears a source's name and how many of
    its records are there. Raises Untrusted when ``target`` holds other records.
    """
    return {
        name: _copy(source, target, name, partial(told, name))
        for name in (*sources, SEALS)
    }


def _copy(
    source: EventLog, target: EventLog, name: str, told: Callable[[int], None]
) -> int:
    at = target.ends().get(name, 0)
    if at:
        last = source.read(name, at - 1, limit=1, size_max=1)
        if target.read(name, at - 1, limit=1, size_max=1) != last:
            raise _other(name, at - 1)
    while page := source.read(name, at, limit=_LIMIT, size_max=_SIZE_MAX):
        if target.append(name, page) != [*range(at, at + len(page))]:
            raise _other(name, at)
        at += len(page)
        told(at)
    return at


def _other(name: str, ordinal: int) -> Untrusted:
    return Untrusted(
        "the new log holds records that the old one does not",
        code="copy_differs",
        expected="an empty log, or one that an earlier copy left unfinished",
        where=f"{name}, record {ordinal}",
    )
