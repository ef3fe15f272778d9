"""The guides in docs/ do what they say: their blocks run in order on one ledger."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.cli_ledger import founded
from tests.guide_session import GuideSession
from tests.test_readme import ROOT, blocks, missing_lines

GUIDES = (
    "archives.md",
    "joint-acts.md",
    "delegations.md",
    "transfers-and-links.md",
    "scan.md",
)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[GuideSession]:
    for name in ("DIR", "DSN", "PASSPHRASE"):
        monkeypatch.delenv(f"LICENSE_LEDGER_{name}", raising=False)
    folder = Path(tempfile.mkdtemp(prefix="guides-"))
    try:
        with founded(folder / "ledger") as ledger:
            place = {"LICENSE_LEDGER_DIR": str(ledger.directory)}
            monkeypatch.setenv("LICENSE_LEDGER_DIR", str(ledger.directory))
            (folder / "desk").mkdir()
            yield GuideSession(folder / "desk", place)
    finally:
        shutil.rmtree(folder)


@pytest.mark.postgres
@pytest.mark.slow
def test_blocks_run_in_order_and_say_what_is_shown(session: GuideSession) -> None:
    for guide in GUIDES:
        for block in blocks((ROOT / "docs" / guide).read_text(encoding="utf-8")):
            if block.language == "sh":
                said = session.run(block.text)
                missing = missing_lines(block.shown, said)
                assert not missing, f"{guide}:{block.line}\n{missing}\n{said}"


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    page = ROOT / "docs" / guide
    text = page.read_text(encoding="utf-8")
    links = [part.split(")")[0].split("#")[0] for part in text.split("](")[1:]]
    assert [one for one in links if not (page.parent / one).exists()] == []
