"""How a source system writes a day, and which legal day that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed
from ledger.workdays import date_to_day

_PARTS: Final = ("YYYY", "MM", "DD")
_SEPARATORS: Final = "/-. "


@dataclass(frozen=True, slots=True, kw_only=True)
class DateForm:
    """A pattern such as ``MM/DD/YYYY``: where year, month and day stand in the text."""

    pattern: str

    @classmethod
    def parse(cls, pattern: str, *, where: str) -> DateForm:
        """Takes a pattern with each of YYYY, MM, DD once; raises Malformed otherwise."""
        rest = pattern
        for part in _PARTS:
            rest = rest.replace(part, "", 1)
        if (
            any(part not in pattern for part in _PARTS)
            or rest.strip(_SEPARATORS)
            or len(pattern) > 12
        ):
            raise Malformed(
                "not a form of dates",
                code="bad_mapping",
                expected="YYYY, MM and DD once each, between them / - . or space",
                where=where,
            )
        return cls(pattern=pattern)

    def read(self, text: str) -> str:
        """The day as ``YYYY-MM-DD``; Malformed unless it is one of 1900 to 2200."""
        if len(text) != len(self.pattern):
            raise self._wrong()
        year, month, day = (self._cut(text, part) for part in _PARTS)
        for at, char in enumerate(self.pattern):
            if char in _SEPARATORS and text[at] != char:
                raise self._wrong()
        found = f"{year}-{month}-{day}"
        try:
            date_to_day(found)
        except Malformed as error:
            raise self._wrong() from error
        return found

    def _cut(self, text: str, part: str) -> str:
        at = self.pattern.index(part)
        found = text[at : at + len(part)]
        if not consists_of(found, DIGITS):
            raise self._wrong()
        return found

    def _wrong(self) -> Malformed:
        return Malformed("not a day", expected=f"{self.pattern}, 1900 to 2200")
