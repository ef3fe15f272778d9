"""Killed with -9 at random moments, nothing is lost and nothing is there twice.

The moments come from a seed that is printed; LICENSE_LEDGER_KILL_SEED sets it again, and
LICENSE_LEDGER_KILLS says how often commands are killed.
"""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from console.acting import draw_serial, example_of
from console.cli import main
from console.importer import drafts, run
from console.ledger import Ledger
from console.rebuilding import make_tables
from console.settings import settings_of
from console.wiring import open_ledger
from ledger.codec import decode_event, decode_record
from ledger.drafting import Draft, HolderDraft
from ledger.envelope import event_digest
from ledger.errors import Unavailable
from ledger.events import Event
from ledger.publish import Signed, sign
from ledger.refusals import ACCEPTED
from ledger.sources import source_names
from ledger.workdays import day_start, legal_day
from projections.audit_trail import count_by_verdict
from projections.migrate import VIEWS
from replay.compare import compare
from replay.rebuild import REBUILD
from tests.console.commands import Commands, Ended, Running, commands
from tests.folders import own_folder

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

SEED = int(
    os.environ.get("LICENSE_LEDGER_KILL_SEED") or random.SystemRandom().randrange(10**6)
)
KILLS = int(os.environ.get("LICENSE_LEDGER_KILLS") or 32)
SERVER_TOO = 0.2
FILES = 4
LICENSES_OF_A_FILE = 60
BUSINESS = "11100000MB0143028R001"
SYSTEM = "register"
MAPPING = f"""
[source]
system = "{SYSTEM}"
row_key = "Row"
dates = "YYYY-MM-DD"
[license]
serial = "Number"
valid_from = "From"
valid_until = "Until"
type_sequence = "900"
[holder]
kind = "099"
code = "Account"
[fields]
trade = "Trade"
owner = "Owner"
[[acts]]
column = "Kind"
date = "Done"
face = true
[acts.values]
NEW = "ISSUE"
LONGER = "RENEW"
OTHER = "CHANGE"
[[acts]]
column = "Ended"
date = "Ended on"
skip = [""]
[acts.values]
"GIVEN UP" = "CANCEL"
TAKEN = "REVOKE"
[type]
name = "营业登记"
name_en = "trade register"
code_status = "foreign"
definer_level = "other"
issuer_level = "city"
holder_category = "organisation"
holders_max = 1
validity = ["1年"]
acts = ["ISSUE", "CHANGE", "RENEW", "REVOKE", "CANCEL", "CORRECT"]
late_renewal = true
current_per_holder = "many"
retention = "long"
[type.fields.trade]
zh = "经营活动"
value = "s"
mandatory = true
data_class = 1
[type.fields.owner]
zh = "经营者"
value = "s"
mandatory = true
data_class = 3
"""
COLUMNS = (
    *("Row", "Number", "Account", "Trade", "Owner", "From", "Until"),
    *("Kind", "Done", "Ended", "Ended on"),
)


def register(rng: random.Random, folder: Path) -> list[Path]:
    """Files that tell of the same licenses, each a little more, with mistakes in them."""
    files = []
    row = 0
    for number in range(FILES):
        rows: list[dict[str, str]] = []
        known = LICENSES_OF_A_FILE * (number + 1)
        for license_ in range(known):
            new = license_ >= known - LICENSES_OF_A_FILE
            if not new and rng.random() < 0.6:
                continue
            row += 1
            rows.append(_row(rng, row, license_, number, new=new))
            if new and rng.random() < 0.5:
                row += 1
                rows.append(_row(rng, row, license_, number, new=False))
        rng.shuffle(rows)
        path = folder / f"register-{number}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        files.append(path)
    return files


