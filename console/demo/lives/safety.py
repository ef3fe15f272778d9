"""Work-safety permits (安全生产许可证): terms, renewals, suspensions, revocations."""

from __future__ import annotations

from collections.abc import Callable

from console.demo import faces
from console.demo.cast import Cast, organisation
from console.demo.life import Life
from console.demo.offices import ENFORCEMENT, SAFETY_SHENYANG, SUPERVISOR
from console.demo.steps import Office

YEARS = 3
COURT = "辽宁省沈阳市中级人民法院"


def permitted(cast: Cast, ago: int) -> tuple[Life, str]:
    """A work-safety permit of three years, and the label of its ISSUE."""
    firm = cast.people.firm(SAFETY_SHENYANG.area)
    life = cast.life(faces.SAFETY, SAFETY_SHENYANG, (organisation(firm),))
    face = faces.safety(firm, cast.number(), life.day(ago))
    return life, life.act("ISSUE", ago, face | faces.term(cast.today, ago, 3))


def plain_permit(cast: Cast) -> None:
    """Issued, and nothing since."""
    permitted(cast, cast.ago(30, 1_000))


def expired_permit(cast: Cast) -> Life:
    """Nobody renewed it: expired without any act."""
    return permitted(cast, cast.ago(1_200, 1_600))[0]


def renewed_permit(cast: Cast) -> None:
    """延续: applied for in time, decided after the old term had ended."""
    ago = YEARS * faces.YEAR + cast.ago(60, 300)
    life, _ = permitted(cast, ago)
    ended = ago - YEARS * faces.YEAR
    applied = ended + 100
    mark = faces.mark("renewal_pending", on=True, day=life.day(applied))
    life.act("MARK", applied, mark)
    life.act("RENEW", ended - 15, faces.term(cast.today, ended, YEARS))


def pending_permit(cast: Cast) -> None:
    """Applied for in time and not decided yet: it stays valid (视为准予延续)."""
    life, _ = permitted(cast, YEARS * faces.YEAR + 10)
    mark = faces.mark("renewal_pending", on=True, day=life.day(100))
    life.act("MARK", 100, mark)


def suspended(cast: Cast, ago: int, days: int, *, by: Office | None = None) -> Life:
    """暂扣 for some days."""
    life, _ = permitted(cast, cast.ago(500, 900))
    life.act(
        "SUSPEND",
        ago,
        {"term_until": life.day(ago - days), "served_on": life.day(ago)},
        office=by,
        why="施工现场存在重大事故隐患",
    )
    return life


def suspended_now(cast: Cast) -> None:
    """A suspension that still holds, by the enforcement office (综合行政执法)."""
    suspended(cast, cast.ago(10, 40), 90, by=ENFORCEMENT)


def suspension_over(cast: Cast) -> None:
    """A suspension that time has ended."""
    suspended(cast, 300, 60)


def given_back(cast: Cast) -> None:
    """暂扣发还 before the term was over: it names the suspension it lifts."""
    life = suspended(cast, 200, 120)
    life.act("RESUME", 130, names=[life.steps[-1].label])


def late_suspension(cast: Cast) -> Life:
    """A suspension reported after a 换发 that it would not have allowed: overtaken."""
    life, _ = permitted(cast, 800)
    life.act("REPLACE", 200, faces.term(cast.today, 800, YEARS))
    life.act("SUSPEND", 230, {"term_until": life.day(170)}, why="迟报的暂扣决定")
    return life


def stayed(cast: Cast) -> None:
    """A court stays a suspension (停止执行); then it is undone for good."""
    life = suspended(cast, 100, 180)
    suspension = life.steps[-1].label
    life.act("MARK", 80, faces.mark("stayed", on=True), names=[suspension], court=COURT)
    life.act(
        "RESTORE",
        20,
        office=SUPERVISOR,
        names=[suspension],
        decided="court_judgment",
        why="判决撤销暂扣决定",
    )


def permit_revoked(cast: Cast) -> None:
    """吊销 by the enforcement office under its delegation; then 注销."""
    life, _ = permitted(cast, 900)
    life.act("REVOKE", 120, office=ENFORCEMENT, why="发生较大生产安全事故")
    life.act("CANCEL", 40, {"ground": "4"}, why="吊销后注销")


def withdrawn(cast: Cast) -> None:
    """撤回: the circumstances on which it rested are gone (行政许可法 8)."""
    life, _ = permitted(cast, 600)
    life.act("WITHDRAW", 70, why="客观情况发生重大变化")


def fined_after_expiry(cast: Cast) -> None:
    """A penalty on an expired permit: recorded, changes nothing."""
    life = expired_permit(cast)
    life.act("SUSPEND", 15, {"term_until": life.day(-45)}, why="到期后发现的违法行为")


def new_person(cast: Cast) -> None:
    """变更 of the person in charge."""
    life, _ = permitted(cast, cast.ago(300, 900))
    life.act(
        "CHANGE",
        cast.ago(20, 200),
        {"responsible_person": cast.people.name()},
        decided="application",
    )


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (8, plain_permit),
    (3, expired_permit),
    (8, renewed_permit),
    (1, pending_permit),
    (3, suspended_now),
    (2, suspension_over),
    (4, given_back),
    (1, late_suspension),
    (1, stayed),
    (2, permit_revoked),
    (1, withdrawn),
    (1, fined_after_expiry),
    (3, new_person),
)
"""How many lives of each kind there are."""
