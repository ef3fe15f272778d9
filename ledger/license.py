"""The folded state of one license: what a chain's accepted acts come to.

States and flags carry the names of the lifecycle table; expiry is never stored, it is a
function of the day asked about (``ledger.lifecycle.shown_state``). Values hold no cycles,
so the collector need not visit them (``gc=False``): a rebuild holds millions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class State(StrEnum):
    """States of a license (证照状态)."""

    NONE = "NONE"
    VALID = "VALID"  # 有效
    SUSP = "SUSP"  # 暂扣
    PAUS = "PAUS"  # 中止
    EXP = "EXP"  # 失效
    REVD = "REVD"  # 吊销
    ANND = "ANND"  # 撤销
    WDRN = "WDRN"  # 撤回
    CANC = "CANC"  # 注销
    MRGD = "MRGD"  # 已归并
    VOID = "VOID"  # 作废


STATE_ZH = {
    State.NONE: "无",
    State.VALID: "有效",
    State.SUSP: "暂扣",
    State.PAUS: "中止",
    State.EXP: "失效",
    State.REVD: "吊销",
    State.ANND: "撤销",
    State.WDRN: "撤回",
    State.CANC: "注销",
    State.MRGD: "已归并",
    State.VOID: "作废",
}


class Restriction(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One open suspension or pause; it holds to 24:00 of ``until_day`` (None = no end).

    Days count from 1970-01-01 in UTC+8.
    """

    digest: bytes  # of the act that opened it
    state: str  # SUSP or PAUS
    since_day: int
    until_day: int | None
    position: int


class FaceValue(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One value on the face, and the accepted act that set it.

    An encrypted value opens with ``event_id`` and holder ``index`` of that act.
    """

    value: Any
    position: int
    event_id: bytes
    since_day: int


class License(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """What a chain comes to; days count from 1970-01-01 in UTC+8.

    ``terminal`` is empty or one of REVD ANND WDRN CANC MRGD VOID. ``face`` holds the
    type's own fields that are not null. ``flags`` is sorted. ``overtaken`` and ``late``
    list positions.
    """

    opening: str
    type_version: int
    version: int
    identifier: str
    terminal: str = ""
    terminal_day: int | None = None
    after: str = ""
    ground: str = ""
    merged_into: str = ""
    valid_from: int | None = None
    valid_until: int | None = None
    area: str = ""
    renewal_pending: bool = False
    restrictions: tuple[Restriction, ...] = ()
    holders: tuple[tuple[str, bytes, str], ...] = ()
    face: dict[str, FaceValue] = msgspec.field(default_factory=dict)
    flags: tuple[str, ...] = ()
    overtaken: tuple[int, ...] = ()
    late: tuple[int, ...] = ()
    last_day: int = 0