def _row(
    rng: random.Random, row: int, license_: int, number: int, *, new: bool
) -> dict[str, str]:
    year = 2016 + 2 * number + (not new)
    day = f"{year}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    ended = rng.choice(("GIVEN UP", "TAKEN")) if rng.random() < 0.06 else ""
    return {
        "Row": f"R{row}",
        "Number": f"{license_:06}",
        "Account": f"A{license_ % 97}",
        "Trade": rng.choice(("bakery", "smithy", "mill")),
        "Owner": f"owner {license_}" if rng.random() > 0.03 else "",
        "From": day,
        "Until": f"{year + 1}-12-31",
        "Kind": "NEW"
        if new and rng.random() < 0.7
        else rng.choice(("LONGER", "OTHER")),
        "Done": day if rng.random() > 0.03 else "yesterday",
        "Ended": ended,
        "Ended on": f"{year + 1}-06-01" if ended else "",
    }


# --- what runs in the processes that are killed ---------------------------------------


def in_small_steps(arguments: Sequence[str]) -> None:
    """A command that takes a small file by as many steps as a large one would need."""
    run.ROWS_AT_ONCE = 15  # type: ignore[misc]
    drafts.BATCH_MAX = 7
    raise SystemExit(main(list(arguments)))


def publisher(directory: Path, folder: Path) -> None:
    """Issues licenses and marks them until told to stop; judging is left to others.

    Writes each record down before it is sent, and that it was taken once it was. What
    may or may not have been taken when the database went away is sent again.
    """
    while not (folder / "stop").exists():
        with suppress(Unavailable), open_ledger(settings_of(directory)) as ledger:
            Publisher(ledger, folder).work()


