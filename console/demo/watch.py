"""What the demonstration says while it runs: about one line a second, plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.demo.desk import DemoDesk
from console.demo.run import Outcome
from console.demo.story import Story
from ledger.drafting import Draft
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.workdays import day_to_date, legal_day

EVERY_S = 1.0


class Watch:
    """Hears each group's outcomes; tells rates, seals and verdicts as they come.

    ``clock`` gives seconds; it decides when a line is due and is in no event.
    """

    def __init__(
        self,
        desk: DemoDesk,
        story: Story,
        *,
        told: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._told = told
        self._clock = clock
        self._whole = len(story.enrolment) + len(story.years) + len(story.steps) + 1
        self._title = ""
        self._accepted = self._refused = self._said = 0
        self._began = self._last = clock()

    def __call__(self, title: str, outcomes: Sequence[Outcome]) -> None:
        """Takes the outcomes of one group."""
        if title != self._title:
            self._title = title
            self._told(title)
        for one in outcomes:
            self._count(one)
        now = self._clock()
        done = self._accepted + self._refused
        if now - self._last >= EVERY_S or done == self._whole:
            self._told(self._line(now, done, outcomes))
            self._last, self._said = now, done

    def _count(self, one: Outcome) -> None:
        if one.told.code == ACCEPTED:
            self._accepted += 1
            return
        self._refused += 1
        zh = REFUSALS[one.told.code].zh
        self._told(f"  ✗ {one.step.told}: {one.told.code} {zh}")

    def _line(self, now: float, done: int, outcomes: Sequence[Outcome]) -> str:
        rate = (done - self._said) / max(now - self._last, 0.001)
        return (
            f"  {now - self._began:5.1f} s  {done:>6,} of {self._whole:,}  "
            f"{rate:>5,.0f}/s  封账 seals {self._desk.seals:>3}  "
            f"接受 accepted {self._accepted:,}  拒绝 refused {self._refused}"
            f"{_month(outcomes)}"
        )


def _month(outcomes: Sequence[Outcome]) -> str:
    """Which month of the province's years the last act belongs to."""
    what = outcomes[-1].step.what if outcomes else None
    if not isinstance(what, Draft):
        return ""
    return f"  {day_to_date(legal_day(what.effective_at)):%Y-%m}"
