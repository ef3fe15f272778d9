"""What stands on the invented licenses: the whole face of each of the five types."""

from __future__ import annotations

import hashlib
from random import Random

from console.demo.people import Firm, Person
from ledger.events import Cell, Row, Value
from ledger.workdays import day_to_date

Face = dict[str, Value]

ID_CARD = "11100000000013127D001"
MARRIAGE = "111000000000131433001"
BUSINESS = "11100000MB0143028R001"
SAFETY = "11210000999990010U042"
CONSTRUCTION = "11210000999990010U045"

PROJECTS = ("住宅楼", "学校教学楼", "社区医院", "污水处理站", "仓储中心", "体育馆")
YEAR = 365


def picture(rng: Random, media_type: str = "image/jpeg") -> str:
    """The reference of a picture that stays outside the ledger."""
    content = rng.randbytes(32)
    digest = hashlib.new("sm3", content).hexdigest()
    return f"sm3:{digest}:{rng.randint(20_000, 90_000)}:{media_type}"


def term(today: int, start_ago: int, years: int | None) -> Face:
    """Validity from ``start_ago`` days before today; no years means 长期."""
    start = today - start_ago
    end = None if years is None else start + years * YEAR - 1
    return {
        "valid_from": day_to_date(start).isoformat(),
        "valid_until": None if end is None else day_to_date(end).isoformat(),
    }


def id_card(person: Person, rng: Random) -> Face:
    """居民身份证."""
    return {
        "name": person.name,
        "sex": person.sex,
        "ethnicity": person.ethnicity,
        "birth_date": person.born.isoformat(),
        "address": person.address,
        "id_no": person.id_no,
        "photo": picture(rng),
    }


def marriage(couple: tuple[Person, Person], day: str, number: int, rng: Random) -> Face:
    """结婚证; both parties stand on it."""
    place = couple[0].place
    return {
        "cert_word": f"J{place[0]}-{day[:4]}-{number:06d}",
        "registered_on": day,
        "parties": {"rows": [_party(person) for person in couple]},
        "photo": picture(rng),
        "registry_office": f"{place[1]}民政局婚姻登记处",
    }


def _party(person: Person) -> Row:
    cells: list[Cell] = [
        {"name": "name", "value": person.name},
        {"name": "sex", "value": person.sex},
        {"name": "nationality", "value": "中国"},
        {"name": "birth_date", "value": person.born.isoformat()},
        {"name": "id_no", "value": person.id_no},
    ]
    return {"cells": cells}


def business(firm: Firm) -> Face:
    """营业执照."""
    return {
        "name": firm.name,
        "uscc": firm.uscc,
        "type": "个体工商户" if firm.sole else "有限责任公司",
        "legal_rep": firm.legal_rep,
        "capital": None if firm.sole else firm.capital,
        "founded_on": firm.founded.isoformat(),
        "address": firm.address,
        "scope": firm.scope,
        "registration_status": "存续",
    }


def safety(firm: Firm, number: int, day: str) -> Face:
    """安全生产许可证."""
    return {
        "name": firm.name,
        "uscc": firm.uscc,
        "responsible_person": firm.legal_rep,
        "scope": "建筑施工",
        "number": f"(辽)JZ安许证字[{day[:4]}]{number:06d}",
        "economic_type": "有限责任公司",
    }


def construction(firm: Firm, partners: tuple[str, str], day: str, rng: Random) -> Face:
    """建筑工程施工许可证."""
    project = rng.choice(PROJECTS)
    kind = rng.choice(("47", "48", "50"))
    return {
        "builder": firm.name,
        "project_name": f"{firm.place[1]}{project}",
        "project_code": f"{day[:4]}-{firm.place[0]}-{kind}-01-{rng.randrange(10**6):06d}",
        "address": firm.address,
        "scale": f"{rng.randint(20, 400) * 100}",
        "contract_price": f"{rng.randint(300, 9_000)}.5",
        "duration": f"{rng.randint(120, 700)}日历天",
        "units": {"strings": [f"施工单位：{partners[0]}", f"监理单位：{partners[1]}"]},
    }


def mark(flag: str, *, on: bool, day: str | None = None) -> Face:
    """标注 put on or taken off; ``day`` is the date that it is about."""
    face: Face = {"mark": flag, "mark_on": on}
    return face if day is None else face | {"mark_date": day}
