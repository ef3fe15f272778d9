"""Invented citizens and organisations of Liaoning: fictional names, right check digits.

The same random source and the same day give the same people, so a story can be told
twice. Citizen numbers carry sequences from 980 on, which offices hardly ever give out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from random import Random

from ledger.identifiers import (
    area_covers,
    citizen_id_check,
    org_code_check,
    uscc_check,
)
from ledger.workdays import day_to_date

YEAR_DAYS = 365
SEQUENCE_FIRST = 980

PLACES = (
    ("210102", "沈阳市和平区"),
    ("210112", "沈阳市浑南区"),
    ("210115", "沈阳市辽中区"),
    ("210181", "新民市"),
    ("210202", "大连市中山区"),
    ("210204", "大连市沙河口区"),
    ("210281", "瓦房店市"),
    ("210302", "鞍山市铁东区"),
    ("210402", "抚顺市新抚区"),
    ("210502", "本溪市平山区"),
    ("210602", "丹东市元宝区"),
    ("210624", "宽甸满族自治县"),
    ("210702", "锦州市古塔区"),
    ("210802", "营口市站前区"),
    ("210902", "阜新市海州区"),
    ("211002", "辽阳市白塔区"),
    ("211102", "盘锦市双台子区"),
    ("211202", "铁岭市银州区"),
    ("211302", "朝阳市双塔区"),
    ("211402", "葫芦岛市连山区"),
    ("211481", "兴城市"),
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "安宁晓文思远子涵雨泽静怡明哲若兰国栋海燕立群书瑶佳禾"
ETHNICITIES = ("汉族", "汉族", "汉族", "满族", "蒙古族", "朝鲜族", "锡伯族")
STREETS = ("青年大街", "松花路", "望湖路", "长江街", "海滨路", "新民街", "花园巷")
TRADES = (
    ("食品", "预包装食品、散装食品的批发与零售"),
    ("机械", "机械设备及零配件的制造与销售"),
    ("建材", "建筑材料的销售"),
    ("软件", "软件开发；信息技术咨询服务"),
    ("农业", "谷物种植；农副产品的收购"),
    ("物流", "道路货物运输；仓储服务"),
)
BRANDS = ("辽北", "星河", "白桦", "渤海湾", "红杉", "青松", "浑水", "远山")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented citizen; ``place`` is a division code and the place's name."""

    name: str = field(repr=False)
    sex: str
    ethnicity: str = field(repr=False)
    born: date = field(repr=False)
    place: tuple[str, str]
    address: str = field(repr=False)
    id_no: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """One invented organisation; ``sole`` means one person's business (个体工商户)."""

    name: str
    uscc: str
    legal_rep: str = field(repr=False)
    capital: str
    founded: date
    place: tuple[str, str]
    address: str
    scope: str
    sole: bool


class People:
    """Makes people and firms, no two of them with the same number."""

    def __init__(self, rng: Random, *, today: int) -> None:
        self._rng = rng
        self._today = today
        self._taken: set[str] = set()

    def person(
        self, area: str, *, age: tuple[int, int] = (22, 64), sex: str = ""
    ) -> Person:
        """Somebody of ``area`` with an age in years; ``sex`` 男 or 女, or either."""
        rng = self._rng
        sex = sex or rng.choice("男女")
        place = rng.choice(places_in(area))
        while True:
            years = rng.randint(*age)
            born = day_to_date(self._today - years * YEAR_DAYS - rng.randrange(300))
            # Odd sequences are men's, even ones women's (GB 11643-1999).
            sequence = SEQUENCE_FIRST + 2 * rng.randrange(10) + (sex == "男")
            text = f"{place[0]}{born:%Y%m%d}{sequence}"
            id_no = text + citizen_id_check(text)
            if id_no not in self._taken:
                break
        self._taken.add(id_no)
        return Person(
            name=self.name(),
            sex=sex,
            ethnicity=rng.choice(ETHNICITIES),
            born=born,
            place=place,
            address=self.address(place),
            id_no=id_no,
        )

    def firm(self, area: str, *, sole: bool = False) -> Firm:
        """A company of ``area``, or one person's business."""
        rng = self._rng
        place = rng.choice(places_in(area))
        trade, scope = rng.choice(TRADES)
        ending = "经营部" if sole else "有限公司"
        founded = self._today - rng.randint(6, 12) * YEAR_DAYS - rng.randrange(300)
        return Firm(
            name=f"{place[1]}{rng.choice(BRANDS)}{rng.choice(BRANDS)}{trade}{ending}",
            uscc=self.uscc("92" if sole else "91", place[0]),
            legal_rep=self.name(),
            capital=str(rng.randint(1, 80) * 50),
            founded=day_to_date(founded),
            place=place,
            address=self.address(place),
            scope=scope,
            sole=sole,
        )

    def uscc(self, kind: str, division: str) -> str:
        """A fresh unified social credit code of a two-character kind in a division."""
        while True:
            code = uscc(kind, division, f"MA9X{self._rng.randrange(10_000):04d}")
            if code not in self._taken:
                self._taken.add(code)
                return code

    def name(self) -> str:
        """A surname and a given name of one or two characters."""
        rng = self._rng
        given = "".join(rng.choice(GIVEN) for _ in range(rng.randint(1, 2)))
        return rng.choice(SURNAMES) + given

    def address(self, place: tuple[str, str]) -> str:
        """A street and a number in a place."""
        street, number = self._rng.choice(STREETS), self._rng.randint(1, 299)
        return f"辽宁省{place[1]}{street}{number}号"


def places_in(area: str) -> list[tuple[str, str]]:
    """The places that a county, city or province covers."""
    return [place for place in PLACES if area_covers(area, place[0])]


def uscc(kind: str, division: str, body: str) -> str:
    """The code of an 8-character body with both its check characters (GB 32100-2015)."""
    text = kind + division + body + org_code_check(body)
    return text + uscc_check(text)
