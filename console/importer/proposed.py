"""What an import would publish for one license, and who judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from console.importer.rejects import Reject
from console.importer.source_row import SourceAct, SourceRow
from ledger.chain import ChainState
from ledger.events import Value
from ledger.facts import Act
from ledger.license import License

BASELINE = "BASELINE"
OPENING_ACTS = frozenset((BASELINE, "ISSUE"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One act that is to be published: ``act`` is the ledger's, ``source`` the row's.

    ``fields``: what it says, in clear; ``sequence`` is its place in the chain,
    ``version`` that which it makes or 0.
    """

    act: str
    row: SourceRow
    source: SourceAct
    fields: Mapping[str, Value]
    sequence: int
    version: int


Face = Mapping[str, Value]
"""A license's face in clear, as far as it is known: None where it is known to be empty."""


class Trial(Protocol):
    """Judges a proposal as admission will, short of signatures and the registry."""

    def version_after(self, act: str, license_: License | None) -> int:
        """The version that this act makes, 0 when it makes none."""
        ...

    def fields(
        self, act: str, row: SourceRow, source: SourceAct, face: Face
    ) -> Mapping[str, Value]:
        """What an act of a row says, on a face that is known so far."""
        ...

    def must_end(self, row: SourceRow) -> bool:
        """Whether a row that opens a license has to say its last day."""
        ...

    def judge(
        self, proposal: Proposal, acts: Sequence[Act], before: License | None
    ) -> tuple[Act, License]:
        """The proposal as an act of the chain, and the license after it; or Refusal."""
        ...


@dataclass(slots=True, kw_only=True)
class ChainPlan:
    """What is to be done to one license.

    ``proposals`` in chain order; ``rests_on`` gives for each line that stays the indexes
    of the proposals which its row needs accepted, its own and those it shares with
    another row; ``own`` are the lines that bring a proposal themselves.
    """

    license_id: str
    base: ChainState
    proposals: list[Proposal] = field(default_factory=list)
    rests_on: dict[int, list[int]] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act that is new to the log, and the row that tells of it."""

    row: SourceRow
    source: SourceAct

    @property
    def order(self) -> tuple[int, bool, int, int]:
        """Day; nothing of a license before its issue; own act before status act; line."""
        late = self.source.act not in OPENING_ACTS
        return self.source.day, late, self.source.order, self.row.line

    @property
    def event(self) -> tuple[str, int]:
        """Acts of one license equal in these are one event."""
        return self.source.source_act, self.source.day
