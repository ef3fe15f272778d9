"""Several processes on one ledger, and the commands that say who may do what."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from console.cli.operating import sources_of
from tests.console.cli_ledger import CliLedger, later
from tests.console.commands import Commands

pytestmark = pytest.mark.postgres

PROGRAM = (
    sys.executable,
    "-c",
    "import sys; from console.cli import main; sys.exit(main())",
)
TIMEOUT_S = 120
BUILDING = "11210000999990010U045"
OFFICE = "11210102MB00TE5T6W"
ROLES = ("--area", "210102", "--level", "county", "--role", "publisher")


@contextmanager
def started(ledger: CliLedger, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own; killed if it is still there at the end."""
    place = ("--dir", str(ledger.directory), "--json")
    with subprocess.Popen(
        (*PROGRAM, *arguments, *place),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], text: str | None = None) -> tuple[int, Any]:
    out, err = process.communicate(text, timeout=TIMEOUT_S)
    assert process.returncode in (0, 3), err
    return process.returncode, json.loads(out)


def test_commands_at_once_on_one_ledger_all_get_their_verdicts(
    cli_ledger: CliLedger,
) -> None:
    forms = [cli_ledger.form() for _ in range(3)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(started(cli_ledger, "act", "ISSUE", "--file", "-"))
            for _ in forms
        ]
        for process, form in zip(processes, forms, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps(form))
            process.stdin.flush()
        answers = [ended(process) for process in processes]
    assert [code for code, _ in answers] == [0, 0, 0]
    for (_, document), form in zip(answers, forms, strict=True):
        assert document["license_id"].endswith(form["serial"])
        assert cli_ledger.json("show", document["license_id"])["state"] == "VALID"


def test_of_two_that_change_one_license_at_once_one_wins(cli_ledger: CliLedger) -> None:
    license_id = cli_ledger.issue()
    event = json.dumps(later(license_id, effective_at="2025-07-01"))
    with ExitStack() as stack:
        processes = [
            stack.enter_context(started(cli_ledger, "act", "REVOKE", "--file", "-"))
            for _ in range(2)
        ]
        answers = [ended(process, event) for process in processes]
    assert sorted(code for code, _ in answers) == [0, 3]
    refusals = {document["refusal"] for _, document in answers}
    assert refusals <= {None, "stale", "illegal_transition"}
    events = cli_ledger.json("history", license_id)["events"]
    assert [one["act"] for one in events] == ["ISSUE", "REVOKE"]


def test_run_serves_the_acts_of_other_processes_until_it_is_told_to_stop(
    cli_ledger: CliLedger,
) -> None:
    cli_ledger.json("status")  # nothing is left to be projected when it starts
    with started(cli_ledger, "run") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("running on postgresql://")
        first, second = cli_ledger.issue(), cli_ledger.issue()
        assert cli_ledger.json("show", first)["state"] == "VALID"
        assert cli_ledger.json("show", second)["state"] == "VALID"
        process.send_signal(signal.SIGTERM)
        code, document = ended(process)
    assert code == 0
    assert set(document) == {"projected"}


def said(process: subprocess.Popen[str], text: str) -> str:
    """Waits until a process has said this on stderr; the line."""
    assert process.stderr is not None
    heard = ""
    patience = threading.Timer(TIMEOUT_S, process.kill)
    patience.start()
    try:
        for line in process.stderr:
            heard += line
            if text in line:
                return line
    finally:
        patience.cancel()
    raise AssertionError(f"{text!r} was not said: {heard}")


def stopped(process: subprocess.Popen[str]) -> Any:
    """What a process prints that is asked to stop."""
    process.send_signal(signal.SIGTERM)
    code, document = ended(process)
    assert code == 0
    return document


def test_sealer_and_projectors_are_processes_of_their_own(
    cli_ledger: CliLedger,
) -> None:
    before = cli_ledger.json("status")["records"]
    with (
        started(cli_ledger, "seal") as sealer,
        started(cli_ledger, "project", "--partitions", "0-5") as first,
        started(cli_ledger, "project", "--partitions", "6-11") as second,
    ):
        assert said(sealer, "holding=").endswith("holding=seal\n")
        assert "holding=registry,events-0,events-1," in said(first, "holding=")
        assert "holding=events-6,events-7," in said(second, "holding=")
        issued = [cli_ledger.issue() for _ in range(8)]
        states = {cli_ledger.json("show", one)["state"] for one in issued}
        assert states == {"VALID"}
        after = cli_ledger.json("status")["records"]
        documents = [stopped(one) for one in (first, second)]
        assert stopped(sealer)["sealed"] > 0
    assert after - before == 8
    # They did it, and not the commands that waited for it.
    assert sum(one["projected"] for one in documents) == 8


