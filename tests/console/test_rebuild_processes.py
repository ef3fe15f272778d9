"""A rebuild in several processes: the same tables, and no process outlives its work."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import psutil
import psycopg
import pytest

from console.parts import groups
from ledger.errors import (
    LedgerError,
    Malformed,
    Refused,
    Unavailable,
    Unknown,
    Untrusted,
)
from ledger.sources import source_names
from tests.console.cli_ledger import CliLedger, founded, later
from tests.faults.waiting import until
from tests.folders import own_folder

PROGRAM = Path(sys.prefix) / "bin" / "license-ledger"
TIMEOUT_S = 120
ISSUED = 9


@pytest.fixture(scope="module")
def ledger() -> Iterator[CliLedger]:
    with own_folder() as folder, founded(folder / "ledger") as made:
        for number in range(ISSUED):
            one = made.issue(scope="软件")
            if number % 2:
                made.act("CHANGE", {**later(one), "fields": {"scope": "餐饮"}})
        yield made


@pytest.mark.parametrize("count", [1, 2, 5, 13, 40])
def test_every_source_goes_to_one_process_and_none_is_idle(count: int) -> None:
    sources = source_names(12)
    dealt = groups(sources, count)
    assert sorted(source for group in dealt for source in group) == sorted(sources)
    assert len(dealt) == min(count, 13)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert all(list(group) == sorted(group, key=sources.index) for group in dealt)


@pytest.mark.postgres
@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_make_the_tables_that_one_makes(
    ledger: CliLedger, count: int
) -> None:
    alone = ledger.json("rebuild")
    said = ledger.call("rebuild", "--processes", str(count), "--json")
    together = said.document
    assert alone["equal"]
    assert together == alone
    last = said.err.strip().splitlines()[-1]
    assert last == f"rebuilt={together['records']}"


@pytest.mark.postgres
def test_what_several_processes_made_is_swapped_in(ledger: CliLedger) -> None:
    said = ledger.json(
        "rebuild", "--processes", "2", "--swap", "--trust-sealed-verdicts"
    )
    assert (said["equal"], said["swapped"]) == (True, True)
    ledger.issue()
    assert ledger.json("audit")["result"] == "pass"


@pytest.mark.postgres
def test_an_error_of_one_process_is_the_error_of_the_rebuild(ledger: CliLedger) -> None:
    swap = (
        "UPDATE log.record SET data = %s WHERE source = %s AND ordinal = 0 "
        "RETURNING (SELECT data FROM log.record WHERE source = %s AND ordinal = 0)"
    )
    with psycopg.connect(ledger.json("status")["dsn"], autocommit=True) as conn:
        query = "SELECT max(source) FROM log.record WHERE source LIKE 'events-%'"
        source = conn.execute(query).fetchone()[0]  # type: ignore[index]
        held = conn.execute(swap, (b"another", source, source)).fetchone()
        assert held is not None
        alone = ledger.call("rebuild")
        together = ledger.call("rebuild", "--processes", "3")
        conn.execute(swap, (held[0], source, source))
    assert together.code == alone.code == 5
    assert together.err.splitlines()[-1] == alone.err.splitlines()[-1]
    assert ledger.json("rebuild", "--processes", "3")["equal"]


@pytest.mark.postgres
@pytest.mark.parametrize("who", ["a part", "the whole"])
def test_a_killed_process_leaves_the_tables_alone_and_nobody_behind(
    ledger: CliLedger, who: str
) -> None:
    before = ledger.json("rebuild")
    with rebuilding(ledger) as process:
        until(lambda: len(parts_of(process)) == 2, "two parts of a rebuild")
        parts = parts_of(process)
        whole = psutil.Process(process.pid)
        (parts[0] if who == "a part" else whole).kill()
        out, _ = process.communicate(timeout=TIMEOUT_S)
    if who == "a part":
        assert process.returncode == 4
        assert "process_ended" in out
    assert psutil.wait_procs(parts, timeout=TIMEOUT_S)[1] == []
    again = ledger.json("rebuild", "--processes", "2")
    assert (again["equal"], again["digests"]) == (True, before["digests"])


def rebuilding(ledger: CliLedger) -> Popen[str]:
    place = ("--dir", str(ledger.directory), "--json")
    return Popen(
        (PROGRAM, "rebuild", "--processes", "2", *place),
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )


def parts_of(process: Popen[str]) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # one that is gone, or nearly
            if "spawn_main" in " ".join(one.cmdline()):
                found.append(one)
    return found


@pytest.mark.parametrize("kind", [Malformed, Refused, Unavailable, Untrusted, Unknown])
def test_an_error_comes_whole_from_another_process(
    kind: Callable[..., LedgerError],
) -> None:
    error = kind("no", code="gap", expected="one", found="two", where="here")
    sent: Any = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
    assert type(sent) is type(error)
    assert (str(sent), sent.code) == (str(error), "gap")