class Publisher:
    """One stretch of publishing over one open ledger."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger = ledger
        self._folder = folder
        self._signers = ledger.signers()

    def work(self) -> None:
        for line in written(self._folder / "outbox")[len(taken(self._folder)) :]:
            self._send(line)
        while not self._stopped:
            made = [self._issue() for _ in range(6)]
            self._judged()
            for license_id in made:
                if not self._stopped:
                    self._mark(license_id)

    @property
    def _stopped(self) -> bool:
        return (self._folder / "stop").exists()

    def _judged(self) -> None:
        ledger = self._ledger
        ends = {s: n for s, n in ledger.log.ends().items() if s != "seals"}
        while not self._stopped:
            found = ledger.projected()
            if all(found.get(source, 0) >= end for source, end in ends.items()):
                break
            ledger.log.wait(0.1)

    def _issue(self) -> str:
        authority = self._ledger.ring.department()
        license_id = f"1.2.156.3005.2.{BUSINESS}.{authority}.{draw_serial()}"
        form = example_of("ISSUE")
        [holder] = form["holders"]
        self._act(
            Draft(
                act="ISSUE",
                license_id=license_id,
                effective_at=day_start(legal_day(self._ledger.clock())),
                authority=authority,
                fields=form["fields"],
                holders=(HolderDraft(kind=holder["kind"], code=holder["code"]),),
            )
        )
        return license_id

    def _mark(self, license_id: str) -> None:
        today = day_start(legal_day(self._ledger.clock()))
        self._act(
            Draft(
                act="MARK",
                license_id=license_id,
                effective_at=today,
                authority=self._ledger.ring.department(),
                fields=example_of("MARK")["fields"],
            )
        )

    def _act(self, draft: Draft) -> None:
        event = self._ledger.draft(draft, self._signers)
        signed = sign(event, self._signers, partitions=self._ledger.partitions)
        line = f"{draft.act} {signed.source} {signed.digest.hex()} {signed.data.hex()}"
        _write(self._folder / "outbox", line)
        self._send(line)

    def _send(self, line: str) -> None:
        act, source, digest, data = line.split()
        signed = Signed(
            source=source, digest=bytes.fromhex(digest), data=bytes.fromhex(data)
        )
        self._ledger.publish([signed])
        _write(self._folder / "taken", f"{act} {digest}")


def _write(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def written(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def taken(folder: Path) -> list[str]:
    """Act and event digest of every record that the log has acknowledged."""
    return written(folder / "taken")


# --- killing --------------------------------------------------------------------------


@dataclass(slots=True)
class Killer:
    """Runs commands on one ledger and kills them.

    ``seconds``: how long the import of each file takes when nobody kills it; ``ends``
    counts exit codes.
    """

    rng: random.Random
    commands: Commands
    mapping: Path
    files: list[Path]
    seconds: dict[Path, float]
    kills: int = 0
    ends: Counter[int] = field(default_factory=Counter)

    def import_(self, path: Path) -> Running:
        return start_import(self.commands, self.mapping, path)

    def kill_imports(self, number: int) -> None:
        """Kills imports, one file after the other, until so many were killed."""
        waiting = list(self.files)
        while self.kills < number:
            path = waiting[0]
            importing = self.import_(path)
            time.sleep(self.rng.uniform(0, self.seconds[path]))
            if self.hit(importing).code == 0 and len(waiting) > 1:
                del waiting[0]

    def kill_runs(self, number: int) -> None:
        """Kills `run`, imports and servers while all of them work, and one publishes."""
        waiting = list(self.files)
        running, importing = self.commands.start("run"), self.import_(waiting[0])
        while self.kills < number:
            time.sleep(self.rng.uniform(0, self.seconds[waiting[0]]))
            if self.rng.random() < 0.6:
                self.hit(running)
                running = self.commands.start("run")
                continue
            if self.hit(importing).code == 0 and len(waiting) > 1:
                del waiting[0]
            importing = self.import_(waiting[0])
        for one in (running, importing):
            one.kill()
            one.end()

    def hit(self, victim: Running) -> Ended:
        """Kills a command, its server, or both; who loses the server ends with 4."""
        server = self.rng.random() < SERVER_TOO
        if not server or self.rng.random() < 0.5:
            victim.kill()
        if server:
            self.kill_server()
            # Whoever is just starting starts another one, and goes on.
            victim.process.join(1)
            victim.kill()
        ended = victim.end()
        self.ends[ended.code] += 1
        self.kills += ended.code == -9
        assert ended.code in (-9, 0, 4), ended
        return ended

    def kill_server(self) -> None:
        """Kills PostgreSQL's first process, sometimes with all others at once."""
        found = self.commands.servers()
        for process in found if self.rng.random() < 0.5 else found[:1]:
            with suppress(psutil.Error):
                process.kill()


