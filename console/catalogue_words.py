"""The Chinese words of a license type: what a department reads instead of our codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ledger.catalogue import ACTS_FOR_ALL, FaceField, LicenseType
from ledger.lifecycle_table import ACTS

HOLDER_CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "自然人",
        "organisation": "法人和其他组织",
        "either": "自然人、法人和其他组织",
        "household": "户（由户主代表）",
    }
)
LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "nation": "国家级",
        "province": "省部级",
        "city": "地市级",
        "county": "区县级",
        "township": "乡镇级",
        "other": "其他",
    }
)
CODE_STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {"published": "正式代码", "placeholder": "占位代码", "foreign": "外来代码"}
)
RETENTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "permanent": "永久",
        "long": "长期",
        "100": "100年",
        "30": "30年",
        "10": "10年",
    }
)
VALUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "s": "文本",
        "t": "代码",
        "d": "日期",
        "m": "时间",
        "n": "数值",
        "i": "整数",
        "p": "图片",
        "l": "列表",
        "b": "是否",
    }
)
FORMAT_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": "日期",
        "month": "年月",
        "year": "年份",
        "instant": "时间",
        "decimal": "数值",
        "picture": "图片引用",
        "uscc": "统一社会信用代码（18位）",
        "citizen_id": "公民身份号码",
        "license_id": "证照编号标识",
        "certificate_identifier": "证照标识",
        "division": "行政区划代码（6位）",
        "marriage_number": "结婚证字号",
        "birth_certificate_number": "出生医学证明编号",
        "food_business_number": "食品经营许可证编号（JY加14位数字）",
        "food_production_number": "食品生产许可证编号（SC加14位数字）",
        "discharge_permit_number": "排污许可证编号",
        "disability_card_number": "残疾人证号（公民身份号码加2位）",
        "construction_permit_number": "施工许可证编号",
        "project_code": "项目代码",
        "work_safety_number": "安全生产许可证编号",
        "real_estate_number": "不动产权证号",
        "real_estate_unit": "不动产单元号（28位）",
        "graduation_number": "毕业证书编号",
        "degree_number": "学位证书编号",
        "teacher_number": "教师资格证书号码",
        "accreditation_number": "资质认定证书编号",
        "phone": "电话号码",
        "plate": "机动车号牌",
        "vin": "车辆识别代号（17位）",
    }
)
"""What a format asks for (``ledger.formats``), for who mends a value."""
CLASSES: Final[Mapping[int, str]] = MappingProxyType(
    {1: "1 公开", 2: "2 内部", 3: "3 个人", 4: "4 敏感个人"}
)
REGISTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "population": "人口库",
        "legal_person": "法人库",
        "marriage": "婚姻登记库",
        "birth": "出生医学信息库",
        "education": "学历学位与教师信息库",
        "qualification": "职业资格库",
        "medical_staff": "医师护士注册库",
        "lawyer": "律师信息库",
        "driver": "驾驶人库",
        "vehicle": "机动车库",
        "real_estate": "不动产登记库",
        "social_insurance": "社会保险库",
        "medical_insurance": "医疗保障库",
        "disability": "残疾人信息库",
        "equipment": "特种设备库",
        "investment_project": "投资项目库",
    }
)
"""基础库、业务库, by the key that a field's ``register`` names; others are shown as named."""
SIGNATURE_ROLES: Final[Mapping[int, str]] = MappingProxyType(
    {1: "主办", 2: "联合签章", 3: "跨层级签章"}
)


def acts_of(kind: LicenseType) -> list[str]:
    """The acts that a type must list to allow, in the order of the lifecycle."""
    return [act for act in ACTS if act in kind.acts]


def act_words(acts: list[str] | frozenset[str]) -> str:
    """``制发、变更``, in the order of the lifecycle."""
    return "、".join(rule.zh for name, rule in ACTS.items() if name in acts)


def acts_for_all() -> str:
    """The acts of every type, in words."""
    return act_words(ACTS_FOR_ALL)


def rules_of(kind: LicenseType) -> list[tuple[str, str]]:
    """What a type says besides its face, as (item, words), in the order of reading."""
    window = kind.renewal_window
    unit = "个工作日" if window is not None and window.unit == "working" else "日"
    lead = "—" if window is None else f"届满 {window.days} {unit}前提出"
    many = kind.current_per_holder == "many"
    code = f"{kind.code}（{CODE_STATUSES[kind.code_status]}）"
    holder = HOLDER_CATEGORIES[kind.holder_category]
    shared = f"，可共有（至多 {kind.holders_max}）" if kind.holders_max > 1 else ""
    return [
        ("类型代码", code),
        (
            "定义机构",
            f"{kind.definer_name or kind.definer}，{LEVELS[kind.definer_level]}",
        ),
        ("颁发机关", f"{kind.issuer_name}，{LEVELS[kind.issuer_level]}"),
        ("持证主体", holder + shared),
        ("同一主体现行证照", "可有多本" if many else "一本"),
        ("有效期限", "、".join(kind.validity)),
        ("允许的行为", _listed(acts_of(kind))),
        ("签名要求", _signatures(kind)),
        ("延续申请", lead if "RENEW" in kind.acts else "—"),
        ("自动延期", _yes(kind.auto_extension)),
        ("届满后延续", _yes(kind.late_renewal)),
        ("届满后换发", _grace(kind)),
        ("暂扣、中止期间可办", act_words(kind.while_restricted) or "—"),
        ("暂扣、中止的解除", _lifting(kind)),
        ("生效日可晚于入账", f"至多 {kind.horizon_days} 日"),
        ("保管期限", RETENTIONS[kind.retention]),
    ]


def register_words(face: FaceField) -> str:
    """The base register that verifies a field; a dash when there is none."""
    return REGISTERS.get(face.register, face.register) or "—"


def changeable(kind: LicenseType, face: FaceField) -> bool:
    """Whether a CHANGE may set the field: the type has that act, and the field allows it."""
    return "CHANGE" in kind.acts and face.changeable


def _listed(acts: list[str]) -> str:
    return "、".join(f"{ACTS[act].zh} {act}" for act in acts)


def _signatures(kind: LicenseType) -> str:
    """Joint seals by act; by default the recording authority alone."""
    joint: dict[tuple[int, ...], list[str]] = {}
    for act, roles in kind.signatures.items():
        joint.setdefault(roles, []).append(act)
    found = [
        f"{act_words(frozenset(acts))}：{'＋'.join(SIGNATURE_ROLES[r] for r in roles)}"
        for roles, acts in sorted(joint.items())
        if roles != (1,)
    ]
    return "；".join(found) or SIGNATURE_ROLES[1]


def _grace(kind: LicenseType) -> str:
    if "REPLACE" not in kind.acts:
        return "—"
    if kind.grace_days is None:
        return "不限"
    return f"{kind.grace_days} 日内" if kind.grace_days else "不可"


def _lifting(kind: LicenseType) -> str:
    if not {"SUSPEND", "PAUSE"} & kind.acts:
        return "—"
    if kind.resume_on_application:
        return "须办理恢复"
    return "期满自行解除" + ("，或办理恢复" if "RESUME" in kind.acts else "")


def _yes(switch: bool) -> str:  # noqa: FBT001 - one value, one word
    return "是" if switch else "否"
