"""receipt and verify on the command line: every answer that verify knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.cli_ledger import CliLedger, call, later

pytestmark = pytest.mark.postgres


def verify(file: Path, *given: str, code: int = 0) -> Any:
    said = call("verify", str(file), *given, "--json")
    assert said.code == code, said
    return said.document


def test_current_version_of_a_valid_license_is_valid(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    receipt = cli_ledger.receipt(cli_ledger.issue(), tmp_path / "r")
    answer = verify(receipt, "--dir", str(cli_ledger.directory))
    assert answer["result"] == "valid"
    assert "有效" in answer["explanation"]


def test_replaced_version_is_superseded(cli_ledger: CliLedger, tmp_path: Path) -> None:
    license_id = cli_ledger.issue()
    receipt = cli_ledger.receipt(license_id, tmp_path / "r")
    cli_ledger.act("CHANGE", later(license_id, fields={"scope": "零售"}))
    answer = verify(receipt, "--dir", str(cli_ledger.directory))
    assert (answer["result"], answer["version"]) == ("superseded", 1)
    assert answer["current_version"] == 2
    assert "有效" in answer["explanation"]


@pytest.mark.parametrize(
    ("act", "more", "term"),
    [
        ("REVOKE", {}, "吊销"),
        ("ANNUL", {}, "撤销"),
        ("CANCEL", {"fields": {"ground": "6"}}, "注销"),
    ],
)
def test_every_other_state_is_revoked_in_its_own_words(
    cli_ledger: CliLedger, tmp_path: Path, act: str, more: dict[str, Any], term: str
) -> None:
    license_id = cli_ledger.issue()
    receipt = cli_ledger.receipt(license_id, tmp_path / "r")
    cli_ledger.act(act, later(license_id, **more))
    answer = verify(receipt, "--dir", str(cli_ledger.directory))
    assert answer["result"] == "revoked"
    assert term in answer["explanation"]


def test_expired_license_is_revoked_in_its_own_words(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    license_id = cli_ledger.issue(valid_until="2025-12-31")
    receipt = cli_ledger.receipt(license_id, tmp_path / "r")
    answer = verify(receipt, "--dir", str(cli_ledger.directory))
    assert (answer["result"], answer["state"]) == ("revoked", "EXP")
    assert "失效" in answer["explanation"]


def test_key_alone_cannot_tell_what_came_later(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    license_id = cli_ledger.issue()
    receipt = cli_ledger.receipt(license_id, tmp_path / "r")
    cli_ledger.act("REVOKE", later(license_id))
    answer = verify(receipt, "--key", cli_ledger.founded.document["vkey"])
    assert (answer["result"], answer["accepted"]) == ("cannot_tell", True)
    assert answer["license_id"] == license_id


def test_receipt_that_was_changed_anywhere_is_invalid(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    vkey = cli_ledger.founded.document["vkey"]
    receipt = cli_ledger.receipt(cli_ledger.issue(), tmp_path / "r")
    data = receipt.read_bytes()
    forged = tmp_path / "forged"
    for at in range(0, len(data), max(1, len(data) // 40)):
        forged.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        answer = verify(forged, "--key", vkey, code=1)
        assert answer["result"] == "invalid", at
        assert "核验不通过" in answer["explanation"]


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_anything_else_is_an_invalid_receipt(
    cli_ledger: CliLedger, tmp_path: Path, data: bytes
) -> None:
    file = tmp_path / "r"
    file.write_bytes(data)
    vkey = cli_ledger.founded.document["vkey"]
    assert verify(file, "--key", vkey, code=1)["result"] == "invalid"
    place = str(cli_ledger.directory)
    assert verify(file, "--dir", place, code=1)["result"] == "invalid"


def test_key_of_another_ledger_is_invalid_and_no_key_is_bad_usage(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    vkey = cli_ledger.founded.document["vkey"]
    receipt = cli_ledger.receipt(cli_ledger.issue(), tmp_path / "r")
    other = "other.example/" + vkey.partition("/")[2]
    said = call("verify", str(receipt), "--key", other, "--json")
    assert said.code in (1, 2)
    error = verify(receipt, "--key", "no key", code=2)["error"]
    assert error["family"] == "malformed"


def test_receipt_of_an_earlier_event_and_of_none(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    license_id = cli_ledger.issue()
    cli_ledger.act("REVOKE", later(license_id))
    out = ["--out", str(tmp_path / "r")]
    cli_ledger.json("receipt", license_id, "--sequence", "1", *out)
    answer = verify(tmp_path / "r", "--key", cli_ledger.founded.document["vkey"])
    assert (answer["act"], answer["sequence"]) == ("ISSUE", 1)
    missing = cli_ledger.json("receipt", license_id, "--sequence", "3", *out, code=1)
    assert missing["error"]["family"] == "unknown"


def test_receipt_that_cannot_be_written_is_bad_usage(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    license_id = cli_ledger.issue()
    out = str(tmp_path / "no" / "folder")
    error = cli_ledger.json("receipt", license_id, "--out", out, code=2)["error"]
    assert error["reason"] == "the file cannot be written"


def test_words_say_the_same(cli_ledger: CliLedger, tmp_path: Path) -> None:
    receipt = cli_ledger.receipt(cli_ledger.issue(), tmp_path / "r")
    said = call("verify", str(receipt), "--dir", str(cli_ledger.directory))
    assert said.out.startswith("valid: the license is VALID 有效")
    receipt.write_text(json.dumps({"no": "receipt"}))
    said = call("verify", str(receipt), "--dir", str(cli_ledger.directory))
    assert (said.code, said.out.partition(":")[0]) == (1, "invalid")


def test_the_ledger_of_the_environment_is_verified_against(
    cli_ledger: CliLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = cli_ledger.receipt(cli_ledger.issue(), tmp_path / "one.receipt")
    said = call("verify", str(receipt))
    assert (said.code, "--key VKEY or --dir DIR" in said.err) == (2, True)
    monkeypatch.setenv("LICENSE_LEDGER_DIR", str(cli_ledger.directory))
    assert call("verify", str(receipt), "--json").document["result"] == "valid"


def test_a_key_and_a_ledger_at_once_are_refused(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    receipt = cli_ledger.receipt(cli_ledger.issue(), tmp_path / "one.receipt")
    key = cli_ledger.json("status")["vkey"]
    said = cli_ledger.call("verify", str(receipt), "--key", key)
    assert (said.code, said.out) == (2, "")
    assert "asks no ledger" in said.err
