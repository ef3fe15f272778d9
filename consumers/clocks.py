"""Whether the clocks that a sealer can see agree with its own."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.errors import Unavailable

CLOCKS_APART_MAX_US = 60_000_000


def compare_clocks(now: int, others: Mapping[str, int | None]) -> None:
    """Raises Unavailable when another clock is more than a minute off; times in UTC µs.

    ``others``: by the word for whose they are; None where there is none to ask.
    """
    for whose, theirs in others.items():
        if theirs is not None and abs(now - theirs) > CLOCKS_APART_MAX_US:
            raise Unavailable(
                f"the clock and {whose} disagree",
                code="clocks_disagree",
                expected=f"at most {CLOCKS_APART_MAX_US} µs",
                found=f"{now - theirs} µs",
            )
