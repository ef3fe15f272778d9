"""What a seal places: one record of the log, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.admission import Place
from ledger.events import Seal
from ledger.seal import Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One record of the log at its place."""

    data: bytes
    place: Place


def given_at(seal: Seal, placed: Placed, records: Sequence[bytes]) -> Iterator[Given]:
    """The records of one range of a seal, each at its place."""
    for index, data in enumerate(records):
        place = Place(
            source=placed.source,
            ordinal=placed.start + index,
            position=placed.position + index,
            seal_no=seal["seal_no"],
            sealed_at=seal["sealed_at"],
        )
        yield Given(data=data, place=place)
