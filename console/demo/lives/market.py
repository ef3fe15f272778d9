"""Business licences (营业执照): firms and sole traders."""

from __future__ import annotations

from collections.abc import Callable

from console.demo import faces
from console.demo.cast import Cast, organisation
from console.demo.life import Life
from console.demo.offices import BUREAU, MARKET_DALIAN, MARKET_SHENYANG, SUPERVISOR
from console.demo.steps import Office
from ledger.identifiers import certificate_identifier

MARKET = (MARKET_SHENYANG, MARKET_DALIAN)


def opened(
    cast: Cast, ago: int, *, office: Office | None = None, sole: bool = False
) -> tuple[Life, str]:
    """A business licence, and the label of its ISSUE."""
    issuer = office or cast.rng.choice(MARKET)
    firm = cast.people.firm(issuer.area, sole=sole)
    life = cast.life(faces.BUSINESS, issuer, (organisation(firm),))
    face = faces.business(firm) | faces.term(cast.today, ago, None)
    return life, life.act("ISSUE", ago, face)


def grown(cast: Cast) -> None:
    """A firm that moves, takes in capital and changes its trade (变更)."""
    life, _ = opened(cast, cast.ago(900, 2_000))
    rng = cast.rng
    changes: list[faces.Face] = [
        {"address": f"{life.issuer.name[:3]}创新路{rng.randint(1, 99)}号"},
        {"capital": str(rng.randint(81, 200) * 50)},
        {"scope": "新材料技术研发；货物进出口"},
    ]
    ago = 800
    for change in changes[: rng.randint(1, 3)]:
        ago -= rng.randint(60, 200)
        life.act("CHANGE", ago, change, decided="application", why="申请变更登记")


def small_trader(cast: Cast) -> None:
    """One person's business (个体工商户): its name and address are personal data."""
    life, _ = opened(cast, cast.ago(200, 1_500), sole=True)
    life.act("CHANGE", 50, {"scope": "日用百货零售"}, decided="application")


def new_edition(cast: Cast) -> None:
    """换发 of a new edition, and 补发 of a lost one."""
    life, _ = opened(cast, cast.ago(900, 1_800))
    life.act("REPLACE", cast.ago(300, 600), faces.term(cast.today, 600, None))
    life.act("REISSUE", cast.ago(20, 200), serial=f"LN{cast.number():08d}")


def dormant(cast: Cast) -> None:
    """歇业 by filing: the licence stays valid, a flag says it."""
    life, _ = opened(cast, cast.ago(700, 1_500))
    life.act("MARK", 400, faces.mark("dormant", on=True))
    life.act("MARK", 60, faces.mark("dormant", on=False))


def revoked(cast: Cast) -> Life:
    """吊销, then 注销: the record keeps what was before."""
    life, _ = opened(cast, cast.ago(1_200, 2_200))
    life.act("REVOKE", 240, {"served_on": life.day(236)}, why="连续六个月以上未经营")
    life.act("CANCEL", 90, {"ground": "4"}, why="吊销后办理注销")
    life.act("ARCHIVE", 60)
    return life


def annulled(cast: Cast) -> Life:
    """撤销 for fraud: void from the first day, in the words of the decision."""
    life, _ = opened(cast, 1_000)
    life.act(
        "ANNUL",
        150,
        {"effect_from": life.day(1_000)},
        decided="fraud",
        why="冒用他人身份取得登记",
    )
    return life


def restored(cast: Cast) -> None:
    """An annulment that a superior undoes (恢复原状)."""
    life = annulled(cast)
    life.act(
        "RESTORE",
        40,
        office=SUPERVISOR,
        names=[life.steps[-1].label],
        decided="reconsideration",
        why="复议决定撤销原撤销登记决定",
    )
    life.act("CHANGE", 10, {"scope": "软件开发"}, decided="application")


def mistyped(cast: Cast) -> Life:
    """更正: the corrected value holds since the act that it corrects."""
    life, issue = opened(cast, cast.ago(400, 1_400))
    life.act(
        "CORRECT",
        cast.ago(10, 200),
        {"legal_rep": cast.people.name()},
        names=[issue],
        decided="recording_error",
        why="法定代表人姓名录入错误",
    )
    return life


def reported_late(cast: Cast) -> None:
    """A change that reaches the ledger after a younger one (迟报), overtaking nothing."""
    life, _ = opened(cast, 1_500)
    life.act("CHANGE", 100, {"capital": "5000"}, decided="application")
    life.act("CHANGE", 300, {"scope": "餐饮服务"}, decided="application", why="迟报")


def duplicate(cast: Cast) -> None:
    """Two chains of one licence: the second goes on as the first (归并)."""
    first, _ = opened(cast, 1_300, office=MARKET_SHENYANG)
    second = cast.life(faces.BUSINESS, MARKET_SHENYANG, first.holders)
    second.act("ISSUE", 1_290, first.face)
    second.act(
        "LINK",
        30,
        {"continues_as": first.license_id},
        office=BUREAU,
        decided="standardisation",
    )
    second.act(
        "CHANGE",
        5,
        {"capital": "60"},
        decided="application",
        expect="merged",
        told="a change on a chain that goes on as another",
    )


def closed_then_fined(cast: Cast) -> None:
    """Cancelled; a penalty that comes after changes nothing but is on record."""
    life, _ = opened(cast, 1_800)
    life.act("CANCEL", 200, {"ground": "6"}, why="股东会决议解散")
    life.act("REVOKE", 100, why="注销前违法行为")
    life.act("ANNOTATE", 90, decided="penalty", why="罚款已执行")


def stock_licence(cast: Cast) -> None:
    """Old stock of the market regulators, one signature for all of it."""
    firm_office = cast.rng.choice(MARKET)
    firm = cast.people.firm(firm_office.area)
    life = cast.life(faces.BUSINESS, firm_office, (organisation(firm),))
    ago = cast.ago(2_200, 4_000)
    face = faces.business(firm) | faces.term(cast.today, ago, None)
    if len([one for one in cast.lives if one.type_code == faces.BUSINESS]) % 4:
        state: faces.Face = {"state": "VALID"}
    else:
        state = {"state": "CANC", "after": "VALID", "ground": "6"}
    life.act("BASELINE", ago, face | state, office=BUREAU, backfill="ISSUE")


def misprinted_stock(cast: Cast) -> None:
    """Stock whose printed identifier has a wrong check character: kept as it is."""
    firm = cast.people.firm(MARKET_DALIAN.area)
    life = cast.life(faces.BUSINESS, MARKET_DALIAN, (organisation(firm),))
    right = certificate_identifier(life.license_id, 1)
    printed = right[:-1] + ("0" if right[-1] != "0" else "1")
    face = faces.business(firm) | faces.term(cast.today, 3_000, None)
    face |= {"state": "VALID", "certificate_identifier": printed}
    life.act("BASELINE", 3_000, face, office=BUREAU, backfill="ISSUE", nonstandard=True)


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (12, grown),
    (4, small_trader),
    (4, new_edition),
    (3, dormant),
    (3, revoked),
    (1, annulled),
    (1, restored),
    (5, mistyped),
    (3, reported_late),
    (1, duplicate),
    (1, closed_then_fined),
    (16, stock_licence),
    (1, misprinted_stock),
)
"""How many lives of each kind there are."""
