"""``python -m bench.sizing``: docs/sizing.md, what README's figures mean for a province.

The volumes are those that the project was sized for; the rates are read from README's
table of figures, so the page cannot say anything else than the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "sizing.md"

PROVINCE_YEAR: Final = 20_000_000
PROVINCE_PEAK_S: Final = 200
PROVINCE_STOCK: Final = 200_000_000
PROVINCE_DECADE: Final = 425_000_000
COUNTRY_YEAR: Final = 755_000_000
COUNTRY_STOCK: Final = 6_000_000_000

_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")
_HEAD: Final = """\
# What the figures mean (容量测算)

Generated from the table of figures in [README](../README.md) by `make docs`; a test
compares the two. The volumes: a province of 42 million residents has {year} license
events a year, {peak} a second in its busiest hours (a month's end, a batch), a stock of
{stock} licenses to load once, and {decade} events in ten years. The country has about
{country} events a year and a stock of {country_stock} (estimates, ±50 %).

Each line takes one rate of the table, on two shared cores that do everything, and says
how long that much work takes at this rate. "times the peak" is how much of a province's
busiest hour one such machine carries.

| work, and the rate of the table | events/s | a province's year | its stock | its ten years | the country's year | times the peak |
| --- | --- | --- | --- | --- | --- | --- |
"""
_TAIL: Final = """
Reading it:

- **One machine carries a province.** It does {live:.0f} times the work of the busiest
  hours; a year is hours of work. What takes long is loading the stock and proving it.
- **More cores.** Events are spread over partitions by license, and a projector process
  owns some of them, so live projection divides by the cores given to it until the one
  sealer, which judges no records, is the limit. `rebuild --processes` divides
  the fold in the same way; indexes and the comparison at its end do not divide. An audit
  is one process; it verifies signatures in threads.
- **The country** is {country:.0f} such years. With a ledger for each province it is carried by
  the machine above in each of them; one ledger for all of it would need {need:,.0f}
  events/s in its busiest hours, which this version does not reach.
- **Disk.** One event takes {disk} kB in the database, log and tables together: {disk_year}
  for a province's year, {disk_stock} for its stock, {disk_decade} for its ten years.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of work: the words that begin its row of README, and which number in it."""

    title: str
    row: str
    number: int


WORKS: Final = (
    Work(
        title="live: append, seal, judge, project, one process",
        row="accepted events/s end to end, batch-signed, one process",
        number=0,
    ),
    Work(
        title="live: one sealer, two projectors",
        row="… one sealer and 1 / 2 / 4 projectors",
        number=1,
    ),
    Work(
        title="live on three brokers, one process",
        row="accepted events/s end to end, batch-signed, one process",
        number=2,
    ),
    Work(
        title="rebuild of every table, one process",
        row="rebuild of every table, batch-signed, one process, events/s",
        number=0,
    ),
    Work(
        title="rebuild of every table, two processes",
        row="… two processes",
        number=0,
    ),
    Work(
        title="full audit, one core, batch-signed",
        row="full audit per core-second, batch-signed / each signed alone",
        number=0,
    ),
    Work(
        title="full audit, one core, each signed alone",
        row="full audit per core-second, batch-signed / each signed alone",
        number=1,
    ),
    Work(
        title="import of old records, one process",
        row="import of a file, rows/s (per core-second of its process)",
        number=0,
    ),
)


DISK: Final = "database, log and tables together, kB an event"


def figures(readme: str) -> Mapping[str, list[float]]:
    """The numbers in each row of README's table of figures, goals left out."""
    table = readme.split("<!-- figures: begin", 1)[1].split("<!-- figures: end", 1)[0]
    rows: dict[str, list[float]] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and line.startswith("| "):
            told = " ".join(cells[1:4])
            rows[cells[0]] = [
                float(found.replace(",", "")) for found in _NUMBER.findall(told)
            ]
    return MappingProxyType(rows)


def page(readme: str) -> str:
    """The page for these figures; raises KeyError for a row that is not there."""
    found = figures(readme)
    live = found[WORKS[1].row][WORKS[1].number]
    disk = found[DISK][0]
    busiest = COUNTRY_YEAR / PROVINCE_YEAR * PROVINCE_PEAK_S
    head = _HEAD.format(
        year=_million(PROVINCE_YEAR),
        peak=PROVINCE_PEAK_S,
        stock=_million(PROVINCE_STOCK),
        decade=_million(PROVINCE_DECADE),
        country=_million(COUNTRY_YEAR),
        country_stock=_million(COUNTRY_STOCK),
    )
    rows = [_row(work, found[work.row][work.number]) for work in WORKS]
    tail = _TAIL.format(
        live=live / PROVINCE_PEAK_S,
        country=COUNTRY_YEAR / PROVINCE_YEAR,
        need=busiest,
        disk=f"{disk:.1f}",
        disk_year=_bytes(PROVINCE_YEAR * disk),
        disk_stock=_bytes(PROVINCE_STOCK * disk),
        disk_decade=_bytes(PROVINCE_DECADE * disk),
    )
    return head + "".join(rows) + tail


def _row(work: Work, rate: float) -> str:
    volumes = (PROVINCE_YEAR, PROVINCE_STOCK, PROVINCE_DECADE, COUNTRY_YEAR)
    cells = [
        work.title,
        f"{rate:,.0f}",
        *(_duration(volume / rate) for volume in volumes),
        f"{rate / PROVINCE_PEAK_S:,.1f}",
    ]
    return "| " + " | ".join(cells) + " |\n"


def _duration(seconds: float) -> str:
    hours = seconds / 3_600
    return f"{hours:,.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"


def _bytes(kilobytes: float) -> str:
    gigabytes = kilobytes / 1e6
    return f"{gigabytes:,.0f} GB" if gigabytes < 1_000 else f"{gigabytes / 1e3:,.1f} TB"


def _million(count: int) -> str:
    return f"{count / 1e6:,.0f} million"


def main() -> None:
    """Writes the page."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    PAGE.write_text(page(readme), encoding="utf-8")


if __name__ == "__main__":
    main()
