"""Days of law: UTC+8 days, instants as text, and the statutory working calendar.

Local time is UTC+8 by arithmetic; no tz database, so no verdict can change with one.
A day number counts days since 1970-01-01; an instant counts microseconds in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed, Unknown

YEAR_MIN = 1900
YEAR_MAX = 2200
DAY_US = 86_400_000_000
OFFSET_US = 8 * 3_600_000_000
"""UTC+8, the legal time of the country."""

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_ONE_DAY = timedelta(days=1)


def legal_day(us: int) -> int:
    """The day in UTC+8 in which the instant ``us`` lies."""
    return (us + OFFSET_US) // DAY_US


def day_start(day: int) -> int:
    """The instant of 00:00 UTC+8 of a day number."""
    return day * DAY_US - OFFSET_US


def day_to_date(day: int) -> date:
    """The calendar date of a day number; Malformed outside the years 1 to 9999."""
    try:
        return date.fromordinal(day + _EPOCH_ORDINAL)
    except (ValueError, OverflowError) as error:
        raise Malformed("no such day", code="bad_date", found=str(day)) from error


def date_to_day(text: str) -> int:
    """The day number of ``YYYY-MM-DD``; Malformed unless a real day of 1900 to 2200."""
    if (
        len(text) != 10
        or text[4] != "-"
        or text[7] != "-"
        or not consists_of(text[:4] + text[5:7] + text[8:], DIGITS)
        or not YEAR_MIN <= int(text[:4]) <= YEAR_MAX
    ):
        raise _not_a("date", "YYYY-MM-DD, 1900 to 2200")
    try:
        found = date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError as error:
        raise _not_a("date", "a day of the calendar") from error
    return found.toordinal() - _EPOCH_ORDINAL


def instant_text(us: int) -> str:
    """RFC 3339 in UTC+8, microseconds only when there are any."""
    day, rest = divmod(us + OFFSET_US, DAY_US)
    seconds, fraction = divmod(rest, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    tail = f".{fraction:06d}" if fraction else ""
    return f"{day_to_date(day)}T{hour:02d}:{minute:02d}:{second:02d}{tail}+08:00"


def parse_instant(text: str) -> int:
    """UTC microseconds of an RFC 3339 time, or of a day ``YYYY-MM-DD`` (00:00 UTC+8).

    Seconds and an offset (or Z) are demanded, at most six decimals; no leap second. Raises
    Malformed otherwise. Source: RFC 3339 §5.6.
    """
    day = date_to_day(text[:10])
    if len(text) == 10:
        return day_start(day)
    clock, offset = text[11:19], _split_offset(text)
    fraction = text[19 : len(text) - len(offset)]
    if text[10] != "T" or not _fraction_shaped(fraction):
        raise _not_an_instant()
    local = _clock_s(clock) * 1_000_000 + int(fraction[1:].ljust(6, "0"))
    return day * DAY_US + local - _offset_us(offset)


def _split_offset(text: str) -> str:
    return "Z" if text.endswith("Z") else text[-6:]


def _fraction_shaped(text: str) -> bool:
    if text == "":
        return True
    return text[0] == "." and len(text) <= 7 and consists_of(text[1:], DIGITS)


def _clock_s(text: str) -> int:
    """Seconds since midnight of HH:MM:SS."""
    if len(text) != 8 or text[2] != ":" or text[5] != ":":
        raise _not_an_instant()
    return _two(text[:2], 23) * 3600 + _two(text[3:5], 59) * 60 + _two(text[6:], 59)


def _offset_us(text: str) -> int:
    if text == "Z":
        return 0
    if len(text) != 6 or text[0] not in "+-" or text[3] != ":":
        raise _not_an_instant()
    minutes = _two(text[1:3], 23) * 60 + _two(text[4:], 59)
    return (minutes if text[0] == "+" else -minutes) * 60_000_000


def _two(text: str, highest: int) -> int:
    if not consists_of(text, DIGITS) or int(text) > highest:
        raise _not_an_instant()
    return int(text)


def _not_an_instant() -> Malformed:
    return _not_a("instant", "RFC 3339 with seconds and offset, or YYYY-MM-DD")


def _not_a(thing: str, expected: str) -> Malformed:
    # A date may be somebody's birthday: the text stays out of the error.
    return Malformed(f"not a {thing}", code="bad_date", expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The statutory calendar of some years: never guesses about another year.

    ``holidays``: days off by the State Council's notice, weekend days among them;
    ``shifted``: weekend days that are worked instead (调休). Methods raise Unknown when
    they meet a year that is not in ``years``.
    """

    years: frozenset[int]
    holidays: frozenset[date]
    shifted: frozenset[date]

    def is_workday(self, day: date) -> bool:
        """Whether offices work on ``day``."""
        if day.year not in self.years:
            raise Unknown(
                "no statutory calendar for this year",
                code="calendar_missing",
                expected=" ".join(map(str, sorted(self.years))),
                found=str(day.year),
            )
        if day in self.shifted:
            return True
        return day.weekday() < 5 and day not in self.holidays

    def add_workdays(self, start: date, count: int) -> date:
        """The ``count``-th working day after ``start``; the start day is not counted.

        The term ends at 24:00 of the day returned (民法典 201, 203). ``count`` 0 gives
        ``start`` itself, a negative one raises Malformed.
        """
        _demand_term(count)
        day = start
        while count:
            day += _ONE_DAY
            count -= self.is_workday(day)
        return day

    def add_days_to_workday(self, start: date, count: int) -> date:
        """The end of a term of calendar days; the start day is not counted.

        When the last day is no working day, the next working day ends the term (民法典
        201, 203). A negative ``count`` raises Malformed.
        """
        _demand_term(count)
        day = start + timedelta(days=count)
        while not self.is_workday(day):
            day += _ONE_DAY
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """How many working days lie after ``start`` up to ``end``, this one included.

        Raises Malformed when ``end`` is before ``start``.
        """
        span = (end - start).days
        _demand_term(span)
        return sum(self.is_workday(start + timedelta(days=n + 1)) for n in range(span))


