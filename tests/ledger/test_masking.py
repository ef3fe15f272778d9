from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identifiers import mask

KINDS = ["id_number", "name", "phone", "address", "plate", "date", "bank_card"]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("id_number", "210102190001010014", "210102********0014"),
        ("id_number", "110105491231002", "110105*****1002"),
        ("id_number", "E12345678", "E*******8"),
        ("id_number", "12345", "****"),
        ("name", "张三", "张*"),
        ("name", "王小明", "王*明"),
        ("name", "欧阳小明", "欧**明"),
        ("name", "王", "*"),
        ("phone", "13800001234", "138****1234"),
        ("phone", "22345678", "******78"),
        ("phone", "110", "****"),
        ("bank_card", "6222021234567890123", "***************0123"),
        ("bank_card", "62220212", "****"),
        ("plate", "辽A12312", "辽A***12"),
        ("plate", "辽AD12345", "辽A****45"),
        ("plate", "A1", "****"),
        ("date", "1990-01-31", "1990-**-**"),
        ("date", "19900131", "1990****"),
        ("date", "in 1990", "****"),
        ("address", "辽宁省沈阳市和平区南京街12号", "辽宁省沈阳市和平区****"),
        ("address", "辽宁省大连市瓦房店市文兰街1号", "辽宁省大连市瓦房店市****"),
        ("address", "宽甸满族自治县宽甸镇1号", "宽甸满族自治县****"),
        ("address", "内蒙古自治区通辽市科尔沁区1号", "内蒙古自治区通辽市科尔沁区****"),
        ("address", "沈阳市阳光小区3栋", "沈阳市****"),
        ("address", "沈阳市和平市场3号", "沈阳市****"),
        ("address", "2300 S THROOP ST", "****"),
        ("default", "anything", "****"),
        ("photo", "sm3:00", "****"),
        ("name", "", ""),
    ],
)
def test_masks_follow_the_customs(kind: str, value: str, shown: str) -> None:
    assert mask(value, kind=kind) == shown


@given(st.sampled_from(KINDS), st.text(min_size=1, max_size=60))
def test_a_mask_always_hides_something(kind: str, value: str) -> None:
    shown = mask(value, kind=kind)
    assert "*" in shown
    if kind != "address":
        kept = len(shown.replace("*", ""))
        assert kept <= max(len(value) - 1, 0)
