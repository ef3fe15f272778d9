"""The command line in processes of its own: started, waited for, killed.

Processes are forked from a server that has imported the program already: an import costs
a second, and tests that kill commands start a hundred of them.
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from console.cli import main
from console.cli.commands import COMMANDS

_FORKS = multiprocessing.get_context("forkserver")
_MODULES = {
    f"console.cli.{module}" for listed in COMMANDS.values() for module in listed.modules
}
_FORKS.set_forkserver_preload(
    ["pytest", "console.cli", "ledger.log.kafka", *sorted(_MODULES), __name__]
)
_PATIENCE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a command; ``code`` is negative for a signal."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


@dataclass(slots=True)
class Running:
    """One process, leader of a process group of its own."""

    process: BaseProcess
    arguments: tuple[str, ...]
    out: Path
    err: Path
    killed: bool = False

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def kill(self) -> None:
        """Kills its whole group at once, as kill -9 does."""
        assert self.process.pid is not None
        self.killed = True
        # Before its first instruction the child is not yet a leader.
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError):
                kill(self.process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to stop, as an operator does."""
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)

    def end(self) -> Ended:
        """Waits for its end."""
        self.process.join(_PATIENCE_S)
        code = self.process.exitcode
        assert code is not None, self._where_it_hangs()
        self.process.close()
        return Ended(
            arguments=self.arguments,
            code=code,
            out=self.out.read_text(),
            err=self.err.read_text(),
        )

    def _where_it_hangs(self) -> str:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGUSR1)
        self.process.join(1)
        return f"{self.arguments} does not end: {self.err.read_text()}"


@dataclass(slots=True)
class Commands:
    """Starts commands on the ledger ``directory``; keeps all that they print."""

    directory: Path
    outputs: Path
    started: list[Running] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self, *arguments: str, stdin: str = "") -> Running:
        """Starts ``license-ledger ARGUMENTS --dir DIRECTORY``."""
        given = (*arguments, "--dir", str(self.directory))
        return self.call(_command, given, stdin, named=given)

    def call(
        self, work: Callable[..., None], *arguments: object, named: Sequence[str] = ()
    ) -> Running:
        """Starts a process that calls ``work``, a function of a module."""
        self.outputs.mkdir(parents=True, exist_ok=True)
        number = next(self._numbers)
        out = self.outputs / f"{number:03}.out"
        err = self.outputs / f"{number:03}.err"
        for path in (out, err):
            path.touch(mode=0o600)
        process = _FORKS.Process(target=_enter, args=(out, err, work, arguments))
        process.start()
        running = Running(process, tuple(named) or (work.__name__,), out, err)
        self.started.append(running)
        return running

    def run(self, *arguments: str, stdin: str = "") -> Ended:
        """Runs a command to its end."""
        return self.start(*arguments, stdin=stdin).end()

    def answer(self, *arguments: str, stdin: str = "", code: int = 0) -> Any:
        """Runs a command with ``--json``; its document, once the exit code is right."""
        ended = self.run(*arguments, "--json", stdin=stdin)
        assert ended.code == code, (ended.arguments, ended.code, ended.out, ended.err)
        return ended.document

    def printed(self) -> Iterator[tuple[str, bytes]]:
        """Every output of every process, and what it was."""
        for running in self.started:
            for path in (running.out, running.err):
                yield f"{running.arguments[0]} {path.suffix}", path.read_bytes()

    def servers(self) -> list[psutil.Process]:
        """The processes of this ledger's PostgreSQL, its first one in front."""
        data = (self.directory / "pg" / "data").resolve()
        found: list[tuple[int, psutil.Process]] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == "postgres" and Path(process.cwd()) == data:
                    found.append((process.ppid(), process))
        pids = {process.pid for _, process in found}
        return [one for _, one in sorted(found, key=lambda pair: pair[0] in pids)]


@contextmanager
def commands(directory: Path, outputs: Path) -> Iterator[Commands]:
    """Commands on one ledger; leaves no process of theirs behind."""
    made = Commands(directory, outputs)
    try:
        yield made
    finally:
        for running in made.started:
            with suppress(ValueError):  # closed: it ended long ago
                running.kill()
                running.end()
        for process in made.servers():
            with suppress(psutil.Error):
                process.kill()
                process.wait(10)


def _enter(
    out: Path, err: Path, work: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    os.setsid()
    for path, number in ((out, 1), (err, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    faulthandler.register(signal.SIGUSR1)
    work(*arguments)


def _command(arguments: Sequence[str], stdin: str) -> None:
    if stdin:
        reading, writing = os.pipe()
        os.write(writing, stdin.encode())  # small enough for the pipe
        os.close(writing)
        os.dup2(reading, 0)
        sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.exit(main(arguments))
