"""Every error has a row in two languages, and every place that raises one has a code."""

from __future__ import annotations

import errno
from typing import Final

import pytest

import ledger.log.head
import ledger.seal_reader
import projections.tracking
from console.error_book import ErrorEntry, entry_of, error_book
from ledger.errors import LedgerError, Malformed, Refused, Unavailable, disk_code
from ledger.refusals import REFUSALS
from replay.findings import Check
from tests.console.error_sites import (
    codes_handed_on,
    error_classes,
    sites,
    texts_of,
)

MEND: Final = "give it a row in schemas/errors/, as docs/changing.md says"
AUDITED: Final = {f"audit_{check.name.lower()}" for check in Check}
# Where the code is no literal: it is a verdict's, or a parameter that callers give.
COMPUTED: Final = {
    ("console/cosigning.py", "Refused"),
    ("console/importer/license_type.py", "Refused"),
    ("console/succeeding.py", "Refused"),
}
CLASSES: Final[dict[str, type[LedgerError]]] = {
    kind.__name__: kind
    for kind in (
        *LedgerError.__subclasses__(),
        projections.tracking.Fenced,
        ledger.log.head.Fenced,
        ledger.seal_reader.Fork,
    )
}


def test_the_walk_sees_every_class_of_errors_and_what_it_defaults_to() -> None:
    assert len(sites()) > 400
    assert set(error_classes()) == {*CLASSES, "LedgerError"}
    for name, kind in CLASSES.items():
        if kind is not Refused:
            assert error_classes()[name] == kind.default_code


def test_every_place_that_raises_has_a_row_of_its_own_family() -> None:
    book = error_book()
    wrong = [
        (site.file, site.line, code)
        for site in sites()
        for code in site.codes or (error_classes()[site.kind],)
        if not site.computed
        and (code not in book or book[code].family != CLASSES[site.kind].family)
    ]
    assert wrong == [], MEND


def test_codes_are_literal_where_they_can_be() -> None:
    found = {(site.file, site.kind) for site in sites() if site.computed}
    assert found == COMPUTED


def test_codes_that_pass_through_helpers_have_rows() -> None:
    assert sorted(codes_handed_on() - set(error_book())) == [], MEND


def test_every_row_can_come_about() -> None:
    used = codes_handed_on() | set(error_classes().values()) | set(REFUSALS) | AUDITED
    named = texts_of("console")  # usage errors are named in a table of the program
    assert sorted(set(error_book()) - used - named) == []


def test_every_refusal_and_every_step_of_an_audit_has_a_row() -> None:
    families = {code: row.family for code, row in error_book().items()}
    assert {families[code] for code in REFUSALS} == {"refused"}
    answers = {code for code, family in families.items() if family == "answer"}
    assert answers == AUDITED | {"receipt_invalid"}


def test_a_row_says_everything_in_both_languages() -> None:
    assert [row.code for row in error_book().values() if not is_whole(row)] == []


def test_exit_codes_are_those_of_the_families() -> None:
    exits = {row.family: row.exit_code for row in error_book().values()}
    del exits["internal"]
    assert exits == {
        "malformed": 2, "refused": 3, "unavailable": 4, "untrusted": 5, "unknown": 1,
        "answer": 1,
    }  # fmt: skip
    assert entry_of("internal_error").exit_code == 70
    assert entry_of("interrupted").exit_code == 130


def test_an_error_without_a_finer_code_has_that_of_its_family() -> None:
    assert Malformed("no").code == "bad_input"
    assert Unavailable("no", code="disk_full").code == "disk_full"
    assert projections.tracking.Fenced("no").code == "fenced"
    assert Refused("no", code="stale").code == "stale"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EACCES, "other")],
)
def test_a_full_disk_is_told_from_other_trouble(number: int, code: str) -> None:
    assert disk_code(OSError(number, "…"), "other") == code


def is_whole(row: ErrorEntry) -> bool:
    """English without Chinese, Chinese with some, neither closed: lines are joined."""
    return all(
        english.replace("…", "").isascii()
        and english
        and not english.endswith(".")
        and has_chinese(chinese)
        and not chinese.endswith("。")
        for english, chinese in (row.cause, row.remedy)
    ) and has_chinese(row.zh)


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)
