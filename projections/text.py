"""What a refused record may put into a text column: nothing that can do harm there.

Accepted records are clean by admission. A refused one may carry a citizen number in
clear where admission found it, or a control character where a later rule looked first.
"""

from __future__ import annotations

from datetime import date

from ledger.subject_codes import clear_citizen_number

WITHHELD = "[withheld]"
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


def harmless(text: str, *, latest: date) -> str:
    """The text with control characters escaped, or WITHHELD for a citizen number.

    ``latest`` is the last day on which a person in the record can be born.
    """
    if clear_citizen_number(text, latest=latest):
        return WITHHELD
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()
