"""How a source system writes a day, and which legal day that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from console.importer.cells import half_width
from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed
from ledger.value_formats import instant_ok
from ledger.workdays import date_to_day

YEAR_FIRST: Final = "year-first"
"""Not a pattern: 2022-9-1, 2022/9/1, 2022.9.1, 20220901, 2022年9月1日, also mixed."""

_KNOWN_MAX: Final = 8_192
_PARTS: Final = ("YYYY", "MM", "DD")
_SEPARATORS: Final = "/-. "
_YEAR_FIRST: Final = (
    re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})"),
    re.compile(r"([0-9]{4})()([0-9]{2})([0-9]{2})"),
    re.compile(r"([0-9]{4})( *年) *([0-9]{1,2}) *月 *([0-9]{1,2}) *日"),
)
_CLOCK: Final = re.compile(
    r"[ T]*([0-9]{1,2})(?::|时|点)([0-9]{1,2})分?(?::?([0-9]{1,2})秒?)?$"
)
_TIME_OF_DAY: Final = re.compile(
    r"[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateForm:
    """A pattern such as ``MM/DD/YYYY``: where year, month and day stand in the text.

    A time of day behind it is left away: an act counts by its legal day.
    """

    pattern: str

    @classmethod
    def parse(cls, pattern: str, *, where: str) -> DateForm:
        """Takes ``year-first``, or YYYY, MM, DD once each; raises Malformed otherwise."""
        if pattern == YEAR_FIRST:
            return cls(pattern=pattern)
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
                expected=(
                    f"{YEAR_FIRST!r}, or YYYY, MM and DD once each, between them "
                    "/ - . or space"
                ),
                where=where,
            )
        return cls(pattern=pattern)

    def read(self, text: str) -> str:
        """The day as ``YYYY-MM-DD``; Malformed unless it is one of 1900 to 2200."""
        return _read(self, text)

    def instant(self, text: str) -> str:
        """A day and a time behind it, in UTC+8, as RFC 3339; raises Malformed otherwise.

        ``2025-3-1 8:05``, ``2025年3月1日8时5分``; seconds that are not said are 0.
        """
        plain = half_width(text).strip()
        clock = _CLOCK.search(plain)
        if clock is None:
            raise self._no_instant()
        day = self.read(plain[: clock.start()])
        hour, minute, second = (int(part or 0) for part in clock.groups())
        found = f"{day}T{hour:02}:{minute:02}:{second:02}+08:00"
        if not instant_ok(found):
            raise self._no_instant()
        return found

    def write(self, day: date) -> str:
        """A day as the text that ``read`` takes for it."""
        if self.pattern == YEAR_FIRST:
            return day.isoformat()
        numbers = (f"{day.year:04}", f"{day.month:02}", f"{day.day:02}")
        text = self.pattern
        for part, number in zip(_PARTS, numbers, strict=True):
            text = text.replace(part, number)
        return text

    def read_anew(self, text: str) -> str:
        """The same, without looking at what was read before."""
        found = self._found(_TIME_OF_DAY.sub("", half_width(text).strip()))
        try:
            date_to_day(found)
        except Malformed as error:
            raise self._wrong() from error
        return found

    def _found(self, text: str) -> str:
        if self.pattern == YEAR_FIRST:
            for form in _YEAR_FIRST:
                if found := form.fullmatch(text):
                    return f"{found[1]}-{found[3]:0>2}-{found[4]:0>2}"
            raise self._wrong()
        if len(text) != len(self.pattern):
            raise self._wrong()
        for at, char in enumerate(self.pattern):
            if char in _SEPARATORS and text[at] != char:
                raise self._wrong()
        return "-".join(self._cut(text, part) for part in _PARTS)

    def _cut(self, text: str, part: str) -> str:
        at = self.pattern.index(part)
        found = text[at : at + len(part)]
        if not consists_of(found, DIGITS):
            raise self._wrong()
        return found

    @property
    def _spelt(self) -> str:
        if self.pattern == YEAR_FIRST:
            return "2022-9-1, 2022/9/1, 2022.9.1, 20220901, 2022年9月1日"
        return self.pattern

    def _wrong(self) -> Malformed:
        return Malformed("not a day", expected=f"{self._spelt} (1900 – 2200)")

    def _no_instant(self) -> Malformed:
        return Malformed(
            "not a time", expected=f"{self._spelt}, 8:05 / 8:05:30 / 8时5分"
        )


@lru_cache(maxsize=_KNOWN_MAX)
def _read(form: DateForm, text: str) -> str:
    """Rows of a register share their days: most are read once."""
    return form.read_anew(text)
