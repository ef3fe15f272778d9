"""The embedded PostgreSQL: one server per directory, shared by every process that
uses that directory, started by the first and stopped by the last.

Three files in the directory are locked with ``flock``, which the kernel gives back
when a process dies, kill -9 included:

``mutex.lock``   held while one process starts or stops the server
``users.lock``   held shared by each process that uses the server
``server.lock``  held by the server's own processes, inherited when it was started

After a kill -9 of its last user the server runs on until the next user has left. A
killed server is started again by the next user, and PostgreSQL recovers from its
write-ahead log: what was committed is there.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from console.embedded_account import Account, account_for
from console.embedded_cluster import DATABASE, ROLE, Cluster
from ledger.errors import Unavailable, disk_code

_POLL_S = 0.02
_START_ATTEMPTS = 3


class EmbeddedPostgres:
    """The server of one directory, for as long as the ``with`` block lasts.

    ``settings`` replaces PostgreSQL settings when this process starts the server;
    ``timeout_s`` limits the wait for the others' starts and stops and for recovery.
    All failures are raised as Unavailable. Not for use from several threads at once.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        timeout_s: float = 120.0,
    ) -> None:
        self._directory = directory.resolve()
        self._settings = dict(settings or {})
        self._timeout_s = timeout_s
        self._users: int | None = None
        self._account: Account | None = None
        self._socket_folder: Path | None = None

    @property
    def dsn(self) -> str:
        """The connection address, good for any process of this user or root."""
        if self._socket_folder is None:
            raise Unavailable(
                "the embedded PostgreSQL is not started here",
                code="embedded_not_started",
            )
        host = quote(str(self._socket_folder), safe="")
        return f"postgresql://{ROLE}@/{DATABASE}?host={host}"

    @property
    def changes(self) -> tuple[str, ...]:
        """What this start altered outside the directory (root only), to be told."""
        return () if self._account is None else tuple(self._account.changes)

    def start(self) -> str:
        """Joins the running server or starts it; returns the address.

        May be called again when the server seems gone: it is then started anew.
        """
        deadline = time.monotonic() + self._timeout_s
        with self._translated():
            # Root lends the server another account, which has to pass through.
            mode = 0o711 if os.geteuid() == 0 else 0o700
            self._directory.mkdir(mode=mode, parents=True, exist_ok=True)
            with self._mutex(deadline):
                if self._users is None:
                    self._users = self._lock("users.lock", fcntl.LOCK_SH)
                try:
                    self._socket_folder = self._running(deadline)
                except BaseException:
                    self._leave()
                    raise
        return self.dsn

    def stop(self) -> None:
        """Leaves the server; whoever leaves last stops it and waits for its end."""
        if self._users is None:
            return
        with self._translated(), self._mutex(time.monotonic() + self._timeout_s):
            self._leave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self, deadline: float) -> Path:
        """Makes sure that the server takes connections; where its socket is."""
        self._account = account_for(self._directory / "data")
        cluster = self._cluster()
        for _ in range(_START_ATTEMPTS):
            lock = self._try_lock("server.lock")
            if lock is not None:
                try:
                    self._launch(cluster, lock)
                finally:
                    os.close(lock)  # the server keeps its own copy
            found = self._ready(cluster, deadline)
            if found is not None:
                return found
        raise Unavailable(
            "the embedded PostgreSQL does not start",
            code="embedded_not_started",
            found=cluster.log_tail(),
            where=str(cluster.data),
        )

    def _launch(self, cluster: Cluster, lock: int) -> None:
        if not cluster.data.exists():
            cluster.create(lock, durable=self._settings.get("fsync") != "off")
        if not cluster.started_by_hand():
            cluster.launch(lock, self._settings)

    def _ready(self, cluster: Cluster, deadline: float) -> Path | None:
        """Waits until the server takes connections; None if it ended meanwhile."""
        while time.monotonic() < deadline:
            folder = cluster.socket_folder()
            if folder is not None and cluster.accepts(folder):
                return folder
            if folder is not None and cluster.socket_vanished(folder):
                cluster.shut_down()
            if not self._server_lives() and not cluster.started_by_hand():
                return None
            time.sleep(_POLL_S)
        raise Unavailable(
            "the embedded PostgreSQL did not get ready in time",
            code="embedded_not_started",
            expected=f"a connection within {self._timeout_s:g} s",
            found=cluster.log_tail(),
            where=str(cluster.data),
        )

    def _cluster(self) -> Cluster:
        return Cluster(data=self._directory / "data", account=self._account)

    def _server_lives(self) -> bool:
        lock = self._try_lock("server.lock")
        if lock is None:
            return True
        os.close(lock)
        return False

    def _leave(self) -> None:
        """Gives up the use of the server, and ends it if nobody else uses it."""
        if self._users is not None:
            os.close(self._users)
        self._users = None
        self._socket_folder = None
        last = self._try_lock("users.lock")
        if last is not None:
            os.close(last)
            if self._server_lives():
                self._cluster().shut_down()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(
                "the embedded PostgreSQL's directory cannot be used",
                code=disk_code(error, "folder_unusable"),
                found=error.strerror or type(error).__name__,
                where=str(error.filename or self._directory),
            ) from error

    @contextmanager
    def _mutex(self, deadline: float) -> Iterator[None]:
        while (lock := self._try_lock("mutex.lock")) is None:
            if time.monotonic() > deadline:
                raise Unavailable(
                    "another process is starting or stopping the embedded PostgreSQL",
                    code="embedded_busy",
                    expected=f"its end within {self._timeout_s:g} s",
                    where=str(self._directory),
                )
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            os.close(lock)

    def _try_lock(self, name: str) -> int | None:
        try:
            return self._lock(name, fcntl.LOCK_EX)
        except BlockingIOError:
            return None

    def _lock(self, name: str, kind: int) -> int:
        lock = os.open(self._directory / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BaseException:
            os.close(lock)
            raise
        return lock
