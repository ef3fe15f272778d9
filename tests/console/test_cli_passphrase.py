"""The key files' passphrase on the command line: missing, wrong, and given by a file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.console.cli_ledger import CliLedger, call

pytestmark = pytest.mark.postgres


def elsewhere(ledger: CliLedger, folder: Path, passphrase: str | None) -> list[str]:
    """The ledger's database with its key files in another folder."""
    shutil.copytree(ledger.directory / "keys", folder / "keys")
    given = ["--dir", str(folder), "--dsn", ledger.json("status")["dsn"], "--json"]
    if passphrase is None:
        return given
    (folder / "words").write_text(passphrase + "\n")
    return [*given, "--passphrase-file", str(folder / "words")]


@pytest.mark.parametrize(
    ("passphrase", "reason"),
    [(None, "no passphrase for the key files"), ("other words", "wrong passphrase")],
)
def test_without_the_passphrase_nothing_is_signed(
    cli_ledger: CliLedger, tmp_path: Path, passphrase: str | None, reason: str
) -> None:
    form, records = cli_ledger.form(), cli_ledger.json("status")["records"]
    given = elsewhere(cli_ledger, tmp_path, passphrase)
    said = call("act", "ISSUE", "--file", "-", *given, stdin=json.dumps(form))
    assert said.code == 2
    assert said.document["error"]["reason"] == reason
    assert cli_ledger.json("status")["records"] == records


def test_passphrase_by_file_opens_the_keys(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    words = (cli_ledger.directory / "passphrase").read_text().strip()
    given = elsewhere(cli_ledger, tmp_path, words)
    form = json.dumps(cli_ledger.form())
    said = call("act", "ISSUE", "--file", "-", *given, stdin=form)
    assert (said.code, said.document["verdict"]) == (0, "accepted")
    assert call("status", *given).document["warnings"] == []
