"""The items of a list that stands in one cell."""

from __future__ import annotations

from typing import Final

from console.importer.cells import SPACES

_OPEN: Final = "（([【〔《"
_CLOSE: Final = "）)]】〕》"


def split_items(text: str, separators: str) -> list[str]:
    """The items between separators or line breaks, trimmed, none empty.

    What stands in brackets is of one piece: 热食类（含凉菜、糕点）、自制饮品 are two. A
    text whose brackets do not match is cut at every separator.
    """
    items, depth = _cut(text, separators, brackets=True)
    if depth:
        items, _ = _cut(text, separators, brackets=False)
    return [item for one in items if (item := one.strip(SPACES + "\r\n"))]


def _cut(text: str, separators: str, *, brackets: bool) -> tuple[list[str], int]:
    items, depth = [""], 0
    for char in text:
        if char == "\n" or (char in separators and depth == 0):
            items.append("")
            continue
        if brackets:
            depth += (char in _OPEN) - (char in _CLOSE)
            if depth < 0:
                return items, depth
        items[-1] += char
    return items, depth