def test_a_command_projects_what_nobody_projects(cli_ledger: CliLedger) -> None:
    with (
        started(cli_ledger, "seal") as sealer,
        started(cli_ledger, "project", "--partitions", "3,7-8") as some,
    ):
        said(sealer, "holding=seal")
        assert "holding=events-3,events-7,events-8\n" in said(some, "holding=")
        issued = [cli_ledger.issue() for _ in range(12)]
        for one in issued:
            assert cli_ledger.json("show", one)["state"] == "VALID"
        stopped(some)
        stopped(sealer)


def test_standby_takes_over_from_a_killed_owner(cli_ledger: CliLedger) -> None:
    group = ("project", "--partitions", "0-11")
    with ExitStack() as stack:
        owner = stack.enter_context(started(cli_ledger, *group))
        said(owner, "holding=registry,")
        sealer = stack.enter_context(started(cli_ledger, "seal"))
        said(sealer, "holding=seal")
        heir = stack.enter_context(started(cli_ledger, *group))
        said(heir, "holding=nothing")
        owner.kill()
        assert owner.wait(TIMEOUT_S) == -signal.SIGKILL
        said(heir, "holding=registry,")
        license_id = cli_ledger.issue()
        assert cli_ledger.json("show", license_id)["state"] == "VALID"
        assert stopped(heir)["projected"] == 1
        stopped(sealer)


