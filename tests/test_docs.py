"""The generated pages are what their sources say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import sizing
from console.cli.commands import COMMANDS, loaded
from console.error_book import error_book
from console.reference import COMMON, DOCS, cli_page, differing, main, pages
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


def test_every_error_has_a_row_with_both_languages() -> None:
    lines = pages()["errors.md"].splitlines()
    for code, row in error_book().items():
        (line,) = (line for line in lines if line.startswith(f"| `{code}` |"))
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert cells[1] == row.zh
        assert cells[2:4] == ["<br>".join(row.cause), "<br>".join(row.remedy)]
        assert cells[4] == ("yes 是" if row.retry else "no 否")


def test_every_option_and_exit_code_stands_in_the_reference() -> None:
    page = cli_page()
    for name in COMMANDS:
        section = page.partition(f"\n## license-ledger {name}")[2]
        for option in options_of(loaded(name)):
            assert f"| `{option}" in page
            assert option in section or option in COMMON
    for option in ("--version", "--install-completion", "--show-completion"):
        assert f"| `{option}" in page
    for code in {0, *(row.exit_code for row in error_book().values())}:
        assert f"\n| `{code}` | " in page


def options_of(command: Any) -> set[str]:
    """The long names of a command's options, and of those of a group's commands."""
    children = getattr(command, "commands", {}).values()
    own = {name for one in command.params for name in one.opts if name[:2] == "--"}
    return own.union(*map(options_of, children))


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
