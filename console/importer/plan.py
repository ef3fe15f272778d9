"""What an import would do to one license: which acts are new, known, or cannot be.

Folds the license as the ledger will: at the first refused act its whole row goes, and
the fold is made again, so that a row comes in with all its acts or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from console.importer.logged import Changed, Logged
from console.importer.mapping import StockMapping
from console.importer.refused_rows import (
    differing_column,
    judged_wrong,
    row_changed,
    told_twice,
    waits_for_row,
)
from console.importer.rejects import Reject, RowRejected
from console.importer.source_row import SourceAct, SourceRow
from ledger.chain import ChainState
from ledger.events import Value
from ledger.facts import Act
from ledger.license import License
from ledger.refusals import Refusal
from ledger.workdays import legal_day

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
class _Step:
    """One act that is new to the log, and the row that tells of it."""

    row: SourceRow
    source: SourceAct

    @property
    def order(self) -> tuple[int, int, int]:
        """Day, then own act before status act, then line."""
        return self.source.day, self.source.order, self.row.line

    @property
    def event(self) -> tuple[str, int]:
        """Acts of one license equal in these are one event."""
        return self.source.source_act, self.source.day


def plan_chain(
    rows: Sequence[SourceRow],
    base: ChainState,
    *,
    logged: Logged,
    face: Face,
    changed: Changed,
    moved: AbstractSet[int],
    out: Sequence[int],
    trial: Trial,
    mapping: StockMapping,
) -> ChainPlan:
    """Plans the rows of one license on the chain that the log has.

    ``face``: that of the license before, as far as it can be read; ``moved``: lines of
    rows that were imported into another license; ``out``: lines of its rows that were
    rejected when they were read.
    """
    plan = ChainPlan(license_id=rows[0].license_id, base=base)
    steps: list[_Step] = []
    told: dict[str, SourceRow] = {}
    for row in rows:
        first = told.setdefault(row.key, row)
        try:
            if row.line in moved:
                raise row_changed(mapping.serial)
            fresh = _new_steps(row, logged, changed, mapping)
            if first is not row and (column := _differ(first, row, mapping)):
                raise row_changed(column)
        except RowRejected as rejected:
            plan.rejects.append(rejected.at(row.line))
            continue
        plan.rests_on[row.line] = []
        steps += fresh
    fold = _Fold(base, face, trial, mapping)
    fold.out += out
    _fold(plan, sorted(steps, key=lambda step: step.order), fold, mapping)
    return plan


def _new_steps(
    row: SourceRow,
    logged: Logged,
    changed: Changed,
    mapping: StockMapping,
) -> list[_Step]:
    """The acts of a row that the log lacks; RowRejected when one that it has differs."""
    steps: list[_Step] = []
    for source in row.acts:
        known, other = logged.of(row, source), logged.beside(source)
        if known is not None:
            if legal_day(known.effective_at) != source.day:
                raise row_changed(mapping.acts[source.order].date)
            if (row.line, known.digest) in changed:
                raise row_changed(changed[row.line, known.digest])
        elif other is not None and (row.line, other.digest) in changed:
            raise told_twice(changed[row.line, other.digest])
        elif (source.source_act, source.day) not in logged.events:
            steps.append(_Step(row=row, source=source))
    return steps


def _differ(first: SourceRow, row: SourceRow, mapping: StockMapping) -> str:
    """The column in which a row key that stands twice tells of one act in two ways."""
    if column := differing_column(first, row, mapping, row.values):
        return column
    days = {source.source_act: source.day for source in first.acts}
    for source in row.acts:
        if days.get(source.source_act, source.day) != source.day:
            return mapping.acts[source.order].date
    return ""


def _fold(
    plan: ChainPlan, steps: list[_Step], fold: _Fold, mapping: StockMapping
) -> None:
    at = 0
    while at < len(steps):
        try:
            fold.take(at, steps[at])
        except (Refusal, RowRejected) as wrong:
            line, order = steps[at].row.line, steps[at].source.order
            if isinstance(wrong, Refusal):
                wrong = judged_wrong(wrong, mapping, mapping.acts[order].shown)
            plan.rejects.append(wrong.at(line))
            fold.out.append(line)
            del plan.rests_on[line]
            # Before the row's first act nothing changes: the fold goes on from there.
            at = next(i for i, step in enumerate(steps) if step.row.line == line)
            fold.back_to(at)
            steps[:] = [step for step in steps if step.row.line != line]
        else:
            at += 1
    plan.proposals = fold.proposals
    for line, indexes in fold.rests_on.items():
        plan.rests_on[line] = indexes
    plan.own = {proposal.row.line for proposal in fold.proposals}


class _Fold:
    """Proposals so far, what they come to, and the way back."""

    def __init__(
        self, base: ChainState, face: Face, trial: Trial, mapping: StockMapping
    ) -> None:
        self._trial = trial
        self._mapping = mapping
        self._base = len(base.acts)
        self._acts = list(base.acts)
        self._licenses = [base.license]
        self._faces = [face]
        self._made_at: list[int] = []
        self._proposed: dict[tuple[str, int], int] = {}
        self._needs: list[tuple[int, int]] = []
        self.proposals: list[Proposal] = []
        self.out: list[int] = []
        """Lines of rows of this license that stay out."""

    @property
    def rests_on(self) -> Mapping[int, list[int]]:
        """Line -> indexes of proposals."""
        found: dict[int, list[int]] = {}
        for line, index in self._needs:
            found.setdefault(line, []).append(index)
        return found

    def take(self, at: int, step: _Step) -> None:
        """Step number ``at``: another proposal, or the same event from another row.

        Raises RowRejected where that says something else: it would be lost.
        """
        known = self._proposed.get(step.event)
        if known is not None:
            row, first = step.row, self.proposals[known].row
            names = row.values if step.source.carries else ()
            if column := differing_column(first, row, self._mapping, names):
                raise told_twice(column)
        else:
            known = len(self.proposals)
            self._propose(step)
            self._proposed[step.event] = known
            self._made_at.append(at)
        self._needs.append((step.row.line, known))

    def back_to(self, at: int) -> None:
        """Forgets step number ``at`` and all after it."""
        keep = sum(made < at for made in self._made_at)
        del self.proposals[keep:], self._made_at[keep:]
        del self._acts[self._base + keep :]
        del self._licenses[keep + 1 :], self._faces[keep + 1 :]
        del self._needs[at:]
        self._proposed = {e: i for e, i in self._proposed.items() if i < keep}

    def _propose(self, step: _Step) -> None:
        before, face = self._licenses[-1], self._faces[-1]
        act = step.source.act
        if not self._acts and act not in OPENING_ACTS:
            if self.out:
                # The row that opens the license may be among them: once another has,
                # it could never come in.
                column = self._mapping.acts[step.source.order].shown
                raise waits_for_row(min(self.out), column)
            act = BASELINE
        fields = self._trial.fields(act, step.row, step.source, face)
        proposal = Proposal(
            act=act,
            row=step.row,
            source=step.source,
            fields=fields,
            sequence=len(self._acts) + 1,
            version=self._trial.version_after(act, before),
        )
        made, after = self._trial.judge(proposal, self._acts, before)
        self.proposals.append(proposal)
        self._acts.append(made)
        self._licenses.append(after)
        empty = dict.fromkeys(step.row.values) if act in OPENING_ACTS else {}
        self._faces.append({**face, **empty, **fields})
