"""The generated pages are what their sources say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import sizing
from console.reference import DOCS, cli_page, differing, main, pages
from ledger.refusals import REFUSALS


def test_generated_pages_are_current_else_run_make_docs() -> None:
    assert differing(DOCS) == [], "run `make docs` and commit what it writes"


def test_sizing_is_what_the_figures_give_else_run_make_docs() -> None:
    readme = (sizing.ROOT / "README.md").read_text(encoding="utf-8")
    assert sizing.PAGE.read_text(encoding="utf-8") == sizing.page(readme)


def test_check_passes_on_current_pages_and_writes_nothing() -> None:
    before = {name: (DOCS / name).stat().st_mtime_ns for name in pages()}
    assert main(["--check"]) == 0
    assert {name: (DOCS / name).stat().st_mtime_ns for name in pages()} == before


def test_missing_and_altered_pages_are_named(tmp_path: Path) -> None:
    for name, text in pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert differing(tmp_path) == []
    (tmp_path / "cli.md").unlink()
    (tmp_path / "refusals.md").write_text("other", encoding="utf-8")
    assert differing(tmp_path) == ["cli.md", "refusals.md"]


def test_unknown_argument_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chekc"]) == 2
    assert "--check" in capsys.readouterr().err


def test_every_refusal_has_a_row() -> None:
    page = pages()["refusals.md"]
    assert [code for code in REFUSALS if f"| `{code}` |" not in page] == []


@pytest.mark.parametrize(
    "command", ["init", "import", "act", "verify", "key register", "registry type"]
)
def test_commands_have_a_section(command: str) -> None:
    assert f"\n## license-ledger {command}\n" in cli_page()
