"""What one row of a table says, read and checked: whose license, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ledger.events import Value
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

    @property
    def ends(self) -> bool:
        """Whether it ends its license, and so must come through whatever stands beside."""
        return ACTS[self.act].ends is not None


class SourceRow(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One row that can be read: whose license, and what happened to it.

    ``values`` holds every mapped field and the term, None where the row says nothing;
    ``endless``: it says that there is no last day. ``out``: it is rejected, and only what
    ends its license is known of it.
    """

    line: int
    key: str
    license_id: str
    holder_code: str
    values: dict[str, Any]  # of Value: msgpack does not tell lists from rows by type
    acts: tuple[SourceAct, ...]
    endless: bool = False
    out: bool = False

    @property
    def said(self) -> Mapping[str, Value]:
        """What it says in so many words: an empty cell is silent, 长期 is not."""
        return {
            name: value
            for name, value in self.values.items()
            if value is not None or (name == "valid_until" and self.endless)
        }
