"""Commands, exit codes, and the one place where an error becomes a line of text."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import Annotated, Final, cast

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from console.cli.commands import ListedCommands
from console.collector import collect_rarely
from console.error_book import INTERNAL, INTERRUPTED, entry_of
from console.output import WORDS, complain, error_document, give_error, print_json
from console.unforeseen import unforeseen
from ledger.errors import LedgerError

# Typer's own errors by the names of their classes, which it does not publish.
_USAGE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BadParameter": "bad_option_value",
        "MissingParameter": "argument_missing",
        "NoSuchOption": "no_such_option",
    }
)

app = typer.Typer(
    name="license-ledger",
    cls=ListedCommands,
    help="A ledger of electronic-license (电子证照) lifecycle events.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(*, asked: bool) -> None:
    if asked:
        sys.stdout.write(f"license-ledger {metadata.version('license-ledger')}\n")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _asked: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda asked: _version(asked=asked),
            help="Print the version and stop.",
        ),
    ] = False,
) -> None:
    """A ledger of electronic-license (电子证照) lifecycle events."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0 done; 1 the answer is no; 2 bad usage or input; 3 refused by the ledger;
    4 unavailable, try again; 5 log or tree contradict themselves; 70 internal error;
    130 interrupted. An error says its code, which docs/errors.md explains.
    """
    args = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in args
    collect_rarely()
    # A terminated command must leave its with-blocks, or the embedded server stays up.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = _commands().main(
            args=args, prog_name="license-ledger", standalone_mode=False
        )
    except LedgerError as error:
        return give_error(error, as_json=as_json)
    except typer.Exit as stop:
        return stop.exit_code
    except TyperException as error:
        return _usage(error, as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        WORDS.print(f"interrupted {entry_of(INTERRUPTED).zh}", markup=False)
        return entry_of(INTERRUPTED).exit_code
    except BrokenPipeError:
        # The reader of our output is gone; point stdout away so exit says nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last door: say it and stop
        return _internal(error, as_json=as_json)
    return code if isinstance(code, int) else 0


@cache
def _commands() -> TyperGroup:
    """The command tree, built once: that takes longer than most commands."""
    return cast(TyperGroup, typer.main.get_command(app))


def _terminated(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _usage(error: TyperException, *, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "license-ledger"
    said = error.format_message() or str(error)
    if said.startswith("Usage: "):  # asked for nothing: the whole help is the answer
        WORDS.print(said, markup=False)
        return 2
    code = _USAGE.get(type(error).__name__, "bad_usage")
    if as_json:
        print_json(error_document(code, said, expected=f"{where} --help", where=where))
    else:
        complain(f"malformed: {said}; expected what `{where} --help` says", code)
    return entry_of(code).exit_code


def _internal(error: Exception, *, as_json: bool) -> int:
    told = unforeseen(error)
    kind, where = told.kind, told.where
    if as_json:
        print_json(error_document(INTERNAL, "internal error", found=kind, where=where))
    complain(f"internal error: {kind} in {where}", INTERNAL)
    if os.environ.get("LICENSE_LEDGER_TRACE"):
        traceback.print_exception(error)
    return entry_of(INTERNAL).exit_code
