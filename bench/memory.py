"""Memory of sealer and projector while very many events pass through them; then reads of
all that, and a rebuild."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bench import province
from bench.reads import say_reads
from bench.scaling import COMMAND, ENVIRONMENT, processes, rate
from console.ledger import Ledger

CHUNK = 5_000
SAMPLES = 10
REBUILDING = 2
_LOOK_S = 0.2


def run(*, events: int, say: Callable[[str], None]) -> None:
    """Prints the resident memory of each process, and the database, ten times."""
    with province.founded() as ledger:
        with processes(ledger, 1) as began:
            every = max(1, events // CHUNK // SAMPLES)
            empty = _database_bytes(ledger)
            for number in range(events // CHUNK):
                records = province.signed_in_batches(ledger, CHUNK, prefix=f"M{number}")
                rate(ledger, records)
                if (number + 1) % every == 0:
                    sealer, projector = (_resident(one.pid) for one in began)
                    done = (number + 1) * CHUNK
                    stored = (_database_bytes(ledger) - empty) / done / 1_000
                    say(
                        f"resident memory after {done:,} events: sealer {sealer:,.0f} MiB, "
                        f"projector {projector:,.0f} MiB; {stored:.1f} kB of database "
                        "an event"
                    )
        say_reads(ledger, events, say)
        _say_rebuild(ledger, events, say)


def _say_rebuild(ledger: Ledger, events: int, say: Callable[[str], None]) -> None:
    """The most that each process of a rebuild ever held, and how long it all took."""
    folder = str(ledger.settings.directory)
    command: list[Path | str] = [
        COMMAND,
        "rebuild",
        "--processes",
        str(REBUILDING),
        "--dir",
        folder,
    ]
    peaks: dict[int, float] = {}
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as whole:
        while whole.poll() is None:
            children = psutil.Process(whole.pid).children()
            for pid in (whole.pid, *(one.pid for one in children)):
                peaks[pid] = max(peaks.get(pid, 0), _peak(pid))
            time.sleep(_LOOK_S)
    seconds = time.perf_counter() - began
    if whole.returncode:
        raise RuntimeError(f"the rebuild ended with exit code {whole.returncode}")
    most = ", ".join(f"{mib:,.0f}" for mib in sorted(peaks.values())[-3:])
    say(
        f"rebuild and comparison of {events:,} events, {REBUILDING} processes and the one "
        f"that leads them: {most} MiB at the most, {events / seconds:,.0f} events/s"
    )


def _resident(pid: int) -> float:
    """MiB."""
    return psutil.Process(pid).memory_info().rss / 2**20


def _peak(pid: int) -> float:
    """The most that a process has held so far, MiB; 0 of one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    [line] = [one for one in status.splitlines() if one.startswith("VmHWM")] or ["0 0"]
    return int(line.split()[1]) / 1024


def _database_bytes(ledger: Ledger) -> int:
    row = ledger.views.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0 if row is None else int(row[0])
