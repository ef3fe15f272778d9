"""What can happen to any license of the large province, as far as its type allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from console.demo import faces
from console.demo.holding import Holding
from console.demo.offices import BUREAU, SUPERVISOR
from ledger.catalogue import FaceField

COURT = "辽宁省高级人民法院"
DAYS_OF_TALE = 120
"""How many days of validity a tale needs before it is begun."""
NOT_OVER, NOT_OVER_SHARE = 40, 0.25
"""How far a term must reach for a restriction of today, and how often there is one."""
Course = Callable[[Holding], None]


def _changeable(face: FaceField) -> bool:
    return face.changeable


def _correctable(face: FaceField) -> bool:
    return face.correctable


def changed(held: Holding) -> None:
    """变更 on application, once or twice."""
    for _ in range(held.cast.rng.randint(1, 2)):
        fields = held.fresh(_changeable)
        if fields and held.room(30):
            held.life.act("CHANGE", held.later(), fields, decided="application")


def corrected(held: Holding) -> None:
    """更正 of what was recorded wrongly: true from the first day."""
    fields = held.fresh(_correctable)
    if fields:
        held.life.act(
            "CORRECT",
            held.later(),
            fields,
            names=[held.first],
            decided="recording_error",
            why="登记信息录入错误，以档案为准",
        )


def lost(held: Holding) -> None:
    """挂失 and 补发."""
    held.life.act("MARK", held.later(40, 25), faces.mark("lost", on=True))
    serial = f"LN{held.cast.number():08d}"
    held.last -= 15
    held.life.act("REISSUE", held.last, serial=serial)
    held.life.act("MARK", held.last, faces.mark("lost", on=False))


def exchanged(held: Holding) -> None:
    """换发 of a damaged one, with the term it had."""
    held.life.act("REPLACE", held.later())


def suspended(held: Holding) -> None:
    """暂扣 for some weeks; given back before, where the type knows that, or not yet over."""
    if _goes_on(held):
        until = {"term_until": held.life.day(-30)}
        held.life.act("SUSPEND", held.cast.ago(5, 25), until, why="存在违法行为")
        return
    ago = held.later(60, 50)
    term = held.cast.rng.choice((30, 45))
    fields = {
        "term_until": held.life.day(ago - term),
        "served_on": held.life.day(ago),
    }
    label = held.life.act("SUSPEND", ago, fields, why="存在违法行为")
    if held.allows("RESUME") and held.cast.rng.random() < 0.6:
        held.life.act("RESUME", ago - 20, names=[label])
    held.last = ago - term - 1


def _goes_on(held: Holding) -> bool:
    """Whether what begins now is still so today; then nothing else comes."""
    ahead = held.end is None or held.end < -NOT_OVER
    held.over = ahead and held.cast.rng.random() < NOT_OVER_SHARE
    return held.over


def paused(held: Holding) -> None:
    """中止 by filing, and 恢复; some are not taken up again yet."""
    if _goes_on(held):
        held.life.act("PAUSE", held.cast.ago(5, 60))
        return
    ago = held.later(60, 50)
    label = held.life.act("PAUSE", ago)
    held.last = ago - held.cast.rng.randint(10, 40)
    held.life.act("RESUME", held.last, names=[label])


def revoked(held: Holding) -> None:
    """吊销, then 注销 with that ground."""
    ago = held.later(60, 40)
    held.life.act("REVOKE", ago, {"served_on": held.life.day(ago)}, why="情节严重")
    if held.allows("CANCEL"):
        held.life.act("CANCEL", ago - 30, {"ground": "4"}, why="吊销后注销")
    held.over = True


def annulled(held: Holding) -> None:
    """撤销 for fraud, void from the beginning."""
    label = _annul(held, held.life.day(held.began))
    if held.cast.rng.random() < 0.3:
        held.life.act("MARK", held.last, faces.mark("stayed", on=True), names=[label])
    held.over = True


def restored(held: Holding) -> None:
    """An annulment that the superior undoes (恢复原状)."""
    label = _annul(held, None)
    held.last -= 25
    held.life.act(
        "RESTORE",
        held.last,
        office=SUPERVISOR,
        names=[label],
        decided="reconsideration",
        why="复议决定撤销原撤销决定",
    )


def _annul(held: Holding, since: str | None) -> str:
    ago = held.later(60, 40)
    fields = {} if since is None else {"effect_from": since}
    return held.life.act("ANNUL", ago, fields, decided="fraud", why="以欺骗手段取得")


def withdrawn(held: Holding) -> None:
    """撤回: circumstances changed (行政许可法 8)."""
    held.life.act("WITHDRAW", held.later(60, 20), why="规划调整，客观情况发生重大变化")
    held.over = True


def cancelled(held: Holding) -> None:
    """注销 on the holder's request, and filed."""
    ago = held.later(60, 40)
    held.life.act("CANCEL", ago, {"ground": "6"}, why="持证主体申请注销")
    held.life.act("ARCHIVE", ago - 30)
    held.over = True


