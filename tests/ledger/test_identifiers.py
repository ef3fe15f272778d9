from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ledger
from ledger import identifiers

VERDICT_FILES = [
    "check_digits",
    "divisions",
    "formats",
    "holders",
    "identifiers",
    "license_identifiers",
    "masking",
    "number_formats",
    "subject_codes",
    "value_formats",
    "workdays",
]
BANNED_IMPORTS = {"re", "unicodedata", "locale", "zoneinfo", "time", "os", "random"}
BANNED_METHODS = {
    *("isdigit", "isdecimal", "isnumeric", "isalnum", "isalpha", "isspace"),
    *("strptime", "strftime", "now", "today", "fromtimestamp", "casefold"),
}


def test_every_gathered_name_is_there_once() -> None:
    assert len(set(identifiers.__all__)) == len(identifiers.__all__)
    assert all(hasattr(identifiers, name) for name in identifiers.__all__)


@pytest.mark.parametrize("name", VERDICT_FILES)
def test_a_verdict_rests_on_nothing_that_may_change(name: str) -> None:
    path = Path(ledger.__file__).with_name(f"{name}.py")
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {
        *(name.name for n in nodes if isinstance(n, ast.Import) for name in n.names),
        *(n.module for n in nodes if isinstance(n, ast.ImportFrom)),
    }
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not imported & BANNED_IMPORTS
    assert not called & BANNED_METHODS
