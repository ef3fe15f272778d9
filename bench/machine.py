"""The line that says what machine a figure was made on, and how figures are summed up."""

from __future__ import annotations

import os
import platform
import ssl
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median


def machine_line() -> str:
    """Processor, cores, memory, Python, OpenSSL and the client libraries' versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"machine: {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.split(' (')[0]}, "
        f"fastavro {version('fastavro')}, psycopg {version('psycopg')}"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def processor_seconds(pid: int) -> float:
    """Processor time that a process has had so far; 0 where nothing tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float], unit: str, digits: int = 0) -> str:
    """Median, with the smallest and largest of several runs."""
    low, mid, high = min(values), median(values), max(values)
    return f"{mid:,.{digits}f} {unit} (runs {low:,.{digits}f} to {high:,.{digits}f})"
