"""``docs/refusals.md`` and ``docs/errors.md``: every code, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from console.error_book import ErrorEntry, error_book
from console.markdown import table
from ledger.refusals import REFUSALS, RefusalCode

_REFUSALS = """\
# Refusals (拒绝代码)

Generated from `ledger/refusals.py` by `make docs`; a test compares the two. Each record
goes through twelve numbered checks in this order, and inside a check its codes in this
order; the first that does not hold names the refusal. A refused record changes nothing
but the audit trail. "Again" says whether the same act, built anew, can be accepted later.
"""
_ERRORS: Final = """\
# Errors as a book (错误手册)

Generated from `schemas/errors/` and `ledger/refusals.py` by `make docs`; a test compares
the two, and another finds every place that raises an error and looks its code up here.
The command line ends an error with two lines on stderr: what was expected, found and
where, in English; then the code with its Chinese row. With `--json` it is
`{"error": {"code", "family", "reason", "expected", "found", "where", "retry", "en", "zh"}}`.
`license-ledger explain CODE` says a row of this page without network.

"Again" (可重试) says whether the same command can succeed later without anything in it
being changed, once what it waits for is there; of a refusal, whether the same act, built
anew, can be accepted. Codes are stable: scripts may ask for them. Why an import leaves
a row out is no error of the command: those reasons stand in [mapping.md](mapping.md).
"""
FAMILIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "malformed": "Input to be mended (输入有误)",
        "refused": "Refused by the ledger (被拒绝)",
        "unavailable": "Missing or down; nothing was lost (暂不可用)",
        "untrusted": "Contradictions and proofs that do not hold (不可信)",
        "unknown": "Not in this ledger (查无此项)",
        "answer": "The answer is no (结论为否)",
        "internal": "The program itself (程序本身)",
    }
)
"""The families of errors as headings."""
_CHECKS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "length and first bytes",
        2: "schema of the record",
        3: "form of record and event",
        4: "ledger and source",
        5: "repeats",
        6: "place in its chain",
        7: "time of signing",
        8: "act and license type",
        9: "who signs, and may they",
        10: "signatures",
        11: "fields",
        12: "lifecycle",
    }
)


def refusals_page() -> str:
    """Every refusal code, in the order of the checks."""
    heads = ("check", "code", "中文", "cause", "what to do", "again")
    rows = (_refusal(row) for row in REFUSALS.values())
    return "\n".join([_REFUSALS, *table(heads, rows), ""])


def errors_page() -> str:
    """Every error code by family, in both languages."""
    heads = ("code", "中文", "cause 原因", "what to do 处理", "again")
    lines = [_ERRORS]
    for family, title in FAMILIES.items():
        rows = [row for row in error_book().values() if row.family == family]
        exits = sorted({row.exit_code for row in rows})
        lines += [
            f"## {title}",
            "",
            f"Family `{family}`, exit code {' or '.join(map(str, exits))}.",
            "",
            *table(heads, map(_error, rows)),
            "",
        ]
    return "\n".join(lines)


def _error(row: ErrorEntry) -> tuple[str, ...]:
    cause, remedy = "<br>".join(row.cause), "<br>".join(row.remedy)
    return f"`{row.code}`", row.zh, cause, remedy, "yes 是" if row.retry else "no 否"


def _refusal(row: RefusalCode) -> tuple[str, ...]:
    check = f"{row.check} {_CHECKS[row.check]}"
    again = "yes" if row.retry else "no"
    return check, f"`{row.code}`", row.zh, row.cause, row.remedy, again
