"""What is done on purpose to a record on its way: one step for each kind of ``Spoil``."""

from __future__ import annotations

from dataclasses import replace

from console.demo.steps import Spoil
from ledger.chain import ChainState
from ledger.codec import RECORD_1, decode_canonical, encode
from ledger.drafting import Position
from ledger.events import ZERO_DIGEST, Event, Record
from ledger.publish import Signed
from ledger.signing import Signer, tbs
from ledger.sources import events_source
from ledger.workdays import DAY_US

OLD_DAYS = 9


def spoil_event(spoil: Spoil, event: Event) -> None:
    """Changes an event before it is signed."""
    match spoil:
        case Spoil.OLD:
            event["signed_at"] -= OLD_DAYS * DAY_US
        case Spoil.FOREIGN:
            event["origin"] = bytes(reversed(event["origin"]))
        case Spoil.RETYPED:
            event["type_version"] += 1
        case _:
            pass


def spoilt_place(spoil: Spoil, at: Position, state: ChainState) -> Position:
    """The next place of a chain, or one that is taken, or one too far on."""
    match spoil:
        case Spoil.STALE:
            former = state.acts[-2].digest if len(state.acts) > 1 else ZERO_DIGEST
            return replace(at, sequence=at.sequence - 1, previous=former)
        case Spoil.GAP:
            return replace(at, sequence=at.sequence + 1)
        case _:
            return at


def spoilt_record(
    spoil: Spoil, signed: Signed, *, stranger: Signer, partitions: int
) -> Signed:
    """A signed record, damaged, forged by the stranger's key, or sent astray."""
    match spoil:
        case Spoil.FLIPPED:
            return _flipped(signed)
        case Spoil.FORGED:
            return _forged(signed, stranger)
        case Spoil.MISROUTED:
            other = (int(signed.source.rpartition("-")[2]) + 1) % partitions
            return replace(signed, source=events_source(other))
        case Spoil.UNREADABLE:
            data = signed.data
            return replace(signed, data=data[:2] + bytes(8) + data[10:])
        case Spoil.TRUNCATED:
            return replace(signed, data=signed.data[:-7])
        case _:
            return signed


def _forged(signed: Signed, stranger: Signer) -> Signed:
    """The event still names the office's key; a stranger's hand signed it."""
    record: Record = decode_canonical(RECORD_1, signed.data)
    return _resigned(signed, stranger.sign(tbs(1, record["body"])))


def _flipped(signed: Signed) -> Signed:
    record: Record = decode_canonical(RECORD_1, signed.data)
    value = record["signatures"][0]["value"]
    return _resigned(signed, value[:-1] + bytes((value[-1] ^ 1,)))


def _resigned(signed: Signed, value: bytes) -> Signed:
    """The same body under another first signature."""
    record: Record = decode_canonical(RECORD_1, signed.data)
    record["signatures"][0]["value"] = value
    return replace(signed, data=encode(RECORD_1, record))
