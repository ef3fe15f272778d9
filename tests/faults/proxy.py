"""A TCP proxy in front of one broker: the network between it and its clients, to be cut."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Literal, Self

_BLOCK: Final = 64 * 1024
_TICK_S: Final = 0.05
_RESET: Final = struct.pack("ii", 1, 0)
Cut = Literal["refuse", "silence"]


class Proxy:
    """Passes connections to ``127.0.0.1:target`` on while the ``with`` block lasts.

    ``target`` may be set later: a broker has to be told of the proxy's port first.
    ``cut("refuse")`` resets every connection, and new ones at once: the host answers,
    the broker does not. ``cut("silence")`` leaves connections open and passes nothing
    on: a pulled cable. ``heal`` ends what was cut, since none of its bytes may arrive
    later; clients connect again. ``port`` stays the same throughout.
    """

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(_TICK_S)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._passing = threading.Event()
        self._passing.set()
        self._connections: list[_Connection] = []
        self._cut: Cut | None = None
        self._delay_s = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._accept_all, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True
        self._thread.join()
        self._listener.close()
        self._passing.set()
        for one in self._living():
            one.end()
            one.join()

    @property
    def connections(self) -> int:
        """How many clients are connected through it."""
        return len(self._living())

    def cut(self, how: Cut = "refuse") -> None:
        """Cuts the network between clients and broker."""
        with self._lock:
            self._cut = how
            self._passing.clear()
        if how == "refuse":
            self._end_all()

    def heal(self) -> None:
        """Mends the network, and takes the delay away."""
        if self._cut is not None:
            self._end_all()
        with self._lock:
            self._cut = None
            self._delay_s = 0.0
            self._passing.set()

    @contextmanager
    def during(self, how: Cut = "refuse") -> Iterator[None]:
        """Cut for a while."""
        self.cut(how)
        try:
            yield
        finally:
            self.heal()

    def delay(self, seconds: float) -> None:
        """From now on every block arrives so much later, in both directions."""
        self._delay_s = seconds

    def hold(self) -> bool:
        """Waits until bytes may pass; False when they never may again."""
        time.sleep(self._delay_s)
        while not self._passing.wait(_TICK_S):
            if self._closed:
                return False
        return not self._closed

    def _living(self) -> list[_Connection]:
        with self._lock:
            self._connections = [one for one in self._connections if one.alive]
            return list(self._connections)

    def _end_all(self) -> None:
        for one in self._living():
            one.end()

    def _accept_all(self) -> None:
        while not self._closed:
            with suppress(TimeoutError):
                client, _ = self._listener.accept()
                client.settimeout(None)
                self._take(client)

    def _take(self, client: socket.socket) -> None:
        with self._lock:
            if self._cut == "refuse":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:  # the broker is down: as if it were met directly
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                return
            self._connections.append(_Connection(self, client, server))


class _Connection:
    """One client's connection and the proxy's own one to the broker."""

    def __init__(
        self, proxy: Proxy, client: socket.socket, server: socket.socket
    ) -> None:
        self._proxy = proxy
        self._sockets = (client, server)
        self._ended = False
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._threads = [
            threading.Thread(target=self._pass, args=pair)
            for pair in ((client, server), (server, client))
        ]
        self._left = len(self._threads)
        self._lock = threading.Lock()
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Ends both sides; what is on its way is lost."""
        with self._lock:
            self._ended = True
            if self._left:
                for one in self._sockets:
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _pass(self, reading: socket.socket, writing: socket.socket) -> None:
        with suppress(OSError):
            while data := reading.recv(_BLOCK):
                if not self._proxy.hold() or self._ended:
                    break
                writing.sendall(data)
        self.end()
        with self._lock:
            self._left -= 1
            if not self._left:
                for one in self._sockets:
                    one.close()
