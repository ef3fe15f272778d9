"""CHANGELOG.md keeps the form that its first lines name."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LINES: Final = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
KINDS: Final = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
RELEASE: Final = re.compile(r"## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)")


def headings(mark: str) -> list[str]:
    return [line for line in LINES if line.startswith(mark + " ")]


def test_unreleased_comes_first_then_releases_with_their_days_newest_first() -> None:
    first, *releases = headings("##")
    assert first == "## [Unreleased]"
    found = [RELEASE.fullmatch(line) for line in releases]
    assert all(found), releases
    days = [date.fromisoformat(one[2]) for one in found if one]
    assert days == sorted(days, reverse=True)


def test_the_version_is_the_newest_release_or_one_to_come() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = tuple(map(int, project["project"]["version"].split(".")))
    released = [one[1] for line in LINES if (one := RELEASE.fullmatch(line))]
    assert all(version >= tuple(map(int, one.split("."))) for one in released)


def test_entries_stand_in_lists_under_known_kinds() -> None:
    assert {line[4:] for line in headings("###")} <= set(KINDS)
    start = LINES.index("## [Unreleased]")
    for number, line in enumerate(LINES[start:], start + 1):
        assert line == "" or line.startswith(("## [", "### ", "- ", "  ")), number
        assert len(line) <= 100, number


def test_no_entry_is_empty_or_open() -> None:
    start = LINES.index("## [Unreleased]")
    entries = "\n".join(LINES[start:]).split("\n- ")[1:]
    for entry in entries:
        text = entry.partition("\n\n")[0].strip()
        assert text.endswith("."), text
