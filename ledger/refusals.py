"""Every refusal code (拒绝代码) in one table: which check gives it, and what it means.

A verdict is a code; words are in no digest. The order is that of the checks, and inside
a check the order in which its codes are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCode:
    """One refusal: numbered check, Chinese name, cause, and what the publisher does."""

    code: str
    check: int
    zh: str
    cause: str
    remedy: str
    retry: bool


def _table(*rows: tuple[int, str, str, str, str, bool]) -> dict[str, RefusalCode]:
    return {
        code: RefusalCode(
            code=code, check=check, zh=zh, cause=cause, remedy=remedy, retry=retry
        )
        for check, code, zh, cause, remedy, retry in rows
    }


REFUSALS = MappingProxyType(
    _table(
        (
            1,
            "malformed",
            "格式错误",
            "the bytes break the format",
            "build it again",
            False,
        ),
        (
            2,
            "unknown_schema",
            "模式未启用",
            "the schema is not switched on here",
            "use a schema that the registry lists",
            False,
        ),
        (
            4,
            "wrong_ledger",
            "账本不符",
            "made for another ledger",
            "check origin",
            False,
        ),
        (
            4,
            "misrouted",
            "数据流错误",
            "on the wrong source",
            "route by subject",
            False,
        ),
        (
            5,
            "duplicate",
            "重复入账",
            "this very event is accepted already",
            "nothing: it is in the ledger",
            False,
        ),
        (
            5,
            "source_repeated",
            "来源重复",
            "the source system's act is accepted under another digest",
            "compare with the first one; CORRECT it if it differs",
            False,
        ),
        (
            6,
            "stale",
            "序号已被占用",
            "somebody else won",
            "read the head, sign again",
            True,
        ),
        (6, "gap", "序号跳空", "a predecessor is missing", "send it first", True),
        (
            6,
            "chain_full",
            "证照链已满",
            "too many events",
            "end or LINK the chain",
            False,
        ),
        (
            7,
            "expired",
            "签署时间越界",
            "signed too long ago or ahead",
            "sign again",
            True,
        ),
        (
            8,
            "unknown_act",
            "行为未启用",
            "the act is not switched on",
            "check the act",
            False,
        ),
        (
            8,
            "unknown_type",
            "证照类型不符",
            "the type or its version is not in force",
            "use the version in force",
            True,
        ),
        (
            9,
            "unknown_key",
            "密钥未登记",
            "a signer's key is unknown",
            "register it",
            False,
        ),
        (
            9,
            "key_inactive",
            "密钥已停用",
            "a signer's key has ended",
            "use another",
            False,
        ),
        (
            9,
            "not_authorised",
            "无权办理",
            "the authority may not do this here",
            "ask the registrar",
            False,
        ),
        (
            9,
            "signatures_missing",
            "签名不全",
            "the set of signatures is not the one demanded",
            "have every body sign",
            True,
        ),
        (
            10,
            "bad_signature",
            "验签失败",
            "a signature does not hold",
            "sign again",
            True,
        ),
        (
            11,
            "invalid_fields",
            "字段不合规",
            "fields break the type",
            "mend them",
            False,
        ),
        (
            11,
            "clear_personal_data",
            "明文个人信息",
            "a citizen number stands in clear",
            "encrypt it",
            False,
        ),
        (
            12,
            "act_not_allowed",
            "本类型不允许该行为",
            "the type does not know the act",
            "check the type",
            False,
        ),
        (12, "merged", "已归并", "the chain goes on as another", "use that one", False),
        (
            12,
            "unknown_target",
            "所指不存在",
            "the named act is not one this act can name",
            "name the right one",
            False,
        ),
        (
            12,
            "wrong_version",
            "版本号不符",
            "not the next version",
            "read the head",
            True,
        ),
        (
            12,
            "decision_missing",
            "缺少决定文书",
            "the act needs a decision",
            "give number, date and reason",
            False,
        ),
        (
            12,
            "too_far_ahead",
            "生效日期过远",
            "effective too far ahead",
            "send it later",
            True,
        ),
        (12, "out_of_grace", "超过宽限期", "expired too long ago", "ISSUE anew", False),
        (
            12,
            "illegal_transition",
            "状态不允许",
            "the state does not allow the act",
            "check the history",
            False,
        ),
        (
            12,
            "conflicts_with",
            "与后续行为冲突",
            "it would overtake an act accepted before",
            "settle it between the departments",
            False,
        ),
    )
)


class Refusal(Exception):  # noqa: N818 - the field's word; it is a verdict, not a fault
    """Raised by a check to end the judgement of one record with ``code``.

    ``detail`` is for the publisher's message only; it never holds personal data.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        if code not in REFUSALS:
            raise AssertionError(f"no such refusal code: {code}")
        self.code = code
        self.detail = detail
