"""Fixtures of the command line's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.cli_ledger import CliLedger, founded
from tests.folders import own_folder


@pytest.fixture(scope="session")
def cli_ledger() -> Iterator[CliLedger]:
    """One founded ledger for a test process; each test makes licenses of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DIR", "DSN", "PASSPHRASE"):
            patch.delenv(f"LICENSE_LEDGER_{name}", raising=False)
        with own_folder() as folder, founded(folder / "ledger") as ledger:
            yield ledger
