"""The command line's contract: documents, exit codes, and nothing half done."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import schemas
from console.acting import draw_serial, example_of
from console.event_file import draft_of, license_id_of, parse_event_file
from console.output import error_document
from ledger.catalogue import parse_type
from ledger.lifecycle import ACTS
from tests.console.cli_ledger import (
    BUSINESS,
    DEPARTMENT,
    CliLedger,
    call,
    later,
)

pytestmark = pytest.mark.postgres

OPENINGS = ("BASELINE", "ISSUE", "TRANSFER_IN")
NOBODY = f"1.2.156.3005.2.{BUSINESS}.{DEPARTMENT}.NOSUCHSERIAL"
ERROR = set(error_document("", "")["error"])
STATUS = {
    "as_of", "records", "sealed", "projected", "accepted", "refused", "licenses",
    "by_state", "by_act", "by_refusal", "vkey", "dsn", "kafka", "warnings",
}  # fmt: skip
VERDICT = {
    "verdict", "refusal", "position", "license_id", "sequence", "event_digest",
}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """Every file outside the database's own folder, and what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and folder / "pg" not in path.parents
    }


def test_init_says_what_it_made(cli_ledger: CliLedger) -> None:
    document = cli_ledger.founded.document
    assert document["authority"] == DEPARTMENT
    assert document["types"] == list(schemas.names("types"))
    assert document["vkey"] == cli_ledger.json("status")["vkey"]
    assert "passphrase" in document["warnings"][0]


def test_init_on_a_ledger_exits_2_and_changes_nothing(cli_ledger: CliLedger) -> None:
    before, records = digests(cli_ledger.directory), cli_ledger.json("status")
    error = cli_ledger.json("init", code=2)["error"]
    assert (error["family"], error["found"]) == ("malformed", "a ledger")
    assert digests(cli_ledger.directory) == before
    assert cli_ledger.json("status")["records"] == records["records"]


def test_init_in_a_folder_with_other_files_leaves_them_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = call("init", "--dir", str(tmp_path), "--json")
    assert said.code == 2
    assert said.document["error"]["found"] == "other files"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "code", "family"),
    [
        (["bogus"], 2, "malformed"),
        (["show"], 2, "malformed"),
        (["status", "--bogus"], 2, "malformed"),
        (["status", "--as-of", "yesterday"], 2, "malformed"),
        (["status", "--as-of", "2025-02-30"], 2, "malformed"),
        (["run", "--rounds", "many"], 2, "malformed"),
        (["show", NOBODY], 1, "unknown"),
        (["history", NOBODY], 1, "unknown"),
        (["history", "chicago:1"], 1, "unknown"),
        (["receipt", NOBODY, "--out", "never-written"], 1, "unknown"),
        (["verify", "no-such-file"], 2, "malformed"),
        (["act", "ISSUE"], 2, "malformed"),
        (["act", "ISSUE", "--file", "no-such-file"], 2, "malformed"),
        (["act", "EXPLODE", "--example"], 2, "malformed"),
        (["act", "EXPLODE", "--file", "-"], 2, "malformed"),
        (["import", "no-such-mapping", "no-such-file"], 2, "malformed"),
        (["key", "new", "../elsewhere"], 2, "malformed"),
        (["status", "--passphrase-file", "no-such-file"], 2, "malformed"),
        (["status", "--dsn", "nonsense"], 2, "malformed"),
        (["status", "--dsn", "postgresql://127.0.0.1:1/none"], 4, "unavailable"),
    ],
)
def test_errors_are_one_json_document_and_the_family_s_exit_code(
    cli_ledger: CliLedger, arguments: list[str], code: int, family: str
) -> None:
    document = cli_ledger.json(*arguments, code=code)
    assert set(document) == {"error"}
    assert set(document["error"]) == ERROR
    assert document["error"]["family"] == family
    assert document["error"]["reason"]


def test_a_folder_without_a_ledger_is_bad_input(tmp_path: Path) -> None:
    said = call("status", "--dir", str(tmp_path / "nothing"), "--json")
    assert said.code == 2
    assert said.document["error"]["reason"] == "no ledger here"
    assert not (tmp_path / "nothing").exists()


def test_no_arguments_show_the_help() -> None:
    said = call()
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: license-ledger")


def test_verify_without_key_or_dir_is_bad_usage(tmp_path: Path) -> None:
    said = call("verify", str(tmp_path / "receipt"), "--json")
    assert said.code == 2
    assert said.document["error"]["expected"] == "--key VKEY or --dir DIR"


def test_status_has_exactly_its_members_and_its_sums(cli_ledger: CliLedger) -> None:
    cli_ledger.issue()
    status = cli_ledger.json("status")
    assert set(status) == STATUS
    assert sum(status["by_state"].values()) == status["licenses"]
    assert sum(status["by_refusal"].values()) == status["refused"]
    assert status["accepted"] + status["refused"] == status["projected"]
    assert status["projected"] == status["sealed"] == status["records"]
    opened = [status["by_act"].get(act, 0) for act in OPENINGS]
    assert sum(opened) == status["licenses"]


def test_status_warns_on_stderr_and_in_the_document(cli_ledger: CliLedger) -> None:
    said = cli_ledger.call("status")
    assert said.code == 0
    assert "warning: the key files' passphrase" in said.err
    assert "warning" not in said.out
    assert "passphrase" in cli_ledger.json("status")["warnings"][0]


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        ("2025-03-01", "VALID"),
        ("2025-12-31T23:59:59+08:00", "VALID"),
        ("2025-12-31T15:59:59Z", "VALID"),
        ("2025-12-31T16:00:00Z", "EXP"),
        ("2026-01-01", "EXP"),
    ],
)
def test_as_of_takes_a_day_or_an_instant(
    cli_ledger: CliLedger, as_of: str, state: str
) -> None:
    license_id = cli_ledger.issue(valid_until="2025-12-31")
    assert cli_ledger.json("show", license_id, "--as-of", as_of)["state"] == state


