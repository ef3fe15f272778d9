"""Why a row stays out, in the words of the department that mends it (中文, English).

Codes of the ledger's own refusals (``docs/refusals.md``) come with theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from console.error_book import ErrorEntry
from ledger.refusals import REFUSALS


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReason:
    """One reason of the import itself: ``zh`` and ``en`` say what is wrong and what to do."""

    word: str
    zh: str
    en: str


_ALL = (
    ImportReason(
        word="wrong_column_count",
        zh="列数与表头不同：检查是否多写或漏写分隔符、引号",
        en="not as many cells as the header: look for a delimiter or quote too many",
    ),
    ImportReason(
        word="missing_value",
        zh="必填的单元格为空：请补填",
        en="a cell that must be filled is empty: fill it",
    ),
    ImportReason(
        word="too_long",
        zh="内容过长：请缩短，或核对是否填错列",
        en="the text is too long: shorten it, or see whether it is in the wrong column",
    ),
    ImportReason(
        word="row_too_long",
        zh="整行内容过长，一条记录放不下",
        en="all values of the row together are too long for one record",
    ),
    ImportReason(
        word="control_character",
        zh="含有换行等控制字符：请删除",
        en="a line break or other control character is in the cell: remove it",
    ),
    ImportReason(
        word="scientific_number",
        zh="号码已被表格软件改成科学计数，后几位已丢失：请从原系统重新导出，该列设为“文本”格式后再导出",
        en="a spreadsheet turned this number into scientific notation and its last digits"
        " are lost: export it again from the source, the column formatted as text",
    ),
    ImportReason(
        word="digits_lost",
        zh="号码第15位以后全为0，很可能已被表格软件截断：请从原系统重新导出，该列设为“文本”格式",
        en="all digits after the 15th are 0: a spreadsheet has most likely cut them off;"
        " export the number again from the source, the column formatted as text",
    ),
    ImportReason(
        word="formula_error",
        zh="公式结果为错误值：请改正公式，或粘贴为值",
        en="a formula failed here: mend it, or paste its value",
    ),
    ImportReason(
        word="not_a_date",
        zh="不是日期（时间），或不是本映射规定的写法",
        en="not a day (or time), or not spelt as the mapping says",
    ),
    ImportReason(
        word="not_a_number",
        zh="不是规定形式的数字",
        en="not a number of the form that is asked for",
    ),
    ImportReason(
        word="not_a_switch",
        zh="应填“是”或“否”",
        en="neither yes nor no",
    ),
    ImportReason(
        word="no_picture",
        zh="没有这个图片文件，或不是图片引用：请核对文件名和图片所在文件夹",
        en="no such picture, or no reference to one: look at the file's name and at the"
        " folder of pictures",
    ),
    ImportReason(
        word="not_a_serial",
        zh="流水号只能由1至32位数字和大写字母组成",
        en="a serial has 1 to 32 digits and capital letters",
    ),
    ImportReason(
        word="not_a_holder_code",
        zh="持证主体代码不符合其类型，或校验位错误：请与证件核对",
        en="the holder's code has not the form of its kind, or its check digit is wrong:"
        " compare it with the document",
    ),
    ImportReason(
        word="wrong_format",
        zh="号码格式或校验位错误：请与证照核对",
        en="the form or the check digit of the number is wrong: compare it with the"
        " license",
    ),
    ImportReason(
        word="clear_personal_data",
        zh="此列不得出现公民身份号码",
        en="no citizen number may stand in this column",
    ),
    ImportReason(
        word="unknown_value",
        zh="映射中没有这个取值：请改正，或在映射中补充",
        en="the mapping does not know this value: mend it, or add it to the mapping",
    ),
    ImportReason(
        word="no_act",
        zh="此行没有说明任何行为",
        en="the row tells of no act",
    ),
    ImportReason(
        word="other_holder",
        zh="持证主体与该证照的不同：请核对代码；持证主体变更用变更行为",
        en="not the holder of this license: compare the code; another holder comes in by a"
        " CHANGE",
    ),
    ImportReason(
        word="needs_an_act",
        zh="此行为须逐件办理，不能由文件导入：先导入证照，再用 license-ledger act 办理",
        en="this act needs a ground or a cause that no row says: bring the license in, then"
        " do it with license-ledger act",
    ),
    ImportReason(
        word="not_expired",
        zh="状态为过期，有效期却未届满：请核对两者",
        en="the row says expired and its term has not ended: compare the two",
    ),
    ImportReason(
        word="ends_before_start",
        zh="有效期截止早于起始",
        en="the term ends before it starts",
    ),
    ImportReason(
        word="row_changed",
        zh="此行以前已导入，现在内容不同：已入账的内容须以更正、变更、恢复原状等行为修改，不能靠重新导入",
        en="this row was imported before and says something else now: what the ledger holds"
        " is changed by an act (CORRECT, CHANGE, RESTORE), not by importing again",
    ),
    ImportReason(
        word="waits_for_row",
        zh="同一证照的另一行被拒收，本行须等它：把两行一起改正后再导入，或删去那一行",
        en="another row of this license was rejected and this one waits for it: mend both"
        " and import them together, or take that row out",
    ),
    ImportReason(
        word="key_twice",
        zh="此行标识在文件中已出现，内容不同：删去重复的行，或另选行标识",
        en="the key of this row stands on an earlier line with other contents: take the"
        " repeated row out, or choose another row_key",
    ),
    ImportReason(
        word="before_issue",
        zh="早于本文件中该证照的发证行：请核对两行的日期",
        en="before the row that tells of the license's issue: compare the days of both",
    ),
    ImportReason(
        word="told_twice",
        zh="同一证照同日同一行为的另一行内容不同：请合并为一行，或改正日期；已入账的用变更、更正等行为补充",
        en="another row tells the same act of this license on the same day and says"
        " something else: make one row of them, or mend a day; once one is in, by an act",
    ),
    ImportReason(
        word="key_destroyed",
        zh="此持证人对此证照的密钥已销毁",
        en="the key of this holder for this license was destroyed",
    ),
)

IMPORT_REASONS: Mapping[str, ImportReason] = MappingProxyType(
    {reason.word: reason for reason in _ALL}
)


ROW: Final = "row"
"""Family of these reasons among the errors: about one row, not about a command."""

_REMEDY: Final = (
    "mend the row in the rejects file and import that file",
    "在拒收文件中更正该行，再导入该文件",
)


def entries() -> Mapping[str, ErrorEntry]:
    """The reasons as `explain` says them; exit code 0: the other rows came in."""
    found: dict[str, ErrorEntry] = {}
    for reason in _ALL:
        cause, _, remedy = reason.en.partition(": ")
        cause_zh, _, remedy_zh = reason.zh.partition("：")
        found[reason.word] = ErrorEntry(
            code=reason.word,
            family=ROW,
            zh=cause_zh,
            cause=(cause, cause_zh),
            remedy=(remedy or _REMEDY[0], remedy_zh or _REMEDY[1]),
            retry=False,
            exit_code=0,
        )
    return found


def said(code: str) -> tuple[str, str]:
    """What a reason means, in Chinese and in English."""
    own = IMPORT_REASONS.get(code)
    if own is not None:
        return own.zh, own.en
    refusal = REFUSALS[code]
    return f"台账不予入账：{refusal.zh}", f"{refusal.cause}: {refusal.remedy}"