def parse_calendar(data: Mapping[str, Any]) -> Calendar:
    """Reads one year of ``schemas/calendars`` (parsed): ``year`` and its ``holiday`` list.

    Each holiday has ``first`` and ``last`` day and the ``workdays`` that make up for it. A
    holiday across New Year is written in both years, each with its own days.
    Raises Malformed when a day is in another year, a shifted day is no weekend day, or a
    day stands there twice.
    """
    year: int = data["year"]
    off: list[date] = []
    shifted: list[date] = []
    for holiday in data["holiday"]:
        first, last = (date_to_day(holiday[name]) for name in ("first", "last"))
        off.extend(day_to_date(day) for day in range(first, last + 1))
        shifted.extend(day_to_date(date_to_day(text)) for text in holiday["workdays"])
    _demand_sound(year, off, shifted)
    return Calendar(
        years=frozenset({year}), holidays=frozenset(off), shifted=frozenset(shifted)
    )


def join_calendars(calendars: Iterable[Calendar]) -> Calendar:
    """One calendar of all their years; Malformed when two of them tell of one year."""
    parts = tuple(calendars)
    years = frozenset[int]().union(*(part.years for part in parts))
    if len(years) != sum(len(part.years) for part in parts):
        raise Malformed("two calendars for one year")
    return Calendar(
        years=years,
        holidays=frozenset[date]().union(*(part.holidays for part in parts)),
        shifted=frozenset[date]().union(*(part.shifted for part in parts)),
    )


def _demand_sound(year: int, off: list[date], shifted: list[date]) -> None:
    days = off + shifted
    if len(set(days)) != len(days):
        raise Malformed("a day stands twice", where=f"calendar {year}")
    for day in days:
        if day.year != year or (day in shifted and day.weekday() < 5):
            raise Malformed(
                "a day that cannot stand here",
                expected="a day of the year; a shifted one on a weekend",
                found=str(day),
                where=f"calendar {year}",
            )


def _demand_term(count: int) -> None:
    if count < 0:
        raise Malformed("a term cannot be negative", found=str(count))
