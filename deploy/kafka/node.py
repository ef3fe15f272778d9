"""One Kafka node, broker and controller in one process."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import psutil

from deploy.kafka.trouble import KafkaUnavailable

START_S: Final = 120.0
STOP_S: Final = 30.0
_POLL_S: Final = 0.02
_WRONG_LINES: Final = 12
_LAST_LINES: Final = 8
_STARTED: Final = b"Kafka Server started"


class Node:
    """A node in a folder of its own; ``data`` outlives every stop and kill.

    ``bound``: the node ends with the thread that started it (Linux), however that ends.
    ``command``: Java with its flags and class path, needed to format and to start.
    """

    def __init__(
        self, folder: Path, *, number: int, port: int, data: Path, bound: bool
    ) -> None:
        self.folder = folder
        self.number = number
        self.port = port
        self.data = data
        self.command: Sequence[str] = ()
        self.log_file = folder / "kafka.log"
        self.settings_file = folder / "server.properties"
        self.pid_file = folder / "pid"
        self._bound = bound
        self._offset = 0
        self._process: subprocess.Popen[bytes] | psutil.Process | None = None

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
                try:
                    return found.is_running() and found.status() != "zombie"
                except psutil.NoSuchProcess:
                    return False

    def configure(self, properties: Mapping[str, str]) -> None:
        """Writes its settings; they hold from the next start on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in properties.items()]
        self.settings_file.write_text("".join(lines), encoding="utf-8")

    def format(self, cluster_id: str, arguments: Sequence[str] = ()) -> None:
        """Prepares the data folder, once in its life; raises KafkaUnavailable."""
        if (self.data / "meta.properties").exists():
            return
        asked = [*self.command, "kafka.tools.StorageTool", "format", "-t", cluster_id]
        done = subprocess.run(
            [*asked, "-c", str(self.settings_file), *arguments],
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
        scratch = self.folder / "scratch"  # native libraries unpack themselves there
        scratch.mkdir(exist_ok=True)
        self._offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        java, *flags = self.command
        with self.log_file.open("ab") as log:
            started = subprocess.Popen(
                [
                    *(_TIED if self._bound and _can_be_tied() else ()),
                    *(java, f"-Djava.io.tmpdir={scratch}", *flags),
                    *("kafka.Kafka", str(self.settings_file)),
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for whoever started it
            )
        self._process = started
        if not self._bound:
            # It outlives us: Popen would complain of a child that nobody waits for.
            self._process = psutil.Process(started.pid)
            started.returncode = 0
        told = f"{started.pid} {self._offset}"
        self.pid_file.write_text(told, encoding="ascii")
        if wait:
            self.wait_started()

    def wait_started(self) -> None:
        """Returns when the server says it is up; raises KafkaUnavailable."""
        deadline = time.monotonic() + START_S
        while _STARTED not in self._said():
            if not self.running or time.monotonic() > deadline:
                trouble = _trouble(self._said().decode(errors="replace"))
                self.kill()
                raise KafkaUnavailable(f"node {self.number} did not start: {trouble}")
            time.sleep(_POLL_S)

    def adopt(self) -> bool:
        """Takes over what another process started; a stale number is not believed."""
        try:
            told = self.pid_file.read_text(encoding="ascii")
            pid, offset = map(int, told.split())
            process = psutil.Process(pid)
            ours = process.cmdline()[-2:] == ["kafka.Kafka", str(self.settings_file)]
        except (OSError, ValueError, psutil.Error):
            return False
        if ours:
            self._process, self._offset = process, offset
        return ours

    def stop(self) -> None:
        """Asks the server to stop and waits for it; killed when it does not."""
        self.signal(signal.SIGTERM)
        self.resume()  # a paused one could not hear it
        self.wait_ended()

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL)."""
        self.signal(signal.SIGKILL)
        self.wait_ended()

    def pause(self) -> None:
        """Stops the clock for this process (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused process go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if there is one."""
        if self._process is not None and self.running:
            try:
                self._process.send_signal(number)
            except psutil.NoSuchProcess:
                return  # it ended meanwhile, which is no fault of ours

    def wait_ended(self, timeout_s: float = STOP_S) -> None:
        """Returns when the process is gone; one that does not go is killed."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout=timeout_s)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            self._process.kill()
            self._process.wait(timeout=STOP_S)
        self._process = None
        self.pid_file.unlink(missing_ok=True)

    def _said(self) -> bytes:
        with self.log_file.open("rb") as file:
            file.seek(self._offset)
            return file.read()


_TIED: Final = ("setpriv", "--pdeathsig", "KILL", "--")


def _trouble(said: str) -> str:
    """What went wrong, and how the log ends: a server says much while it goes down."""
    lines = [line for line in said.splitlines() if not line.startswith("\tat ")]
    wrong = [line for line in lines if "Exception" in line or " ERROR " in line]
    return "\n".join([*wrong[:_WRONG_LINES], "...", *lines[-_LAST_LINES:]])


@cache
def _can_be_tied() -> bool:
    """Whether the kernel can be told to kill a child when its parent dies (prctl 2).

    By util-linux's program, not in a preexec_fn: that may not run beside threads. Where
    it is missing, only a starter that is itself killed leaves nodes behind.
    """
    tool = shutil.which(_TIED[0])
    if tool is None:
        return False
    said = subprocess.run([tool, "--help"], capture_output=True, text=True)
    return _TIED[1] in said.stdout