def downgraded(held: Holding) -> None:
    """降低资质等级: a penalty that makes a version."""
    lower: faces.Face = {"qualifications": {"strings": ["建筑工程施工总承包三级"]}}
    held.life.act("DOWNGRADE", held.later(), lower, why="降低资质等级")


def voided(held: Holding) -> None:
    """作废 of the first file, after a new one was made."""
    held.life.act("REISSUE", held.later(40, 20))
    held.last -= 10
    held.life.act("VOID_VERSION", held.last, {"version": 1}, decided="made_wrongly")


def linked(held: Holding) -> None:
    """归并: the same right was recorded twice."""
    second = held.elsewhere(held.city, held.life.issuer)
    second.life.act("ISSUE", held.began - 1, held.face)
    second.life.act(
        "LINK",
        held.later(),
        {"continues_as": held.life.license_id},
        office=BUREAU,
        decided="standardisation",
    )


def marked(held: Holding) -> None:
    """查封 of what it stands for, and its lifting."""
    held.life.act(
        "MARK", held.later(60, 40), faces.mark("seized", on=True), court=COURT
    )
    held.last -= 30
    held.life.act("MARK", held.last, faces.mark("seized", on=False), court=COURT)


def noted(held: Holding) -> None:
    """记注 of a fine."""
    held.life.act("ANNOTATE", held.later(), decided="penalty", why="罚款已执行")


def archived(held: Holding) -> None:
    """归档 of its file."""
    held.life.act("ARCHIVE", held.later())


def late_change(held: Holding) -> None:
    """A change that was reported after a younger one; it overtakes nothing."""
    first, second = held.fresh(_changeable), held.fresh(_changeable)
    if first and second:
        ago = held.later(70, 10)
        held.life.act("CHANGE", ago, first, decided="application")
        held.life.act("CHANGE", ago + 40, second, decided="application", why="迟报")


def late_penalty(held: Holding) -> None:
    """A suspension reported after a 换发 that it would have forbidden: overtaken."""
    ago = held.later(60, 50)
    held.life.act("REPLACE", ago)
    until = {"term_until": held.life.day(ago - 30)}
    held.life.act("SUSPEND", ago + 20, until, why="迟报的暂扣决定")
    held.last = ago - 31


COURSES: Mapping[str, tuple[tuple[str, ...], Course]] = MappingProxyType(
    {
        "changed": (("CHANGE",), changed),
        "corrected": (("CORRECT",), corrected),
        "lost": (("REISSUE",), lost),
        "exchanged": (("REPLACE",), exchanged),
        "suspended": (("SUSPEND",), suspended),
        "paused": (("PAUSE", "RESUME"), paused),
        "downgraded": (("DOWNGRADE",), downgraded),
        "restored": (("ANNUL",), restored),
        "voided": (("REISSUE",), voided),
        "linked": ((), linked),
        "marked": ((), marked),
        "noted": ((), noted),
        "archived": ((), archived),
        "late_change": (("CHANGE",), late_change),
        "late_penalty": (("SUSPEND", "REPLACE"), late_penalty),
        "revoked": (("REVOKE",), revoked),
        "annulled": (("ANNUL",), annulled),
        "withdrawn": (("WITHDRAW",), withdrawn),
        "cancelled": (("CANCEL",), cancelled),
    }
)
"""What must be allowed, and what happens; those that end a license stand last."""
