"""Runs the blocks of a page in one shell, its ``license-ledger`` commands in this process.

A process per command would take longer than everything they do.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.console.cli_ledger import call

TIMEOUT_S: Final = 300
_CLIENT: Final = f"""#!{sys.executable} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(os.environ["GUIDE_SOCKET"])
    asked.sendall(json.dumps([sys.argv[1:], os.getcwd()]).encode())
    asked.shutdown(socket.SHUT_WR)
    said = json.loads(asked.makefile().read())
sys.stdout.write(said["out"])
sys.stderr.write(said["err"])
sys.exit(said["code"])
"""


class GuideSession:
    """A shell whose variables last from block to block; ``folder`` is short and empty."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._socket = folder / "socket"
        command = folder / "license-ledger"
        command.write_text(_CLIENT, encoding="utf-8")
        command.chmod(0o755)
        self._environment = {
            **environment,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "GUIDE_SOCKET": str(self._socket),
            "PYTHONIOENCODING": "utf-8",
        }

    def run(self, text: str) -> str:
        """Runs one block of shell and returns what it printed; it must not fail."""
        left = self._folder / "environment"
        script = f"set -euo pipefail -o allexport\n{text}\nenv -0 > {left}\n"
        self._socket.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(self._socket))
            door.listen()
            door.settimeout(0.02)
            said = self._shell(script, door)
        pairs = left.read_bytes().decode().rstrip("\0").split("\0")
        self._environment = dict(pair.split("=", 1) for pair in pairs)
        return said

    def _shell(self, script: str, door: socket.socket) -> str:
        out, err = self._folder / "out", self._folder / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            command = ["bash", "-c", script]
            shell = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
            while shell.poll() is None:
                try:
                    asked, _ = door.accept()
                except TimeoutError:
                    continue
                with asked:
                    self._answer(asked)
        assert shell.returncode == 0, err.read_text(encoding="utf-8")
        return out.read_text(encoding="utf-8")

    def _answer(self, asked: socket.socket) -> None:
        asked.settimeout(TIMEOUT_S)
        arguments, folder = json.loads(asked.makefile().read())
        here = Path.cwd()
        os.chdir(folder)
        try:
            said = call(*arguments)
        finally:
            os.chdir(here)
        answer: dict[str, Any] = {"code": said.code, "out": said.out, "err": said.err}
        asked.sendall(json.dumps(answer).encode())
