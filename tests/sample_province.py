"""Who and what there is in the province of the tests: authorities, a type, a holder."""

from __future__ import annotations

from typing import Any

from ledger.catalogue import TYPE_ACTS, LicenseType, parse_type
from ledger.drafting import DecisionDraft
from ledger.events import Holder, Value
from ledger.workdays import DAY_US, parse_instant
from tests import fixed

START = parse_instant("2026-03-02T01:00:00Z")
TODAY = START - START % DAY_US - 8 * DAY_US // 24  # 00:00 UTC+8 of that day
PROVINCE = "11210000999990010U"
CITY = "11210100999990029X"
OTHER_CITY = "11210200999990037X"
MINISTRY = "11100000MB0143028R"
TYPE_CODE = f"{MINISTRY}001"
JOINT_CODE = f"{MINISTRY}002"
HOLDER = "91350100M000100Y43"
CITIZEN = "11010519491231002X"  # the example of GB 11643-1999: nobody's number

PERMIT: dict[str, Any] = {
    "code": TYPE_CODE,
    "name": "测试许可证",
    "name_en": "Test permit",
    "code_status": "placeholder",
    "definer": MINISTRY,
    "definer_level": "nation",
    "issuer_level": "city",
    "holder_category": "either",
    "holders_max": 3,
    "validity": ["5 years"],
    "acts": sorted(TYPE_ACTS - {"DOWNGRADE", "TRANSFER_IN", "TRANSFER_OUT"}),
    "grace_days": 30,
    "horizon_days": 30,
    "fields": {
        "name": {"zh": "名称", "value": "s", "mandatory": True, "data_class": 3},
        "scope": {"zh": "范围", "value": "s", "mandatory": True, "data_class": 1},
        "grade": {"zh": "等级", "value": "t", "mandatory": False, "data_class": 1},
        "granted_on": {"zh": "日期", "value": "d", "mandatory": False, "data_class": 1},
        "number": {
            "zh": "代码",
            "value": "s",
            "mandatory": False,
            "data_class": 1,
            "format": "uscc",
        },
    },
}
FIELDS: dict[str, Value] = {
    "name": "某某公司",
    "scope": "一般项目",
    "valid_from": "2026-03-02",
    "valid_until": "2031-03-01",
}
HOLDER_ENTRY: Holder = {
    "kind": "001",
    "ref": fixed.Chance(HOLDER)(32),
    "code": HOLDER,
}
DECISION = DecisionDraft(
    number="测许决〔2026〕1号",
    date="2026-03-01",
    reason_code="application",
    reason="事由",
)


def permit(**changes: Any) -> LicenseType:
    """The test type, with other attributes."""
    return parse_type(PERMIT | changes)


DEPARTMENTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (PROVINCE, "210000", ("publisher", "custodian", "supervisor")),
    (CITY, "210100", ("publisher",)),
    (OTHER_CITY, "210200", ("publisher",)),
)
KEYS = {"province": PROVINCE, "city": CITY, "other city": OTHER_CITY}
