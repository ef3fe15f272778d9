"""Rows a second of an import into a fresh embedded ledger, and the memory that it takes.

Each run is a process of its own, so that its peak is its own: reading, staging, judging,
encrypting, signing, sealing and projecting, all in that one process.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bench import province
from bench.machine import spread
from console.collector import collect_rarely
from console.importer.input_file import open_file
from console.importer.mapping import read_mapping
from console.importer.run import import_stock
from console.stock_desk import StockDesk

SAMPLES = 20

_MAPPING = """
[source]
system = "bench"
row_key = "id"
dates = "year-first"

[license]
serial = "serial"
valid_from = "from"
valid_until = "until"
type_sequence = "951"

[holder]
kind = "099"
code = "account"

[fields]
{columns}

[[acts]]
column = "kind"
date = "day"
face = true
[acts.values]
"新办" = "ISSUE"

[type]
name = "计量用证照"
name_en = "bench licence"
code_status = "placeholder"
definer_level = "province"
issuer_level = "province"
holder_category = "organisation"
holders_max = 1
validity = ["5年"]
acts = ["ISSUE", "CHANGE", "RENEW", "CANCEL"]
current_per_holder = "many"
"""
_FIELD = """
[type.fields.field_{n}]
zh = "字段{n}"
value = "s"
mandatory = true
data_class = {data_class}
"""


def write_rows(folder: Path, rows: int) -> tuple[Path, Path]:
    """An invented file of so many rows, 8 fields, 2 of them personal, and its mapping."""
    names = [f"field_{n}" for n in range(8)]
    columns = "\n".join(f'{name} = "{name}"' for name in names)
    mapping = folder / "bench.toml"
    fields = "".join(_FIELD.format(n=n, data_class=3 if n < 2 else 1) for n in range(8))
    mapping.write_text(_MAPPING.format(columns=columns) + fields, encoding="utf-8")
    path = folder / "bench.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        head = ("id", "serial", "account", "kind", "day", "from", "until")
        writer.writerow([*head, *names])
        for n in range(rows):
            account = f"户{n // 3}"
            days = ("2024.3.1", "2024年3月1日", "2029-02-28")
            texts = [f"内容{(n * 31 + field) % 99_991}" for field in range(8)]
            writer.writerow([n, f"B{n:09}", account, "新办", *days, *texts])
    return mapping, path


def run(
    *,
    rows: int,
    runs: int,
    say: Callable[[str], None],
    mapping: Path | None = None,
    file: Path | None = None,
) -> None:
    """Prints rows/s and peak memory; of an invented file unless one is given."""
    with tempfile.TemporaryDirectory(prefix="license-ledger-bench-") as folder:
        if mapping is None or file is None:
            mapping, file = write_rows(Path(folder), rows)
        made = [_own_process(mapping, file) for _ in range(runs)]
    first = made[0]
    say(
        f"import, {first['rows']:,} rows ({first['accepted']:,} accepted): "
        + spread([one["rate"] for one in made], "rows/s")
    )
    cores = [one["core"] for one in made]
    say(f"import, per core-second of that process: {spread(cores, 'rows')}")
    peaks = [one["peak"] for one in made]
    say(f"import, peak memory of the process: {spread(peaks, 'MiB')}")
    samples = ", ".join(f"{mib:,.0f}" for mib in first["samples"])
    say(f"import, memory along the way of the first run, MiB: {samples}")


def _own_process(mapping: Path, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.importing", str(mapping), str(file)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _one(mapping: Path, file: Path) -> dict[str, object]:
    """One import in this process."""
    collect_rarely()  # as the command does
    known = read_mapping(mapping)
    memory = _Memory()
    with province.founded() as ledger, ledger.engine.held():
        started, cpu = time.perf_counter(), time.process_time()
        result = import_stock(
            StockDesk(ledger),
            known,
            open_file(file, known),
            staging=ledger.settings.directory / "staging",
            rejects=ledger.settings.rejects,
            progress=memory.look,
            monotonic=time.monotonic,
        )
        seconds = time.perf_counter() - started
        cpu = time.process_time() - cpu
    return {
        "rows": result.rows,
        "accepted": result.rows_accepted,
        "rate": result.rows / seconds,
        "core": result.rows / cpu,
        "peak": memory.peak,
        "samples": memory.samples(),
    }


class _Memory:
    """Resident memory as the import tells of its progress."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._seen: list[float] = []

    def look(self, _done: int, _total: int, _stage: str) -> None:
        self._seen.append(self._process.memory_info().rss / 2**20)

    @property
    def peak(self) -> float:
        return max(self._seen)

    def samples(self) -> list[float]:
        step = max(1, len(self._seen) // SAMPLES)
        return [round(mib) for mib in self._seen[::step]]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_one(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
