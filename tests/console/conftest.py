"""Fixtures of the command line's tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.cli_ledger import CliLedger, founded


@pytest.fixture(scope="session")
def cli_ledger() -> Iterator[CliLedger]:
    """One founded ledger for a test process; each test makes licenses of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DIR", "DSN", "PASSPHRASE"):
            patch.delenv(f"LICENSE_LEDGER_{name}", raising=False)
        folder = Path(tempfile.mkdtemp(prefix="license-ledger-cli-"))
        try:
            with founded(folder / "ledger") as ledger:
                yield ledger
        finally:
            shutil.rmtree(folder)
