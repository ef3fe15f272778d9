"""Commands are listed, completed and loaded one by one."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

import console.cli
from console.cli.commands import COMMANDS, loaded
from tests.console.cli_ledger import call

INFRASTRUCTURE: Final = {"commands", "options", "program"}
PROGRAM: Final = Path(sys.prefix) / "bin" / "license-ledger"
HEAVY: Final = ("cryptography", "eventsourcing", "kafka", "psycopg", "fastavro")
# What each shell sends, and how it sends the words up to the cursor.
SHELLS: Final = {
    "bash": lambda words: {
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    },
    "zsh": lambda words: {"_TYPER_COMPLETE_ARGS": " ".join(words)},
    "fish": lambda words: {
        "_TYPER_COMPLETE_ARGS": " ".join(words),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    },
}


def complete(shell: str, *words: str) -> list[str]:
    """What the installed program answers the shell on TAB."""
    done = subprocess.run(
        [PROGRAM],
        env={
            **os.environ,
            "_LICENSE_LEDGER_COMPLETE": f"complete_{shell}",
            **SHELLS[shell](("license-ledger", *words)),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_listed_command_says_what_its_own_help_begins_with(name: str) -> None:
    first, _, _ = (loaded(name).help or "").strip().partition("\n")
    assert COMMANDS[name].help == first


def test_every_module_of_commands_is_listed() -> None:
    modules = {one.name for one in pkgutil.iter_modules(console.cli.__path__)}
    listed = {module for one in COMMANDS.values() for module in one.modules}
    missing = {
        name
        for name in modules - INFRASTRUCTURE - listed
        if hasattr(__import__(f"console.cli.{name}", fromlist=["_"]), "register")
    }
    assert missing == set(), "give its commands rows in console/cli/commands.py"


def test_help_lists_every_command() -> None:
    said = call("--help")
    assert said.code == 0
    listed = said.out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed if line[2] != " "] == list(COMMANDS)


def test_version_is_that_of_the_installed_package() -> None:
    said = call("--version")
    expected = f"license-ledger {metadata.version('license-ledger')}\n"
    assert (said.code, said.out) == (0, expected)


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_commands(shell: str) -> None:
    said = "\n".join(complete(shell, "re"))
    assert "rebuild" in said
    assert "receipt" in said
    assert "revoke" not in said


def test_options_and_commands_of_groups_are_completed() -> None:
    assert complete("bash", "show", "--re") == ["--reveal"]
    assert complete("bash", "registry", "aut") == ["authority"]


def test_help_and_completion_load_no_database_broker_or_cryptography() -> None:
    script = (
        "import sys; from console.cli import main; main(['--help']); "
        "sys.exit(','.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    seen = set(done.stderr.strip().split(","))
    assert "typer" in seen
    assert seen.isdisjoint(HEAVY)


def test_the_client_of_kafka_is_loaded_only_where_a_log_lies_there() -> None:
    script = (
        "import sys; from console.cli.commands import COMMANDS, loaded; "
        "[loaded(name) for name in COMMANDS if name != 'log']; "
        "sys.exit(int('kafka' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == 0
