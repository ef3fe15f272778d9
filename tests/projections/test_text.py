"""Text of refused records: escaped, withheld, never raw."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from projections.text import WITHHELD, harmless

TODAY = date(2026, 11, 23)


def test_ordinary_text_stays_as_it_is() -> None:
    assert harmless("沈阳市 A-1", latest=TODAY) == "沈阳市 A-1"


def test_control_characters_are_escaped() -> None:
    assert harmless("a\0b\x1bc\x9f", latest=TODAY) == "a\\u0000b\\u001bc\\u009f"


def test_a_citizen_number_in_clear_is_withheld() -> None:
    # The example of GB 11643-1999.
    assert harmless("see 11010519491231002X", latest=TODAY) == WITHHELD


@given(st.text(st.characters(codec=None), max_size=40))
def test_nothing_that_postgresql_refuses_comes_out(text: str) -> None:
    found = harmless(text, latest=TODAY)
    found.encode("utf-8")
    assert all(ch >= " " and not "\x7f" <= ch <= "\x9f" for ch in found)
