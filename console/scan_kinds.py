"""The kinds of findings that ``scan`` knows, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of finding: its name, what it means and what to do, in both languages."""

    zh: str
    meaning: str
    meaning_zh: str
    remedy: str
    remedy_zh: str


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "transfer_out_unmatched": Kind(
            zh="转出未见转入",
            meaning="a license was transferred out and came in nowhere in this ledger",
            meaning_zh="证照已转出，本账本中未见转入",
            remedy="ask the receiving issuer for its TRANSFER_IN, or RESTORE the act",
            remedy_zh="催接收机构办理转入（TRANSFER_IN），或恢复原状（RESTORE）",
        ),
        "transfer_in_unmatched": Kind(
            zh="转入未见转出",
            meaning="a license came in from one that is not transferred out",
            meaning_zh="证照已转入，而原证照未转出",
            remedy="ask the old issuer for its TRANSFER_OUT, or annul what came in",
            remedy_zh="催原机构办理转出（TRANSFER_OUT），或撤销转入的证照",
        ),
        "transfer_in_unknown": Kind(
            zh="转入来源不在本账本",
            meaning="a license came in from one that this ledger does not know",
            meaning_zh="证照转入，其原证照不在本账本",
            remedy="right for a move between provinces; else CORRECT is too late: "
            "annul it and take it in by the right identifier",
            remedy_zh="跨省转入属正常；否则撤销后按正确标识重新转入",
        ),
        "transfer_in_twice": Kind(
            zh="重复转入",
            meaning="one license that left came in more than once",
            meaning_zh="同一转出证照被多次转入",
            remedy="keep one and annul the others, or LINK them to it",
            remedy_zh="保留其一，其余撤销或归并（LINK）",
        ),
        "link_target_missing": Kind(
            zh="归并目标不存在",
            meaning="a license goes on as one that this ledger does not know",
            meaning_zh="证照归并到本账本中不存在的证照",
            remedy="RESTORE the LINK, then LINK to the right one",
            remedy_zh="恢复该归并（RESTORE），再归并到正确的证照",
        ),
        "link_cycle": Kind(
            zh="循环归并",
            meaning="licenses go on as each other, so none of them goes on",
            meaning_zh="证照互相归并，无一有效",
            remedy="RESTORE one of the LINKs",
            remedy_zh="恢复其中一次归并（RESTORE）",
        ),
        "link_holders_differ": Kind(
            zh="归并双方主体不同",
            meaning="a license goes on as one that never had any of its holders",
            meaning_zh="归并双方从未有过相同的持证主体",
            remedy="look at both; RESTORE the LINK if they are not one right",
            remedy_zh="核对双方；若非同一权利则恢复该归并（RESTORE）",
        ),
        "batch_incomplete": Kind(
            zh="批次不完整",
            meaning="members of a signed batch are missing or were refused",
            meaning_zh="同一批签的成员有缺失或被拒绝",
            remedy="have its publisher send what is missing, and mend what was refused",
            remedy_zh="由发布方补发缺失部分，并更正被拒绝的部分",
        ),
        "two_in_force": Kind(
            zh="同一权利多证并存",
            meaning="one holder has several licenses in force of a type that allows one",
            meaning_zh="同一主体同时持有多个本应唯一的有效证照",
            remedy="find which one stands; LINK the others to it, or annul them",
            remedy_zh="确认应保留的证照，其余归并（LINK）或撤销",
        ),
        "nonstandard_identifier": Kind(
            zh="标识不规范",
            meaning="the identifier's check character is not as GB/T 36904 has it",
            meaning_zh="证照标识校验位不符合 GB/T 36904",
            remedy="standardise: ISSUE or BASELINE under a right one, then LINK",
            remedy_zh="标准化改造：以规范标识重新制发或补录后归并（LINK）",
        ),
    }
)
