"""What the command line says when it ends with an error: both languages, one code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.error_book import entry_of, error_book
from console.importer.reasons import IMPORT_REASONS
from tests.console.cli_ledger import (
    BUSINESS,
    DEPARTMENT,
    CliLedger,
    call,
    later,
)

NOBODY = f"1.2.156.3005.2.{BUSINESS}.{DEPARTMENT}.NOSUCHSERIAL"


def test_without_json_an_error_is_a_line_in_each_language(
    cli_ledger: CliLedger,
) -> None:
    said = cli_ledger.call("show", NOBODY)
    assert (said.code, said.out) == (1, "")
    english, chinese = said.err.splitlines()
    assert english.startswith("unknown: no such license; expected ")
    assert english.isascii()
    assert chinese == entry_of("license_not_found").chinese
    assert chinese.startswith("license_not_found 查无此证照：本账本没有")


def test_the_document_of_an_error_has_its_code_and_both_languages(
    cli_ledger: CliLedger,
) -> None:
    error = cli_ledger.json("show", NOBODY, code=1)["error"]
    assert error["code"] == "license_not_found"
    assert error["retry"] is False
    assert error["en"] == {
        "cause": "no accepted event of such a license is in this ledger",
        "remedy": "check the identifier, or the number as system:number",
    }
    assert error["zh"]["name"] == "查无此证照"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["bogus"], "bad_usage"),
        (["status", "--bogus"], "no_such_option"),
        (["show"], "argument_missing"),
        (["run", "--rounds", "many"], "bad_option_value"),
        (["status", "--as-of", "yesterday"], "bad_date"),
        (["act", "EXPLODE", "--example"], "no_such_act"),
        (["act", "ISSUE"], "argument_missing"),
        (["verify", "no-such-file"], "file_unreadable"),
        (["status", "--dsn", "nonsense"], "bad_database_address"),
        (["status", "--dsn", "postgresql://127.0.0.1:1/none"], "database_unreachable"),
        (["status", "--passphrase-file", "no-such-file"], "file_unreadable"),
    ],
)
def test_what_a_user_can_mend_has_a_code_of_its_own(
    cli_ledger: CliLedger, arguments: list[str], code: str
) -> None:
    said = cli_ledger.call(*arguments)
    english, chinese = said.err.splitlines()
    assert english.startswith(f"{entry_of(code).family}: ")
    assert chinese == entry_of(code).chinese
    assert said.code == entry_of(code).exit_code
    assert cli_ledger.json(*arguments, code=said.code)["error"]["code"] == code


def test_an_unforeseen_error_names_its_kind_and_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_ledger: object) -> None:
        raise ValueError("a name in clear")

    monkeypatch.setattr("console.cli.inspecting.open_ledger", broken)
    said = call("status", "--json")
    assert said.code == 70
    error = said.document["error"]
    assert (error["code"], error["family"]) == ("internal_error", "internal")
    assert error["found"] == "ValueError"
    assert "internal_error 程序内部错误" in said.err
    assert "clear" not in said.out + said.err


def test_a_refused_act_says_its_code_in_chinese(cli_ledger: CliLedger) -> None:
    license_id = cli_ledger.issue()
    cli_ledger.act("REVOKE", later(license_id))
    said = cli_ledger.call(
        "act", "REVOKE", "--file", "-", stdin=json.dumps(later(license_id))
    )
    assert said.code == 3
    assert said.out.splitlines()[-1] == entry_of("illegal_transition").chinese
    assert "状态不允许：当前状态不允许该行为。" in said.out


def test_a_receipt_that_does_not_hold_says_so_in_chinese(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt"
    receipt.write_text("{}")
    said = cli_ledger.call("verify", str(receipt))
    assert said.code == 1
    assert said.out.splitlines()[-1] == entry_of("receipt_invalid").chinese
    assert cli_ledger.json("verify", str(receipt), code=1)["code"] == "receipt_invalid"


@pytest.mark.parametrize("code", ["disk_full", "stale", "audit_tiles"])
def test_explain_says_a_row_of_the_book_without_a_ledger(code: str) -> None:
    said = call("explain", code)
    assert said.code == 0
    row = entry_of(code)
    for text in (row.zh, *row.cause, *row.remedy, f"exit code {row.exit_code}"):
        assert text in said.out
    document = call("explain", code, "--json").document
    assert document == {
        "code": code,
        "family": row.family,
        "exit_code": row.exit_code,
        **row.document,
    }


def test_explain_lists_every_code() -> None:
    said = call("explain")
    heading, *lines = said.out.splitlines()
    assert heading.split() == ["code", "family", "中文"]
    every = {*error_book(), *IMPORT_REASONS}
    assert sorted(line.split()[0] for line in lines) == sorted(every)
    document = call("explain", "--json").document
    assert sorted(row["code"] for row in document["errors"]) == sorted(every)


def test_explain_says_why_a_row_of_an_import_stays_out() -> None:
    said = call("explain", "ends_before_start")
    assert "family row, exit code 0" in said.out
    assert "原因：有效期截止早于起始" in said.out
    assert "处理：在拒收文件中更正该行，再导入该文件" in said.out
    document = call("explain", "scientific_number", "--json").document
    assert document["zh"]["remedy"].startswith("请从原系统重新导出")


def test_wrong_value_of_an_option_names_the_option() -> None:
    said = call("rebuild", "--processes", "x")
    assert said.code == 2
    assert "Invalid value for '--processes'" in said.err


def test_explain_of_no_code_is_said_to_be_none() -> None:
    said = call("explain", "no_such_code", "--json")
    assert said.code == 1
    assert said.document["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("uscc", "options", "where"),
    [
        ("沈阳市局", (), "USCC"),
        ("112101008888840202", (), "USCC"),
        (DEPARTMENT, ("--area", "999999"), "--area"),
        (DEPARTMENT, ("--area", "2101"), "--area"),
        (DEPARTMENT, ("--level", "town"), "--level"),
        (DEPARTMENT, ("--role", "publisher", "--role", "boss"), "--role"),
    ],
)
def test_authority_that_cannot_be_is_told_before_anything_is_recorded(
    cli_ledger: CliLedger, uscc: str, options: tuple[str, ...], where: str
) -> None:
    before = cli_ledger.json("status")["records"]
    said = cli_ledger.json("registry", "authority", uscc, *options, code=2)
    assert said["error"]["code"] == "bad_option_value"
    assert said["error"]["where"] == where
    assert cli_ledger.json("status")["records"] == before
