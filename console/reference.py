"""``python -m console.reference [--check]``: the generated pages of docs/.

They come from the command tree and the tables themselves, so they cannot drift.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from console.catalogue_page import catalogue_page
from console.cli.commands import COMMANDS, loaded
from console.cli.program import app
from console.error_book import ErrorEntry, error_book
from console.importer.mapping_keys import KEYS
from console.importer.reasons import IMPORT_REASONS
from console.output import say
from ledger.lifecycle import table_markdown
from ledger.refusals import REFUSALS, RefusalCode

DOCS: Final = Path(__file__).parents[1] / "docs"
COMMON: Final = ("--dir", "--dsn", "--passphrase-file", "--json")

_CLI = """\
# The command line

Generated from the commands themselves by `make docs`; a test compares the two.
Environment variables and what `--json` promises stand in [README](../README.md), every
error in [errors.md](errors.md).
"""
_EXITS: Final = """\
## Exit codes

After an error the line on stderr, or the document, says which code of
[errors.md](errors.md) it was.
"""
_MAPPING = """\
# The mapping file (映射文件)

Generated from `console/importer/mapping_keys.py` by `make docs`; a test compares the two.
TOML. `license-ledger mapping new FILE` writes one; how to use it: [importing.md](importing.md).
"""
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
_FAMILY_HEADS: Final[Mapping[str, str]] = MappingProxyType(
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


def pages() -> dict[str, str]:
    """Every generated page: file name in docs/ and its text."""
    return {
        "catalogue.md": catalogue_page(),
        "cli.md": cli_page(),
        "errors.md": errors_page(),
        "lifecycle.md": table_markdown(),
        "mapping.md": mapping_page(),
        "refusals.md": refusals_page(),
    }


def differing(folder: Path) -> list[str]:
    """The pages whose file in ``folder`` is missing or not what would be written."""
    return [
        name
        for name, text in pages().items()
        if not (folder / name).is_file()
        or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str]) -> int:
    """Writes the pages, or with ``--check`` says which differ (exit 1)."""
    if list(arguments) not in ([], ["--check"]):
        say("expected: python -m console.reference [--check]")
        return 2
    found = differing(DOCS)
    if arguments:
        for name in found:
            say(f"docs/{name} is not what `make docs` writes")
        return 1 if found else 0
    for name in found:
        (DOCS / name).write_text(pages()[name], encoding="utf-8")
        say(f"docs/{name} written")
    return 0


def mapping_page() -> str:
    """Every key of a mapping, and every reason for which an import leaves a row out."""
    heads = ("key", "when left out", "meaning")
    keys = (
        (
            f"`{key.path}`",
            "must be there" if key.default is None else key.default or "–",
            key.meaning,
        )
        for key in KEYS
    )
    reasons = ((f"`{one.word}`", one.zh, one.en) for one in IMPORT_REASONS.values())
    return "\n".join(
        [
            _MAPPING,
            *_table(heads, keys),
            "",
            "## Why a row stays out (拒收原因)",
            "",
            "Codes of the ledger's own refusals stand in [refusals.md](refusals.md).",
            "",
            *_table(("code", "原因", "reason"), reasons),
            "",
        ]
    )


def cli_page() -> str:
    """Every command with its arguments and options."""
    commands = [
        found
        for name in COMMANDS
        for found in _commands(loaded(name), f"license-ledger {name}")
    ]
    common = {
        option.opts[0]: option
        for _, command in commands
        for option in command.params
        if isinstance(option, TyperOption) and option.opts[0] in COMMON
    }
    lines = [
        _CLI,
        "`license-ledger` itself takes these; completion is for bash, zsh, fish and "
        "PowerShell:",
        "",
        *_table(("option", "meaning"), map(_option, _root_options())),
        "",
        _EXITS,
        *_table(("exit code", "meaning"), _exit_codes()),
        "",
        "## Common options",
        "",
        "Every command on a ledger takes these options:",
        "",
        *_table(("option", "meaning"), (_option(common[name]) for name in COMMON)),
        "",
    ]
    for path, command in commands:
        lines += _command(path, command)
    return "\n".join(lines)


def _root_options() -> Iterator[TyperOption]:
    for one in typer.main.get_command(app).params:
        if isinstance(one, TyperOption) and one.opts[0] != "--help":
            yield one


def _exit_codes() -> Iterator[tuple[str, str]]:
    yield "`0`", "done 完成; of `import`: read to its end, whatever was rejected"
    meant: dict[int, list[str]] = {}
    for row in error_book().values():
        said = f"{row.code} {row.zh}"
        if row.family != "internal":
            said = _FAMILY_HEADS[row.family]
        if said not in meant.setdefault(row.exit_code, []):
            meant[row.exit_code].append(said)
    for code, said_of in sorted(meant.items()):
        yield f"`{code}`", "; ".join(said_of)


def refusals_page() -> str:
    """Every refusal code, in the order of the checks."""
    heads = ("check", "code", "中文", "cause", "what to do", "again")
    rows = (_refusal(row) for row in REFUSALS.values())
    return "\n".join([_REFUSALS, *_table(heads, rows), ""])


def errors_page() -> str:
    """Every error code by family, in both languages."""
    heads = ("code", "中文", "cause 原因", "what to do 处理", "again")
    lines = [_ERRORS]
    for family, title in _FAMILY_HEADS.items():
        rows = [row for row in error_book().values() if row.family == family]
        exits = sorted({row.exit_code for row in rows})
        lines += [
            f"## {title}",
            "",
            f"Family `{family}`, exit code {' or '.join(map(str, exits))}.",
            "",
            *_table(heads, map(_error, rows)),
            "",
        ]
    return "\n".join(lines)


def _commands(command: object, path: str) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _commands(child, f"{path} {name}")
    elif isinstance(command, TyperCommand):
        yield path, command


def _command(path: str, command: TyperCommand) -> list[str]:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [
        one
        for one in command.params
        if isinstance(one, TyperOption) and one.opts[0] not in COMMON
    ]
    usage = " ".join([path, *map(_shown, arguments), "[OPTIONS]"])
    rows = [(f"`{_shown(one)}`", one.help or "") for one in arguments]
    rows += [_option(one) for one in options]
    lines = [f"## {path}", "", f"`{usage}`", "", *_paragraphs(command.help or ""), ""]
    return [*lines, *_table(("option", "meaning"), rows), ""] if rows else lines


def _shown(argument: TyperArgument) -> str:
    return argument.metavar or (argument.name or "").upper()


def _option(option: TyperOption) -> tuple[str, str]:
    name = option.opts[0]
    if not option.is_flag:
        name += " " + (option.metavar or name.rpartition("-")[2].upper())
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    if option.multiple:
        notes.append("May be given several times.")
    if isinstance(option.default, str | int) and not option.is_flag and option.default:
        notes.append(f"Default: {option.default}.")
    return f"`{name}`", " ".join(note for note in notes if note)


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _error(row: ErrorEntry) -> tuple[str, ...]:
    cause, remedy = "<br>".join(row.cause), "<br>".join(row.remedy)
    return f"`{row.code}`", row.zh, cause, remedy, "yes 是" if row.retry else "no 否"


def _refusal(row: RefusalCode) -> tuple[str, ...]:
    check = f"{row.check} {_CHECKS[row.check]}"
    again = "yes" if row.retry else "no"
    return check, f"`{row.code}`", row.zh, row.cause, row.remedy, again


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return ["| " + " | ".join(line) + " |" for line in cells]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
