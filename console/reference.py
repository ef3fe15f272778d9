"""``python -m console.reference [--check]``: the generated pages of docs/.

They come from the command tree and the tables themselves, so they cannot drift.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from console.catalogue_page import catalogue_page
from console.cli.commands import COMMANDS, loaded
from console.cli.program import app
from console.error_book import error_book
from console.error_pages import FAMILIES, errors_page, refusals_page
from console.importer.mapping_keys import KEYS
from console.importer.reasons import IMPORT_REASONS
from console.markdown import table
from console.output import say
from ledger.lifecycle import table_markdown

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
            *table(heads, keys),
            "",
            "## Why a row stays out (拒收原因)",
            "",
            "Codes of the ledger's own refusals stand in [refusals.md](refusals.md).",
            "",
            *table(("code", "原因", "reason"), reasons),
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
        *table(("option", "meaning"), map(_option, _root_options())),
        "",
        _EXITS,
        *table(("exit code", "meaning"), _exit_codes()),
        "",
        "## Common options",
        "",
        "Every command on a ledger takes these options:",
        "",
        *table(("option", "meaning"), (_option(common[name]) for name in COMMON)),
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
            said = FAMILIES[row.family]
        if said not in meant.setdefault(row.exit_code, []):
            meant[row.exit_code].append(said)
    for code, said_of in sorted(meant.items()):
        yield f"`{code}`", "; ".join(said_of)


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
    return [*lines, *table(("option", "meaning"), rows), ""] if rows else lines


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
