"""Every error code (错误代码) in two languages: what it means, what to do, whether again.

The rows stand in ``schemas/errors/``, one file per family; those of refusals take their
name, English words and "again" from ``ledger/refusals.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import schemas
from ledger.errors import (
    LedgerError,
    Malformed,
    Refused,
    Unavailable,
    Unknown,
    Untrusted,
)
from ledger.refusals import REFUSALS

FOLDER: Final = "errors"
INTERNAL: Final = "internal_error"
INTERRUPTED: Final = "interrupted"
ANSWER: Final = "answer"
# In the order of the page; a family's exit code is that of its class.
FAMILIES: Final[Mapping[str, type[LedgerError] | None]] = MappingProxyType(
    {
        "malformed": Malformed,
        "refused": Refused,
        "unavailable": Unavailable,
        "untrusted": Untrusted,
        "unknown": Unknown,
        ANSWER: None,
        "internal": None,
    }
)
_NO: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEntry:
    """One code: its family, Chinese name, and cause and remedy as (English, 中文)."""

    code: str
    family: str
    zh: str
    cause: tuple[str, str]
    remedy: tuple[str, str]
    retry: bool
    exit_code: int

    @property
    def chinese(self) -> str:
        """The whole row as one line for people who read Chinese."""
        again = "是" if self.retry else "否"
        return (
            f"{self.code} {self.zh}：{self.cause[1]}。"
            f"处理：{self.remedy[1]}。可重试：{again}"
        )

    @property
    def document(self) -> dict[str, Any]:
        """The row for programs, but for code and family."""
        return {
            "retry": self.retry,
            "en": {"cause": self.cause[0], "remedy": self.remedy[0]},
            "zh": {"name": self.zh, "cause": self.cause[1], "remedy": self.remedy[1]},
        }


@cache
def error_book() -> Mapping[str, ErrorEntry]:
    """Every code and its row, in the order of families and files."""
    rows = [
        _entry(code, family, row)
        for family in FAMILIES
        for code, row in schemas.toml(f"{FOLDER}/{family}.toml").items()
    ]
    return MappingProxyType({row.code: row for row in rows})


def entry_of(code: str) -> ErrorEntry:
    """The row of a code; that of an internal error for a code without one."""
    book = error_book()
    return book.get(code, book[INTERNAL])


def _entry(code: str, family: str, row: Mapping[str, Any]) -> ErrorEntry:
    kind = FAMILIES[family]
    exit_code = row.get("exit", _NO if kind is None else kind.exit_code)
    if "cause_zh" in row:
        refusal = REFUSALS[code]
        return ErrorEntry(
            code=code,
            family=family,
            zh=refusal.zh,
            cause=(refusal.cause, row["cause_zh"]),
            remedy=(refusal.remedy, row["remedy_zh"]),
            retry=refusal.retry,
            exit_code=exit_code,
        )
    cause, remedy = row["cause"], row["remedy"]
    return ErrorEntry(
        code=code,
        family=family,
        zh=row["zh"],
        cause=(cause[0], cause[1]),
        remedy=(remedy[0], remedy[1]),
        retry=row["retry"],
        exit_code=exit_code,
    )