def test_of_two_sealers_one_seals_and_the_other_follows_it(
    cli_ledger: CliLedger,
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(started(cli_ledger, "seal"))
        said(first, "holding=seal")
        second = stack.enter_context(started(cli_ledger, "seal"))
        said(second, "holding=nothing")
        cli_ledger.issue()
        assert stopped(first)["sealed"] > 0
        said(second, "holding=seal")
        cli_ledger.issue()
        assert stopped(second)["sealed"] > 0
    seals = cli_ledger.json("audit")
    assert seals["result"] == "pass"


def test_a_lost_connection_is_made_again(cli_ledger: CliLedger) -> None:
    dsn = cli_ledger.json("status")["dsn"]
    with (
        started(cli_ledger, "seal") as sealer,
        started(cli_ledger, "project") as projector,
    ):
        said(sealer, "holding=seal")
        said(projector, "holding=registry,")
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        for process, word in ((sealer, "sealing on"), (projector, "projecting on")):
            said(process, "trying again")
            said(process, word)
        said(sealer, "holding=seal")
        said(projector, "holding=registry,")
        cli_ledger.issue()
        assert stopped(projector)["projected"] == 1
        assert stopped(sealer)["sealed"] > 0


def test_a_projector_needs_no_keys_and_no_directory_of_the_ledger(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    dsn = cli_ledger.json("status")["dsn"]
    elsewhere = CliLedger(directory=tmp_path / "empty", founded=cli_ledger.founded)
    with started(elsewhere, "project", "--dsn", dsn) as process:
        said(process, "holding=registry,")
        license_id = cli_ledger.issue()
        assert stopped(process)["projected"] == 1
    assert cli_ledger.json("show", license_id)["state"] == "VALID"


def test_a_contradiction_ends_a_projector_at_once(cli_ledger: CliLedger) -> None:
    dsn = cli_ledger.json("status")["dsn"]
    cli_ledger.issue()
    set_verdict = "UPDATE views.audit_trail SET verdict = %s WHERE position = %s"
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute("SELECT max(position) FROM views.audit_trail").fetchone()
        assert row is not None
        conn.execute(set_verdict, ("stale", row[0]))
        try:
            with started(cli_ledger, "project") as process:
                out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            conn.execute(set_verdict, ("accepted", row[0]))
    assert process.returncode == 5, err
    error = json.loads(out)["error"]
    assert error["reason"] == "a sealed verdict differs from the verdict found here"
    assert error["where"].startswith(f"position {row[0]}, events-")
    assert "trying again" not in err


@pytest.mark.parametrize("text", ["12", "3-1", "-1", "0-12", "a", "", "1,,2", "1-"])
def test_partitions_that_are_none_are_bad_usage(
    cli_ledger: CliLedger, text: str
) -> None:
    error = cli_ledger.json("project", f"--partitions={text}", code=2)["error"]
    assert error["where"] == "--partitions"


def test_partitions_are_named_by_numbers_and_spans() -> None:
    assert sources_of("1,3-4,4", 6) == ["events-1", "events-3", "events-4"]
    assert sources_of("0", 6) == ["registry", "events-0"]
    assert sources_of(None, 2) == ["registry", "events-0", "events-1"]


def test_take_over_storm_leaves_the_tables_of_one(
    cli_ledger: CliLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("LICENSE_LEDGER_SEED") or random.randrange(10**6))
    with capsys.disabled():
        sys.stdout.write(f"\nLICENSE_LEDGER_SEED={seed}\n")
    chance = random.Random(seed)
    owners = Commands(cli_ledger.directory, tmp_path)
    kinds = [
        ("seal",),
        ("seal",),
        ("project", "--partitions", "0-5"),
        ("project", "--partitions", "4-11"),
        ("project",),
    ]
    running = [owners.start(*kind) for kind in kinds]
    issued = []
    try:
        for _ in range(12):
            issued.append(cli_ledger.issue())
            index = chance.randrange(len(kinds))
            gone, killed = running[index], chance.random() < 0.5
            if killed:
                gone.kill()
            else:
                gone.stop()
            code = gone.end().code
            early = (128 + signal.SIGTERM, -signal.SIGTERM)  # before it could listen
            assert code in ((-9,) if killed else (0, *early)), code
            running[index] = owners.start(*kinds[index])
    finally:
        for one in running:
            one.kill()
            one.end()
    for license_id in issued:
        assert cli_ledger.json("show", license_id)["state"] == "VALID"
        assert len(cli_ledger.json("history", license_id)["events"]) == 1
    assert cli_ledger.json("rebuild")["equal"]
    assert cli_ledger.json("audit")["result"] == "pass"


def test_new_department_acts_with_its_own_key(cli_ledger: CliLedger) -> None:
    key = new_office(cli_ledger, OFFICE, "office")
    form = cli_ledger.form()
    given = ("act", "ISSUE", "--file", "-", "--key", key)
    document = cli_ledger.json(*given, stdin=json.dumps(form))
    assert f".{OFFICE}." in document["license_id"]
    listed = {
        one["file"]: one["authority"] for one in cli_ledger.json("key", "list")["keys"]
    }
    assert listed["office"] == OFFICE
    authorities = cli_ledger.json("registry", "list")["authorities"]
    assert OFFICE in {one["uscc"] for one in authorities}


def test_unregistered_key_is_refused_and_registered_once(cli_ledger: CliLedger) -> None:
    made = cli_ledger.json("key", "new", "unheard")
    given = ("act", "ISSUE", "--file", "-", "--key", made["file"])
    form = cli_ledger.form()
    error = cli_ledger.json(*given, stdin=json.dumps(form), code=2)["error"]
    assert error["family"] == "malformed"  # no authority: it can name no issuer
    error = cli_ledger.json("key", "new", "unheard", code=2)["error"]
    assert error["reason"] == "the file exists already"
    assert json.loads(Path(made["file"]).read_text())["purpose"] == "act"


def test_two_keys_sign_what_two_organs_must(cli_ledger: CliLedger) -> None:
    office = "91210102MA0TE5T165"
    key = new_office(cli_ledger, office, "joint")
    form = {
        "type": BUILDING,
        "serial": "JOINT1",
        "effective_at": "2025-03-01",
        "holders": [{"kind": "001", "code": "91210100MA0TE5T168"}],
        "fields": {
            "builder": "沈阳示例有限公司",
            "project_name": "示例工程",
            "project_code": "2025-210100-04-01-123456",
            "address": "沈阳市和平区示范路1号",
            "scale": "1200.5",
            "contract_price": "900",
            "duration": "300天",
            "units": [{"role": "施工", "name": "示例建筑有限公司"}],
            "valid_from": "2025-03-01",
            "valid_until": "2025-06-01",
        },
    }
    text = json.dumps(form)
    act = ("act", "ISSUE", "--file", "-")
    alone = cli_ledger.json(*act, "--key", key, stdin=text, code=3)
    assert alone["refusal"] == "signatures_missing"
    province = str(cli_ledger.directory / "keys" / "department.json")
    both = cli_ledger.json(*act, "--key", key, "--key", province, stdin=text)
    assert both["verdict"] == "accepted"
    signers = cli_ledger.json("history", both["license_id"])["events"][0]["signers"]
    assert len(signers) == 2


def test_ended_key_signs_nothing_more(cli_ledger: CliLedger) -> None:
    office = "91210102MA0TE5T240"
    key = new_office(cli_ledger, office, "ending")
    given = ("act", "ISSUE", "--file", "-", "--key", key)
    cli_ledger.json(*given, stdin=json.dumps(cli_ledger.form()))
    named = next(
        one["key_id"]
        for one in cli_ledger.json("key", "list")["keys"]
        if one["file"] == "ending"
    )
    cli_ledger.json("key", "end", named)
    refused = cli_ledger.json(*given, stdin=json.dumps(cli_ledger.form()), code=3)
    assert refused["refusal"] == "key_inactive"


def new_office(ledger: CliLedger, uscc: str, name: str) -> str:
    """A registered county authority with a registered key; the key's file."""
    ledger.json("registry", "authority", uscc, "--name", "示例机关", *ROLES)
    made = ledger.json("key", "new", name, "--authority", uscc)
    records = ledger.json("key", "register", made["file"])["records"]
    assert [one["verdict"] for one in records] == ["accepted"]
    file: str = made["file"]
    return file
