"""The fold of one license's rows, as the ledger will fold them, and the way back."""

from __future__ import annotations

from collections.abc import Mapping

from console.importer.mapping import StockMapping
from console.importer.proposed import (
    BASELINE,
    OPENING_ACTS,
    ChainPlan,
    Face,
    Proposal,
    Step,
    Trial,
)
from console.importer.refused_rows import (
    before_issue,
    differing_column,
    judged_wrong,
    no_last_day,
    told_twice,
    waits_for_row,
)
from console.importer.rejects import RowRejected
from ledger.chain import ChainState
from ledger.license import License
from ledger.refusals import Refusal
from ledger.workdays import legal_day


def fold_steps(
    plan: ChainPlan, steps: list[Step], fold: Fold, mapping: StockMapping
) -> None:
    """Folds the steps, in order, into a plan; rows that cannot be become its rejects."""
    at = 0
    while at < len(steps):
        try:
            fold.take(at, steps[at])
        except (Refusal, RowRejected) as wrong:
            line = steps[at].row.line
            if isinstance(wrong, Refusal):
                wrong = judged_wrong(wrong, mapping, steps[at].source, fold.license)
            plan.rejects.append(wrong.at(line))
            fold.out.append(line)
            plan.rests_on.pop(line, None)
            # Before the row's first act nothing changes: the fold goes on from there.
            at = next(i for i, step in enumerate(steps) if step.row.line == line)
            fold.back_to(at)
            steps[:] = [step for step in steps if step.row.line != line]
        else:
            at += 1
    plan.proposals = fold.proposals
    for line, indexes in fold.rests_on.items():
        if line in plan.rests_on:  # a row that is out may still end its license
            plan.rests_on[line] = indexes
    plan.own = {proposal.row.line for proposal in fold.proposals}


class Fold:
    """Proposals so far, what they come to, and the way back."""

    def __init__(
        self, base: ChainState, face: Face, trial: Trial, mapping: StockMapping
    ) -> None:
        self._trial = trial
        self._mapping = mapping
        self._base = len(base.acts)
        self._acts = list(base.acts)
        self._licenses = [base.license]
        days = (legal_day(act.effective_at) for act in base.acts)
        self._latest = max(days, default=0)
        self._faces = [face]
        self._made_at: list[int] = []
        self._proposed: dict[tuple[str, int], int] = {}
        self._needs: list[tuple[int, int]] = []
        self.proposals: list[Proposal] = []
        self.out: list[int] = []
        """Lines of rows of this license that stay out."""
        self.issued: int | None = None
        """The day on which a row of the file says that the license was issued."""

    @property
    def license(self) -> License | None:
        """The license after all proposals so far."""
        return self._licenses[-1]

    @property
    def rests_on(self) -> Mapping[int, list[int]]:
        """Line -> indexes of proposals."""
        found: dict[int, list[int]] = {}
        for line, index in self._needs:
            found.setdefault(line, []).append(index)
        return found

    def take(self, at: int, step: Step) -> None:
        """Step number ``at``: another proposal, or the same event from another row.

        Raises RowRejected where that says something else: it would be lost.
        """
        known = self._proposed.get(step.event)
        if known is not None:
            row, first = step.row, self.proposals[known].row
            names = row.said if step.source.carries else ()
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

    def _propose(self, step: Step) -> None:
        before, face = self._licenses[-1], self._faces[-1]
        act = self._act(step)
        opens = act in OPENING_ACTS and not step.source.ends
        if opens and step.source.face and self._trial.must_end(step.row):
            raise no_last_day(self._mapping.valid_until)
        if step.source.day < self._latest:
            face = {}  # that is what stands later
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

    def _act(self, step: Step) -> str:
        """The act that a step becomes: what opens a license and is no issue, BASELINE.

        Raises RowRejected where it may not open it: the row that does may be out, to be
        mended, and once another has taken its place it could never come in; or a row of
        the file says that the license was issued later.
        """
        act, column = step.source.act, self._mapping.acts[step.source.order]
        if self._acts or act in OPENING_ACTS:
            return act
        if self.issued is not None:
            raise before_issue(self.issued, column.date)
        if self.out:
            raise waits_for_row(min(self.out), column.shown)
        return BASELINE
