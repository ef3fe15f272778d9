"""The proxy itself: what passes through it, and what does not while it is cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.proxy import Proxy
from tests.faults.waiting import until


@contextmanager
def echo() -> Iterator[int]:
    """A server that sends back what it gets; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopped = threading.Event()
        listener.settimeout(0.05)
        threads: list[threading.Thread] = []

        def serve(client: socket.socket) -> None:
            with client:
                while data := client.recv(1_000):
                    client.sendall(data)

        def accept() -> None:
            while not stopped.is_set():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                client.settimeout(None)
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped.set()
            for thread in (accepting, *threads):
                thread.join()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with echo() as port, Proxy(port) as made:
        yield made


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def echoed(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    return client.recv(1_000)


def lost(client: socket.socket) -> bool:
    """Whether nothing comes back because the connection ended."""
    try:
        return echoed(client, b"anybody there?") == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def unreachable(proxy: Proxy) -> bool:
    try:
        with connected(proxy) as client:
            return lost(client)
    except ConnectionResetError:
        return True


def test_what_is_sent_arrives_and_comes_back(proxy: Proxy) -> None:
    with connected(proxy) as first, connected(proxy) as second:
        assert echoed(first, b"first") == b"first"
        assert echoed(second, b"second") == b"second"
        assert proxy.connections == 2
    until(lambda: proxy.connections == 0, "connections end with their clients")


def test_cut_resets_connections_and_refuses_new_ones_until_it_heals(
    proxy: Proxy,
) -> None:
    with connected(proxy) as client:
        assert echoed(client, b"before") == b"before"
        proxy.cut("refuse")
        assert lost(client)
        assert unreachable(proxy)
        proxy.heal()
        with connected(proxy) as again:
            assert echoed(again, b"after") == b"after"


def test_silence_passes_nothing_on_and_nothing_later_either(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert echoed(client, b"before") == b"before"
        with proxy.during("silence"):
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                echoed(client, b"during")
        client.settimeout(10)
        assert lost(client)
    with connected(proxy) as again:
        assert echoed(again, b"after") == b"after"


def test_a_delayed_network_brings_everything_in_order(proxy: Proxy) -> None:
    proxy.delay(0.01)
    with connected(proxy) as client:
        sent = b"".join(f"{n},".encode() for n in range(40))
        for start in range(0, len(sent), 7):
            client.sendall(sent[start : start + 7])
        came = b""
        while len(came) < len(sent):
            came += client.recv(1_000)
        assert came == sent
