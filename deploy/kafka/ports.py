"""Ports of loopback: free ones, and whether a broker answers on one."""

from __future__ import annotations

import socket
import struct
from typing import Final

HOST: Final = "127.0.0.1"
_ANSWER_S: Final = 2.0
# ApiVersions, version 0, correlation 1, no client id; its length goes before it.
_ASKED: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on; another process may still be quicker."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def answers(port: int) -> bool:
    """Whether a broker answers a request on a plain-text port of loopback.

    The kernel takes connections for a paused process too, so one is asked something.
    Source: Kafka protocol guide, ApiVersions.
    """
    try:
        with socket.create_connection((HOST, port), timeout=_ANSWER_S) as one:
            one.sendall(_ASKED)
            return len(one.recv(8, socket.MSG_WAITALL)) == 8
    except OSError:
        return False
