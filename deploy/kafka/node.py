"""One Kafka node, broker and controller in one process."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from deploy.kafka.trouble import KafkaUnavailable

START_S: Final = 120.0
STOP_S: Final = 60.0
SETTINGS: Final = "server.properties"
_STARTED: Final = b"Kafka Server started"
FLAGS: Final = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


class Node:
    """A node in a folder of its own; ``data`` outlives every stop and kill.

    ``bound``: the node ends with the thread that started it (Linux).
    """

    def __init__(
        self,
        folder: Path,
        *,
        number: int,
        port: int,
        properties: Mapping[str, str],
        command: Sequence[str],
        bound: bool,
    ) -> None:
        self.folder = folder
        self.number = number
        self.port = port
        self.command = list(command)
        self.log_file = folder / "kafka.log"
        self._properties = properties
        self._bound = bound
        self._offset = 0
        self._process: subprocess.Popen[bytes] | psutil.Process | None = None

    @classmethod
    def formatted(
        cls, folder: Path, *, number: int, port: int, command: Sequence[str]
    ) -> Node:
        """A node that an earlier command has made in a folder."""
        text = (folder / SETTINGS).read_text(encoding="utf-8")
        properties = dict(line.split("=", 1) for line in text.splitlines() if line)
        return cls(
            folder,
            number=number,
            port=port,
            properties=properties,
            command=command,
            bound=False,
        )

    @property
    def data(self) -> Path:
        """The folder of its topics' files."""
        return Path(self._properties["log.dirs"])

    @property
    def pid(self) -> int | None:
        """The process, None while it does not run."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process is there, answering or not."""
        match self._process:
            case None:
                return False
            case subprocess.Popen() as started:
                return started.poll() is None
            case found:
                return found.is_running() and found.status() != psutil.STATUS_ZOMBIE

    def format(self, cluster_id: str, arguments: Sequence[str] = ()) -> None:
        """Prepares the data folder; once in its life."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}" for name, value in self._properties.items()]
        self._settings.write_text("\n".join([*lines, ""]), encoding="utf-8")
        asked = [*self.command, "kafka.tools.StorageTool", "format", "-t", cluster_id]
        done = subprocess.run(
            [*asked, "-c", str(self._settings), *arguments],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise KafkaUnavailable(
                f"node {self.number} could not format {self.data}: "
                f"{(done.stdout + done.stderr)[-1_000:]}"
            )

    def start(self, *, wait: bool = True) -> None:
        """Starts the process; with ``wait`` returns when the server says it is up."""
        if self.running:
            return
        offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            started = subprocess.Popen(
                [*self._tied, *self.command, "kafka.Kafka", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = started
        if not self._bound:
            # It outlives us: Popen would complain of a child that nobody waits for.
            self._process = psutil.Process(started.pid)
            started.returncode = 0
        self._offset = offset
        if wait:
            self.wait_started()

    def wait_started(self) -> None:
        """Returns when the server says it is up; raises KafkaUnavailable."""
        deadline = time.monotonic() + START_S
        while _STARTED not in self._said():
            if not self.running or time.monotonic() > deadline:
                tail = self._said()[-1_500:].decode(errors="replace")
                self.kill()
                raise KafkaUnavailable(f"node {self.number} did not start: {tail}")
            time.sleep(0.02)

    def adopt(self, pid: int) -> bool:
        """Takes over a process that another command started; False if it is another one."""
        try:
            process = psutil.Process(pid)
            ours = str(self._settings) in process.cmdline()
        except psutil.Error:
            return False
        if ours:
            self._process = process
        return ours

    def stop(self) -> None:
        """Asks the server to stop and waits for it; killed when it does not."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stops the clock for this process (SIGSTOP)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused process go on (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @property
    def _tied(self) -> list[str]:
        """Lets the kernel kill the node when the thread that started it dies."""
        tool = shutil.which("setpriv") if self._bound else None
        return [] if tool is None else [tool, "--pdeathsig", "KILL", "--"]

    @property
    def _settings(self) -> Path:
        return self.folder / SETTINGS

    def _said(self) -> bytes:
        with self.log_file.open("rb") as file:
            file.seek(self._offset)
            return file.read()

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.send_signal(number)
            if number == signal.SIGTERM:
                process.send_signal(signal.SIGCONT)  # a paused one could not hear it
            process.wait(timeout=STOP_S)
        except (ProcessLookupError, psutil.NoSuchProcess):
            pass
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            process.kill()
            process.wait(timeout=STOP_S)