def start_import(given: Commands, mapping: Path, path: Path) -> Running:
    arguments = ("import", str(mapping), str(path), "--json", "--dir")
    return given.call(
        in_small_steps, (*arguments, str(given.directory)), named=arguments
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    with own_folder() as made:
        yield made


def test_what_was_killed_at_random_moments_is_whole(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nLICENSE_LEDGER_KILL_SEED={SEED}\n")
    rng = random.Random(SEED)
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    files = register(rng, folder)
    with (
        commands(folder / "killed", folder / "out") as killed,
        commands(folder / "spared", folder / "spared-out") as spared,
    ):
        killed.answer("init")
        subprocess.run(["cp", "-a", killed.directory, spared.directory], check=True)  # noqa: S607
        seconds = {}
        for path in files:
            start = time.monotonic()
            start_import(spared, mapping, path).end()
            seconds[path] = time.monotonic() - start
        expected = settled(spared, mapping, files)
        killer = Killer(rng, killed, mapping, files, seconds)
        killer.kill_imports(KILLS * 5 // 8)
        publishing = killed.call(publisher, killed.directory, folder)
        killer.kill_runs(KILLS)
        (folder / "stop").touch()
        assert publishing.end().code == 0
        assert killer.kills >= KILLS, killer.ends
        compare_imports(settled(killed, mapping, files), expected)
        compare_states(killed, spared, Counter(x.split()[0] for x in taken(folder)))
        check_log(killed.directory, {x.split()[1] for x in taken(folder)})
        assert killed.answer("audit")["result"] == "pass"


def settled(given: Commands, mapping: Path, files: list[Path]) -> dict[Path, Any]:
    """What the last imports say when all files are imported until nothing comes in.

    A row that waited for another of its license may come in once a later file has opened
    that license.
    """
    for _ in range(len(files) + 1):
        told = {
            path: start_import(given, mapping, path).end().document for path in files
        }
        if not any(one["rows_accepted"] for one in told.values()):
            return told
    raise AssertionError("imports never come to an end")


def compare_imports(
    again: dict[Path, dict[str, Any]], expected: dict[Path, dict[str, Any]]
) -> None:
    """After all that, each file has the rows in that it has when nobody is killed."""
    for path, told in expected.items():
        found = again[path]
        assert found["rows"] == told["rows"]
        assert found["rows_rejected"] == told["rows_rejected"]
        assert found["events_refused"] == 0


def compare_states(killed: Commands, spared: Commands, more: Counter[str]) -> None:
    """The counts are those of the ledger on which nobody was killed, and what was
    published besides."""
    day = "2199-01-01"  # whenever the test runs, the same states
    found, expected = (one.answer("status", "--as-of", day) for one in (killed, spared))
    assert found["by_act"] == dict(Counter(expected["by_act"]) + more)
    assert found["licenses"] == expected["licenses"] + more["ISSUE"]
    states = Counter(expected["by_state"])
    states["VALID"] += more["ISSUE"]
    assert found["by_state"] == dict(states)
    assert found["accepted"] == expected["accepted"] + sum(more.values())
    # The same bytes may come twice: a publisher who does not know sends them again.
    assert set(found["by_refusal"]) <= {"duplicate"}
    assert found["records"] == found["sealed"] == found["projected"]


def check_log(directory: Path, acknowledged: set[str]) -> None:
    """Nothing acknowledged is missing or there twice; the tables are a fresh fold."""
    with open_ledger(settings_of(directory)) as ledger:
        ledger.catch_up()
        ledger.rest()
        accepted = list(accepted_events(ledger))
        digests = Counter(digest for digest, _ in accepted)
        assert set(digests.values()) == {1}
        assert acknowledged <= digests.keys()
        places = Counter((e["chain"], e["subject"], e["sequence"]) for _, e in accepted)
        assert set(places.values()) == {1}
        rows = Counter(
            (
                event["matter"]["source_system"],
                event["matter"]["source_ref"],
                event["flags"]["source_act"],
            )
            for _, event in accepted
            if event["flags"] is not None
        )
        assert set(rows.values()) == {1}
        with psycopg.connect(ledger.dsn, autocommit=True) as own:
            make_tables(
                ledger,
                own,
                processes=2,
                trust=False,
                offers=False,
                told=lambda _: None,
            )
            assert count_by_verdict(own)[ACCEPTED] == len(accepted)
            found = compare(own, VIEWS, REBUILD)
            assert [one.table for one in found if not one.equal] == []


def accepted_events(ledger: Ledger) -> Iterator[tuple[str, Event]]:
    """Digest and event of each record of the log with an accepted verdict.

    Every record has exactly one verdict, or this fails.
    """
    verdicts: dict[tuple[str, int], str] = {}
    query = "SELECT source, ordinal, verdict FROM views.audit_trail"
    for source, ordinal, verdict in ledger.views.execute(query):
        assert (source, ordinal) not in verdicts
        verdicts[source, ordinal] = verdict
    for source in source_names(ledger.partitions):
        ordinal = 0
        while page := ledger.log.read(source, ordinal, limit=1_000, size_max=10**7):
            for data in page:
                if verdicts.pop((source, ordinal)) == "accepted":
                    body = decode_record(data)["body"]
                    yield event_digest(body).hex(), decode_event(body)
                ordinal += 1
    assert verdicts == {}
