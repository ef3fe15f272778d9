"""How registers name their columns and say their acts: what ``mapping new`` guesses by.

Names are compared without spaces and punctuation, in small letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ROW_KEY: Final = (
    "id",
    "rowid",
    "rowkey",
    "uuid",
    "guid",
    "主键",
    "数据标识",
    "记录编号",
)
SERIAL: Final = ("serial", "serialnumber", "流水号", "证照流水号", "档案编号")
NUMBER: Final = (
    *("许可证编号", "证照编号", "证书编号", "编号", "许可证号", "证照号码", "证书号"),
    *("证号", "证件编号", "证书号码", "许可证号码", "备案编号", "备案号", "登记证号"),
    *("注册号", "注册编号", "licensenumber", "certificatenumber", "number"),
)
"""A license's own number: its serial, where it is of digits and capital letters alone."""
VALID_FROM: Final = (
    *("validfrom", "from", "effectivefrom", "startdate", "有效期起", "有效期自"),
    *("有效期开始", "有效期开始日期", "有效期起始", "有效期起始日期", "有效期限起"),
    *(
        "有效起始日期",
        "生效日期",
        "有效期从",
        "起",
        "自",
        "起始",
        "起始日期",
        "开始日期",
    ),
)
VALID_UNTIL: Final = (
    *("validuntil", "until", "validto", "to", "expirydate", "expirationdate"),
    *("有效期止", "有效期至", "有效期截止", "有效期截止日期", "有效期结束日期"),
    *("有效期限止", "有效期限至", "有效截止日期", "截止日期", "到期日期", "到期日"),
    *("有效期到", "有效期结束", "止", "至", "终", "截止", "终止日期", "结束日期"),
)
ISSUED_ON: Final = (
    *("issuedate", "issuedon", "dateissued", "kinddate", "发证日期", "发证时间"),
    *("颁发日期", "核发日期", "制发日期", "颁证日期", "制证日期", "许可日期"),
    *("批准日期", "审批日期", "决定日期", "办理日期", "登记日期"),
)
STATUS_ON: Final = (
    *("statusdate", "statuson", "statuschangedate", "状态日期", "状态变更日期"),
    *("状态时间", "状态变更时间", "注销日期", "注销时间", "吊销日期", "变动日期"),
)
KIND: Final = (
    *("kind", "acttype", "applicationtype", "业务类型", "办理类型", "申请类型"),
    *("许可类型", "事项类型", "操作类型", "登记类型", "办件类型", "变更类型"),
)
STATUS: Final = (
    "status",
    "state",
    "状态",
    "证照状态",
    "许可状态",
    "证书状态",
    "有效状态",
)
TYPE_NAME: Final = (
    "type",
    "typename",
    "证照类型",
    "证照名称",
    "证照类型名称",
    "证件类型",
)
ORGANISATION: Final = (
    *("uscc", "creditcode", "统一社会信用代码", "社会信用代码", "信用代码"),
    *("统一信用代码", "统一代码", "持证主体代码", "企业代码"),
)
PERSON: Final = (
    *("idno", "idnumber", "citizenid", "身份证号", "身份证号码", "公民身份号码"),
    *("公民身份证号码", "证件号码", "证件号", "身份证", "持证主体代码"),
)

ACT_VALUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("new", "issue", "issued", "新办", "新发", "首次", "首次申请", "核发"),
                *("制发", "新申请", "新证", "设立", "发证", "初次申领", "首次申领"),
                "首次核发",
            ),
            "ISSUE",
        ),
        **dict.fromkeys(("存量", "存量补录", "补录", "baseline"), "BASELINE"),
        **dict.fromkeys(("renew", "renewed", "延续", "续期", "延期", "续证"), "RENEW"),
        **dict.fromkeys(("change", "changed", "变更"), "CHANGE"),
        **dict.fromkeys(("replace", "换发", "换证", "到期换证"), "REPLACE"),
        **dict.fromkeys(("reissue", "补发", "补证", "遗失补发", "补办"), "REISSUE"),
        **dict.fromkeys(
            ("cancel", "cancelled", "canceled", "注销", "已注销"), "CANCEL"
        ),
        **dict.fromkeys(("revoke", "revoked", "吊销", "已吊销"), "REVOKE"),
        **dict.fromkeys(("withdraw", "withdrawn", "撤回", "已撤回"), "WITHDRAW"),
    }
)
"""Source value -> act, where there is no doubt. 撤销 (ANNUL) needs a ground of its own."""

NO_ACT: Final = frozenset(
    (
        *("normal", "valid", "active", "ok", "正常", "有效", "在用", "存续", "现势"),
        *("现行有效", "生效", "使用中", "已发证", "过期", "失效", "已过期", "expired"),
    )
)
"""Values that say no act; expiry (失效) is a function of time."""


ACT_ROOTS: Final = (
    *("新办", "首次", "初始", "变更", "延续", "续期", "换发", "换证", "补发", "补证"),
    *("注销", "吊销", "撤销", "撤回", "暂扣", "中止", "转出", "转入", "更正"),
)
"""Stand inside words for acts (注销注册, 变更登记) that only a person can map."""
END_ROOTS: Final = ("注销", "吊销", "撤销", "撤回", "作废", "失效", "过期", "暂扣")
"""Stand inside words for states in which a license does not hold."""
REJECT_ROOTS: Final = ("撤销", "暂扣", "暂停", "中止", "吊扣", "转出", "归并")
"""Stand inside words for acts that need a ground, a cause or a term of their own."""
STATE_NAMES: Final = ("状态", "状况")
KIND_NAMES: Final = ("类型", "类别", "事项", "业务", "行为")


def plain(name: str) -> str:
    """A name as it is compared."""
    return "".join(char for char in name.lower() if char.isalnum())
