"""Runs a story on a ledger: publishes step by step and demands the verdicts it tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from console.demo.desk import DemoDesk, Told
from console.demo.offices import BUREAU, ROOT
from console.demo.records import Workshop
from console.demo.steps import Again, Step
from console.demo.story import Story
from ledger.errors import Refused, Untrusted
from ledger.log.key_store import KeyRequest

TOGETHER_MAX, LATER_MAX = 256, 512
ENROLLED_TOGETHER = 24
"""Fewer at once: each office's key takes a while to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One step and what the ledger said of it."""

    step: Step
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """A field before and after its key was destroyed, and where the log says so."""

    before: str
    after: str
    position: int
    write_refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """All outcomes in order, and the erasure."""

    outcomes: tuple[Outcome, ...]
    erased: Erased


Watch = Callable[[str, Sequence[Outcome]], None]
"""Hears what is being done, and each group's outcomes."""


def run(desk: DemoDesk, story: Story, watch: Watch) -> Ran:
    """Runs the whole story; raises Untrusted at the first verdict it does not expect."""
    shop = Workshop(desk=desk)
    shop.hands[ROOT] = (desk.root, "")
    shop.hands[BUREAU.handle] = (desk.department, BUREAU.uscc)
    outcomes: list[Outcome] = []
    chapters = (
        ("offices and their keys 登记机构与密钥", story.enrolment, ENROLLED_TOGETHER),
        ("the years of a province 历年办理", story.years, TOGETHER_MAX),
        ("at work, with attempts refused 办理与拒绝", story.steps, TOGETHER_MAX),
    )
    for title, steps, most in chapters:
        for group in groups(steps, most=most):
            done = _publish(shop, group)
            outcomes += done
            watch(title, done)
    done, erased = _erase(shop, story)
    watch("destroying a holder's key 销毁密钥", done)
    return Ran(outcomes=(*outcomes, *done), erased=erased)


def groups(steps: Sequence[Step], *, most: int = TOGETHER_MAX) -> Iterator[list[Step]]:
    """Steps that can be published together: no subject twice, not too many.

    A step whose subject is in the group already waits for the next one, and so does what
    comes after it on the same subject; all others stay in order.
    """
    waiting = list(steps)
    while waiting:
        group: list[Step] = []
        later: list[Step] = []
        taken: set[str] = set()
        for index, step in enumerate(waiting):
            if len(group) == most or len(later) == LATER_MAX:
                later += waiting[index:]
                break
            (later if step.subject in taken or _repeats(step, taken) else group).append(
                step
            )
            taken.update((step.subject, f"again:{step.label}"))
        yield group
        waiting = later


def _repeats(step: Step, taken: set[str]) -> bool:
    """Whether it sends again what this group, or a later one, sends first."""
    return isinstance(step.what, Again) and f"again:{step.what.label}" in taken


def _publish(shop: Workshop, steps: Sequence[Step]) -> list[Outcome]:
    told = shop.desk.publish(shop.records(steps))
    outcomes = [
        Outcome(step=step, told=one) for step, one in zip(steps, told, strict=True)
    ]
    for one in outcomes:
        if one.told.code != one.step.expect:
            raise Untrusted(
                "the ledger judged otherwise than the story tells",
                expected=one.step.expect,
                found=f"{one.told.code} ({one.told.detail})",
                where=one.step.label,
            )
    return outcomes


def _erase(shop: Workshop, story: Story) -> tuple[list[Outcome], Erased]:
    """Destroys the key of one (holder, license); nothing about it can be read again."""
    desk = shop.desk
    before = str(desk.show(story.erased)["fields"]["name"])
    done = _publish(shop, [story.erasure])
    after = str(desk.show(story.erased)["fields"]["name"])
    holder = (story.holder.kind, story.holder.code)
    (ref,) = desk.keys.holder_refs([holder])
    refused = ""
    try:
        desk.keys.issue([KeyRequest(license_id=story.erased, holder_refs=(ref,))])
    except Refused as error:
        refused = error.code
    return done, Erased(
        before=before,
        after=after,
        position=done[0].told.position,
        write_refused=refused,
    )
