"""The invented departments of the province and the registry acts that bring them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from console.demo import faces
from console.demo.people import uscc
from console.demo.plan import City, Department, codes_of, plan
from console.demo.steps import MAIN, Office, Plain, Step
from console.founding import (
    DEPARTMENT_AREA,
    DEPARTMENT_NAME,
    DEPARTMENT_ROLES,
    DEPARTMENT_USCC,
)
from ledger.events import Field
from ledger.registry_fields import GrantDraft, registry_fields_authority
from ledger.workdays import day_to_date

ROOT = "root"


def _office(
    handle: str,
    name: str,
    area: str,
    number: int,
    *types: str,
    level: str = "city",
    roles: tuple[str, ...] = ("publisher",),
) -> Office:
    return Office(
        handle=handle,
        name=name,
        uscc=uscc("11", area, f"99999{number:03d}"),
        area=area,
        level=level,
        roles=roles,
        types=types,
    )


# The department that founding a ledger makes: custodian of old stock, definer.
BUREAU = Office(
    handle="bureau",
    name=DEPARTMENT_NAME,
    uscc=DEPARTMENT_USCC,
    area=DEPARTMENT_AREA,
    level="province",
    roles=DEPARTMENT_ROLES,
    types=(),
)
POLICE_HEPING = _office(
    "police-heping",
    "沈阳市公安局和平分局",
    "210102",
    101,
    faces.ID_CARD,
    level="county",
)
POLICE_WAFANGDIAN = _office(
    "police-wafangdian", "瓦房店市公安局", "210281", 102, faces.ID_CARD, level="county"
)
CIVIL_HUNNAN = _office(
    "civil-hunnan", "沈阳市浑南区民政局", "210112", 201, faces.MARRIAGE, level="county"
)
CIVIL_XINGCHENG = _office(
    "civil-xingcheng", "兴城市民政局", "211481", 202, faces.MARRIAGE, level="county"
)
MARKET_SHENYANG = _office(
    "market-shenyang", "沈阳市市场监督管理局", "210100", 301, faces.BUSINESS
)
MARKET_DALIAN = _office(
    "market-dalian", "大连市市场监督管理局", "210200", 302, faces.BUSINESS
)
SAFETY_SHENYANG = _office(
    "safety-shenyang", "沈阳市应急管理局", "210100", 401, faces.SAFETY
)
HOUSING_SHENYANG = _office(
    "housing-shenyang", "沈阳市城乡建设局", "210100", 501, faces.CONSTRUCTION
)
HOUSING_DALIAN = _office(
    "housing-dalian", "大连市住房和城乡建设局", "210200", 502, faces.CONSTRUCTION
)
PLANNING_SHENYANG = _office(
    "planning-shenyang", "沈阳市自然资源局", "210100", 601, faces.CONSTRUCTION
)
PLANNING_DALIAN = _office(
    "planning-dalian", "大连市自然资源局", "210200", 602, faces.CONSTRUCTION
)
ENFORCEMENT = _office(
    "enforcement-shenyang", "沈阳市综合行政执法局", "210100", 701, faces.BUSINESS
)
CLOSED_WINDOW = _office(
    "market-old-window", "沈阳市市场监督管理局旧窗口", "210100", 303, faces.BUSINESS
)
SUPERVISOR = _office(
    "supervisor",
    "辽宁省政务服务监督局",
    "210000",
    801,
    level="province",
    roles=("supervisor",),
)
NEW_OFFICES = (
    POLICE_HEPING,
    POLICE_WAFANGDIAN,
    CIVIL_HUNNAN,
    CIVIL_XINGCHENG,
    MARKET_SHENYANG,
    MARKET_DALIAN,
    SAFETY_SHENYANG,
    HOUSING_SHENYANG,
    HOUSING_DALIAN,
    PLANNING_SHENYANG,
    PLANNING_DALIAN,
    ENFORCEMENT,
    CLOSED_WINDOW,
    SUPERVISOR,
)


_BEFORE = {
    ("market", "210100"): MARKET_SHENYANG,
    ("market", "210200"): MARKET_DALIAN,
    ("safety", "210100"): SAFETY_SHENYANG,
    ("housing", "210100"): HOUSING_SHENYANG,
    ("housing", "210200"): HOUSING_DALIAN,
    ("land", "210100"): PLANNING_SHENYANG,
    ("land", "210200"): PLANNING_DALIAN,
}
"""Departments of cities that the small province has too."""


def _of_city(city: City, department: Department) -> Office:
    before = _BEFORE.get((department.handle, city.code))
    types = codes_of(department.types)
    if before is not None:
        return replace(before, types=tuple(sorted({*before.types, *types})))
    return _office(
        f"{department.handle}-{city.code}",
        f"{city.name}{department.ending}",
        city.code,
        department.number,
        *types,
    )


@cache
def city_offices() -> Mapping[tuple[str, str], Office]:
    """Every department of every city, by its kind and the city's code."""
    return {
        (department.handle, city.code): _of_city(city, department)
        for city in plan().cities
        for department in plan().departments
        if city.code in department.cities
    }


def office_in(city: str, number: int) -> Office | None:
    """The office of a city for a type of the catalogue, if there is one."""
    return city_offices().get((plan().department(number).handle, city))


def offices(*, large: bool) -> list[Office]:
    """All but the bureau: the small province, or with it the departments of all cities."""
    if not large:
        return list(NEW_OFFICES)
    of_cities = {office.handle: office for office in city_offices().values()}
    small = [of_cities.pop(one.handle, one) for one in NEW_OFFICES]
    return [*small, *of_cities.values()]


def enrolment(today: int, *, large: bool) -> list[Step]:
    """Every office, every office's key, one delegation, and a key that ends."""
    new = offices(large=large)
    return [
        *(_added(office) for office in new),
        *(_key(office, "ADD") for office in new),
        _delegated(today),
        _key(CLOSED_WINDOW, "END"),
    ]


def _added(office: Office) -> Step:
    fields = registry_fields_authority(
        name=office.name,
        area=office.area,
        level=office.level,
        roles=office.roles,
        types=office.types or None,
    )
    return _authority(office, "ADD", fields)


def _delegated(today: int) -> Step:
    """综合执法: penalties on work-safety permits go to the enforcement office."""
    grant = GrantDraft(
        to=ENFORCEMENT.uscc,
        type_code=faces.SAFETY,
        acts=("RESUME", "REVOKE", "SUSPEND"),
        from_date=day_to_date(today - 3 * faces.YEAR).isoformat(),
        basis="行政处罚法第十八条",
        shown_name=ENFORCEMENT.name,
    )
    fields = registry_fields_authority(delegations=[grant], basis="辽政示〔2024〕1号")
    return _authority(SAFETY_SHENYANG, "CHANGE", fields)


def _authority(office: Office, act: str, fields: Iterable[Field]) -> Step:
    what = Plain(
        chain="registry",
        act=act,
        subject=f"authority:{office.uscc}",
        fields={field["name"]: field["value"] for field in fields},
    )
    return Step(label=f"{office.handle}/{act}", what=what, by=((ROOT, MAIN),))


def _key(office: Office, act: str) -> Step:
    return Step(
        label=f"{office.handle}/key {act}",
        what=Plain(chain="registry", act=act, key_of=office),
        by=((ROOT, MAIN),),
    )
