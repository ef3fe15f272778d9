"""What one row of a table says, read and checked: whose license, and what happened to it."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.lifecycle_table import ACTS


class SourceAct(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One act that a row tells of.

    ``order`` is that of its column in the mapping, ``source_act`` the column's value,
    ``day`` counts from 1970-01-01 in UTC+8, ``face``: the row's values go with it.
    """

    day: int
    order: int
    source_act: str
    act: str
    face: bool

    @property
    def carries(self) -> bool:
        """Whether fields travel with it: an act that ends a license has none."""
        return self.face and ACTS[self.act].face != "none"


class SourceRow(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One row that can be read: whose license, and what happened to it.

    ``values`` holds every mapped field and the term, None where the row says nothing.
    Without ``acts`` it stands for a row that was rejected, of which no more is known.
    """

    line: int
    key: str
    license_id: str
    holder_code: str
    values: dict[str, Any]  # of Value: msgpack does not tell lists from rows by type
    acts: tuple[SourceAct, ...]
