"""The commands by name: what `--help` lists, and the module that is loaded for each.

A module of commands brings databases, brokers and cryptography along, which takes a
second. Help and completion ask for names only, and a command needs one module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

# A command as Typer has it: its base class is not public.
Command = Any


@dataclass(frozen=True, slots=True)
class Listed:
    """A command or group: its modules in console/cli, and its line of help.

    The line is the first one of the command's own docstring; a test compares them.
    """

    modules: tuple[str, ...]
    help: str


COMMANDS: Final[Mapping[str, Listed]] = MappingProxyType(
    {
        "init": Listed(
            ("founding",),
            "Founds a ledger: root, sealer, one department with its key, the catalogue.",
        ),
        "import": Listed(
            ("importing",),
            "Imports existing stock; run it again after a break, what is in stays in.",
        ),
        "mapping": Listed(("mapping",), "Mappings for import."),
        "act": Listed(
            ("acting",), "Publishes one act on a license; exit 0 accepted, 3 refused."
        ),
        "erase": Listed(
            ("acting",),
            "Destroys the key of a holder's values in a license, for good (销毁).",
        ),
        "status": Listed(
            ("inspecting",),
            "Counts of the whole ledger: records, verdicts, states (as of a time).",
        ),
        "show": Listed(
            ("inspecting",),
            "One license: state, version, validity, holders and face (masked).",
        ),
        "history": Listed(
            ("inspecting",),
            "Every event of a license with both times: in force, and recorded.",
        ),
        "holder": Listed(
            ("archiving",),
            "All licenses of one holder (一人一档、一企一档): role, since when, descent (masked).",
        ),
        "trace": Listed(
            ("archiving",),
            "One field of a license: who set it, in force when, known when, and what stood before.",
        ),
        "directory": Listed(
            ("archiving",),
            "The issuing directory (发证清单): by authority, type and area, as of a day.",
        ),
        "scan": Listed(
            ("scanning",),
            "Finds what does not fit together; exit 0 nothing found, 1 something was.",
        ),
        "receipt": Listed(
            ("proving",),
            "The proof (回执) for one event of a license, verified offline by anybody.",
        ),
        "verify": Listed(
            ("proving",),
            "Checks a receipt: by a verifier key alone, or against a ledger (--dir).",
        ),
        "audit": Listed(
            ("proving",),
            "Recomputes every digest, signature, verdict and root from the log alone.",
        ),
        "run": Listed(
            ("operating",),
            "Runs sealer and projector, so that other commands need not; stop with Ctrl-C.",
        ),
        "seal": Listed(
            ("operating",),
            "Seals only; stands by while another process does. Stop with Ctrl-C.",
        ),
        "project": Listed(
            ("operating",),
            "Projects only; stands by for partitions that others project. Stop with Ctrl-C.",
        ),
        "rebuild": Listed(
            ("operating",),
            "Makes every derived table again from the log and compares; exit 1 if they differ.",
        ),
        "demo": Listed(
            ("demonstrating",),
            "Runs an invented province of 14 cities; kept only where --dir says.",
        ),
        "types": Listed(
            ("cataloguing",),
            "The license types in force: number, code, name, holder, term, acts.",
        ),
        "type": Listed(
            ("cataloguing",),
            "One license type: what it allows, and every field of its face.",
        ),
        "explain": Listed(
            ("explaining",),
            "Says what a code (错误代码, 拒绝代码) means, what to do, and whether to try again.",
        ),
        "key": Listed(
            ("keys",), "Keys: list, draw, register, end, report as compromised."
        ),
        "registry": Listed(
            ("registering", "granting"),
            "The registry (基础名录): authorities, license types, records.",
        ),
        "cosign": Listed(
            ("cosigning",),
            "Joint acts (联合签章): proposed, signed or refused, and published, by a file.",
        ),
        "log": Listed(("logs",), "The log itself: copied, or mended on Kafka."),
    }
)


class ListedCommands(TyperGroup):
    """The root of the command line: each command is loaded when it is called."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for name, listed in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=listed.help)

    @override
    def resolve_command(
        self, ctx: Any, args: list[str]
    ) -> tuple[str | None, Command, list[str]]:
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = loaded(args[0])
        return super().resolve_command(ctx, args)


@cache
def loaded(name: str) -> Command:
    """The command itself, with its options; raises KeyError for one that is not listed."""
    part = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    part.callback()(_nothing)  # one command alone would be no group
    for module in COMMANDS[name].modules:
        import_module(f"console.cli.{module}").register(part)
    return typer.main.get_group(part).commands[name]


def _nothing() -> None:
    pass
