"""Under which account the embedded PostgreSQL runs, and what had to change for it.

PostgreSQL refuses to run as root. For an ordinary user nothing here does anything.
For root, a system account without a login is used, and folders on the way to the
data that this account may not pass get the one missing search bit, no read bit.
Each such change is reported, because it outlives the command that made it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import Unavailable

ACCOUNT_NAME = "license-ledger"
_USERADD_ATTEMPTS = 20  # /etc/passwd is locked while another process adds an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of the server's processes; ``changes`` tells what was altered."""

    uid: int
    gid: int
    changes: list[str] = field(default_factory=list)

    def own(self, path: Path) -> None:
        """Gives ``path`` to the account."""
        os.chown(path, self.uid, self.gid)

    def open_way(self, folder: Path) -> None:
        """Lets the account pass through ``folder`` and everything above it."""
        for step in (folder, *folder.parents):
            mode = stat.S_IMODE(step.stat().st_mode)
            wanted = mode | self._bits(step, execute=True, read=False)
            if wanted != mode:
                step.chmod(wanted)
                self.changes.append(
                    f"{step}: mode {mode:04o} -> {wanted:04o}, "
                    f"for PostgreSQL's account (uid {self.uid}) to pass through"
                )

    def open_tree(self, folder: Path) -> None:
        """Lets the account read and run the installed programs under ``folder``."""
        self.open_way(folder)
        touched = 0
        for path in _walk(folder):
            mode = stat.S_IMODE(path.stat().st_mode)
            runs = path.is_dir() or bool(mode & stat.S_IXUSR)
            wanted = mode | self._bits(path, execute=runs, read=True)
            if wanted != mode:
                path.chmod(wanted)
                touched += 1
        if touched:
            self.changes.append(
                f"{folder}: {touched} installed files made readable "
                f"for PostgreSQL's account (uid {self.uid})"
            )

    def _bits(self, path: Path, *, execute: bool, read: bool) -> int:
        """The permission bits this account needs on ``path``, by its class there."""
        found = path.stat()
        if found.st_uid == self.uid:
            shift = 6
        elif found.st_gid == self.gid:
            shift = 3
        else:
            shift = 0
        return (int(execute) | int(read) << 2) << shift


def account_for(data: Path) -> Account | None:
    """The account for the cluster at ``data``; None: the caller's own will do.

    An existing cluster goes on under its owner. Raises Unavailable if root has no
    account to lend and none can be made.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    return _system_account()


def _system_account() -> Account:
    complaint = ""
    for attempt in range(_USERADD_ATTEMPTS):
        try:
            entry = pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            complaint = _add_account(attempt)
        else:
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
        if not complaint:
            entry = pwd.getpwnam(ACCOUNT_NAME)
            added = f"added the system account {ACCOUNT_NAME} (uid {entry.pw_uid})"
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, changes=[added])
    raise Unavailable(
        "PostgreSQL does not run as root, and no account could be added for it",
        code="embedded_no_account",
        expected=f"the system account {ACCOUNT_NAME}, or a caller who is not root",
        found=complaint,
    )


def _add_account(attempt: int) -> str:
    """Adds the account; what ``useradd`` complained about, or nothing."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return "no useradd on this system"
    time.sleep(0.1 * min(attempt, 5))
    options = ("--system", "--no-create-home", "--shell", "/usr/sbin/nologin")
    run = subprocess.run(
        [useradd, *options, ACCOUNT_NAME], capture_output=True, text=True, check=False
    )
    return run.stderr.strip() or f"exit code {run.returncode}" if run.returncode else ""


def _walk(folder: Path) -> Iterator[Path]:
    yield folder
    for path in folder.rglob("*"):
        if not path.is_symlink():
            yield path