def test_as_of_moves_only_the_states_of_status(cli_ledger: CliLedger) -> None:
    cli_ledger.issue(valid_until="2025-12-31")
    at = {day: cli_ledger.json("status", "--as-of", day) for day in ("2025-12-31",)}
    now = cli_ledger.json("status")
    then = at["2025-12-31"]
    assert then["as_of"] == "2025-12-31T00:00:00+08:00"
    assert then["by_state"] != now["by_state"]
    moved = {"as_of", "by_state"}
    assert {k: v for k, v in then.items() if k not in moved} == {
        k: v for k, v in now.items() if k not in moved
    }


def test_a_license_does_not_exist_before_its_first_act(cli_ledger: CliLedger) -> None:
    license_id = cli_ledger.issue()
    error = cli_ledger.json("show", license_id, "--as-of", "2024-01-01", code=1)
    assert error["error"]["family"] == "unknown"


def test_show_and_history_have_their_members(cli_ledger: CliLedger) -> None:
    license_id = cli_ledger.issue()
    cli_ledger.act("REVOKE", later(license_id))
    cli_ledger.act("REVOKE", later(license_id), code=3)
    shown = cli_ledger.json("show", license_id)
    assert set(shown) >= {
        "license_id", "type", "state", "flags", "version", "valid_from",
        "valid_until", "holders", "fields", "as_of",
    }  # fmt: skip
    assert (shown["type"], shown["state"], shown["version"]) == (BUSINESS, "REVD", 1)
    events = cli_ledger.json("history", license_id)["events"]
    assert [(e["sequence"], e["act"]) for e in events] == [(1, "ISSUE"), (2, "REVOKE")]
    assert set(events[0]) >= {
        "position", "sequence", "act", "effective_at", "recorded_at", "verdict",
        "refusal", "changed", "signers", "event_digest",
    }  # fmt: skip
    every = cli_ledger.json("history", license_id, "--all")["events"]
    assert [e["refusal"] for e in every] == [None, None, "illegal_transition"]
    assert every[2]["verdict"] == "refused"


def test_accepted_act_answers_with_its_place(cli_ledger: CliLedger) -> None:
    form = cli_ledger.form()
    document = cli_ledger.act("ISSUE", form)
    assert set(document) >= VERDICT
    assert (document["verdict"], document["refusal"]) == ("accepted", None)
    assert document["license_id"].endswith("." + form["serial"])
    assert document["sequence"] == 1
    history = cli_ledger.json("history", document["license_id"])["events"]
    assert history[0]["position"] == document["position"]
    assert history[0]["event_digest"] == document["event_digest"]


def test_refused_act_exits_3_with_its_document(cli_ledger: CliLedger) -> None:
    form = cli_ledger.form(uscc="91210100MA0TE5T16X")
    before = cli_ledger.json("status")
    document = cli_ledger.act("ISSUE", form, code=3)
    assert set(document) >= VERDICT
    assert (document["verdict"], document["refusal"]) == ("refused", "invalid_fields")
    after = cli_ledger.json("status")
    assert after["refused"] == before["refused"] + 1
    assert after["licenses"] == before["licenses"]


def test_clear_citizen_number_is_refused_before_it_is_sent(
    cli_ledger: CliLedger,
) -> None:
    form = cli_ledger.form(scope="210102190001010014")
    before = cli_ledger.json("status")
    document = cli_ledger.act("ISSUE", form, code=3)
    assert document["refusal"] == "clear_personal_data"
    assert document["position"] is None
    assert cli_ledger.json("status")["records"] == before["records"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "the event is not JSON"),
        ("[]", "the event is not an object"),
        ('{"type": "a", "type": "b"}', "the event is not JSON"),
        ('{"type": "x", "color": 1}', "unknown members in the event"),
        ("{}", "type is missing"),
        (f'{{"license_id": "{NOBODY}"}}', "ISSUE opens a license"),
        (f'{{"type": "{BUSINESS}", "fields": []}}', "not an object"),
        (f'{{"type": "{BUSINESS}", "fields": {{"a": 1.5}}}}', "not a field value"),
        (f'{{"type": "{BUSINESS}", "effective_at": "soon"}}', ""),
    ],
)
def test_form_is_judged_before_anything_is_published(
    cli_ledger: CliLedger, text: str, reason: str
) -> None:
    before = cli_ledger.json("status")["records"]
    error = cli_ledger.json("act", "ISSUE", "--file", "-", stdin=text, code=2)["error"]
    assert error["family"] == "malformed"
    assert error["reason"].startswith(reason)
    assert cli_ledger.json("status")["records"] == before


@pytest.mark.parametrize("act", sorted(ACTS))
def test_example_of_every_act_is_a_form_that_parses(act: str) -> None:
    said = call("act", act, "--example")
    form = parse_event_file(said.out)
    assert (said.code, form) == (0, example_of(act))
    license_id = license_id_of(act, form, authority=DEPARTMENT, draw=draw_serial)
    kind = parse_type(schemas.toml(f"types/{BUSINESS}.toml"))
    draft = draft_of(
        act, form, license_id=license_id, kind=kind, authority=DEPARTMENT, now=0
    )
    assert set(draft.fields) <= ACTS[act].reserved | set(kind.fields)


def test_environment_names_the_directory(
    cli_ledger: CliLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICENSE_LEDGER_DIR", str(cli_ledger.directory))
    assert (
        call("status", "--json").document["vkey"] == cli_ledger.json("status")["vkey"]
    )
