"""A key reported as compromised: what it signed is flagged, and no verdict changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.cli_ledger import CliLedger

pytestmark = pytest.mark.postgres

CITY = "11210100999990029X"


def test_what_a_compromised_key_signed_is_flagged_and_stands(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    keys = cli_ledger.directory / "keys"
    cli_ledger.json(
        *("registry", "authority", CITY, "--name", "市局", "--area", "210100"),
        *("--level", "city", "--role", "publisher"),
    )
    key_id = cli_ledger.json("key", "new", "leaky", "--authority", CITY)["key_id"]
    cli_ledger.json("key", "register", str(keys / "leaky.json"))
    issued = cli_ledger.json(
        *("act", "ISSUE", "--file", "-", "--key", str(keys / "leaky.json")),
        stdin=json.dumps(cli_ledger.form()),
    )
    license_id = issued["license_id"]
    assert cli_ledger.json("history", license_id)["events"][0]["flags"] == []
    cli_ledger.json("key", "compromise", key_id, "--since", "2026-01-01")
    event = cli_ledger.json("history", license_id)["events"][0]
    assert (event["verdict"], event["flags"]) == ("accepted", ["key_compromised"])
    receipt = tmp_path / "receipt"
    cli_ledger.json("receipt", license_id, "--out", str(receipt))
    answer = cli_ledger.json("verify", str(receipt))
    assert answer["result"] == "valid"
    assert "reported as compromised" in answer["explanation"]
