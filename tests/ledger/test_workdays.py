from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import chinese_calendar
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import schemas
from ledger.errors import Malformed, Unknown
from ledger.workdays import (
    Calendar,
    date_to_day,
    day_start,
    day_to_date,
    instant_text,
    join_calendars,
    legal_day,
    parse_calendar,
    parse_instant,
)

FOLDER = Path(schemas.__file__).with_name("calendars")
LOCAL = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
INSTANTS = st.integers(
    (datetime(1900, 1, 2, tzinfo=UTC) - EPOCH) // MICROSECOND,
    (datetime(2200, 12, 30, tzinfo=UTC) - EPOCH) // MICROSECOND,
).map(lambda us: EPOCH + us * MICROSECOND)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59)


def _data(year: int) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{year}.toml").read_text(encoding="utf-8"))


def _calendar() -> Calendar:
    return join_calendars(parse_calendar(_data(year)) for year in (2025, 2026))


CALENDAR = _calendar()
DAYS = st.dates(date(2025, 1, 1), date(2026, 12, 31))


def test_every_day_of_both_years_agrees_with_the_oracle() -> None:
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(730)]
    found = [CALENDAR.is_workday(day) for day in days]
    assert found == [chinese_calendar.is_workday(day) for day in days]
    assert sum(found[:365]) == sum(found[365:]) == 248


def test_shifted_weekend_days_are_worked() -> None:
    assert sorted(CALENDAR.shifted) == [
        *(date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27)),
        *(date(2025, 9, 28), date(2025, 10, 11)),
        *(date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28)),
        *(date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10)),
    ]


def test_weekday_holidays_of_2026() -> None:
    found = {day for day in CALENDAR.holidays if day.year == 2026 and day.weekday() < 5}
    listed = "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 "
    listed += "06-19 09-25 10-01 10-02 10-05 10-06 10-07"
    assert found == {date.fromisoformat(f"2026-{day}") for day in listed.split()}


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2027, 1, 1)])
def test_a_year_without_a_calendar_is_never_guessed(day: date) -> None:
    with pytest.raises(Unknown, match="2025 2026"):
        CALENDAR.is_workday(day)


def test_a_term_may_not_run_out_of_the_calendar() -> None:
    with pytest.raises(Unknown):
        CALENDAR.add_workdays(date(2026, 12, 31), 1)
    with pytest.raises(Unknown):
        CALENDAR.add_days_to_workday(date(2026, 12, 30), 2)


def test_the_start_day_is_not_counted() -> None:
    assert CALENDAR.add_workdays(date(2026, 11, 23), 1) == date(2026, 11, 24)
    assert CALENDAR.add_workdays(date(2026, 11, 23), 10) == date(2026, 12, 7)
    assert CALENDAR.add_workdays(date(2026, 11, 23), 0) == date(2026, 11, 23)


def test_working_days_jump_over_holidays_and_count_shifted_ones() -> None:
    assert CALENDAR.add_workdays(date(2026, 2, 13), 1) == date(2026, 2, 14)
    assert CALENDAR.add_workdays(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert CALENDAR.add_workdays(date(2026, 9, 30), 3) == date(2026, 10, 10)


def test_a_last_day_on_a_holiday_moves_to_the_next_working_day() -> None:
    assert CALENDAR.add_days_to_workday(date(2026, 9, 1), 30) == date(2026, 10, 8)
    assert CALENDAR.add_days_to_workday(date(2026, 11, 23), 5) == date(2026, 11, 30)
    assert CALENDAR.add_days_to_workday(date(2026, 11, 23), 4) == date(2026, 11, 27)


def test_a_term_is_not_negative() -> None:
    with pytest.raises(Malformed):
        CALENDAR.add_workdays(date(2026, 1, 5), -1)
    with pytest.raises(Malformed):
        CALENDAR.add_days_to_workday(date(2026, 1, 5), -1)
    with pytest.raises(Malformed):
        CALENDAR.workdays_between(date(2026, 1, 5), date(2026, 1, 4))


@given(DAYS, st.integers(1, 60))
def test_counting_and_adding_are_inverse(start: date, count: int) -> None:
    assume(start < date(2026, 9, 1))
    end = CALENDAR.add_workdays(start, count)
    assert CALENDAR.is_workday(end)
    assert CALENDAR.workdays_between(start, end) == count
    assert CALENDAR.workdays_between(start, end - timedelta(days=1)) == count - 1


@pytest.mark.parametrize(
    "holiday",
    [
        {"first": "2025-12-31", "last": "2026-01-01", "workdays": []},
        {"first": "2026-01-01", "last": "2026-01-01", "workdays": ["2026-01-05"]},
        {"first": "2026-01-01", "last": "2026-01-03", "workdays": ["2026-01-03"]},
        {"first": "2026-01-32", "last": "2026-01-03", "workdays": []},
    ],
)
def test_an_unsound_calendar_is_malformed(holiday: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_calendar({"year": 2026, "holiday": [holiday]})


def test_two_calendars_of_one_year_do_not_join() -> None:
    with pytest.raises(Malformed, match="one year"):
        join_calendars([CALENDAR, parse_calendar(_data(2026))])


@given(INSTANTS)
def test_legal_days_agree_with_datetime(when: datetime) -> None:
    us = (when - EPOCH) // MICROSECOND
    local = when.astimezone(LOCAL)
    assert day_to_date(legal_day(us)) == local.date()
    assert date_to_day(f"{local:%Y-%m-%d}") == legal_day(us)
    midnight = datetime(local.year, local.month, local.day, tzinfo=LOCAL)
    assert day_start(legal_day(us)) == (midnight - EPOCH) // MICROSECOND


def test_the_legal_day_turns_at_sixteen_hours_utc() -> None:
    turn = parse_instant("2026-11-22T16:00:00Z")
    assert str(day_to_date(legal_day(turn))) == "2026-11-23"
    assert str(day_to_date(legal_day(turn - 1))) == "2026-11-22"
    assert legal_day(0) == 0
    assert legal_day(-1) == 0
    assert legal_day(-8 * 3_600_000_000 - 1) == -1


@given(INSTANTS, OFFSETS)
def test_instants_agree_with_datetime(when: datetime, minutes: int) -> None:
    us = (when - EPOCH) // MICROSECOND
    assert datetime.fromisoformat(instant_text(us)) == when
    assert instant_text(us).endswith("+08:00")
    assert parse_instant(instant_text(us)) == us
    local = when.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_instant(local.isoformat()) == us


def test_a_fraction_is_printed_only_when_there_is_one() -> None:
    day = parse_instant("2026-11-23")
    assert instant_text(day) == "2026-11-23T00:00:00+08:00"
    assert instant_text(day + 500_000) == "2026-11-23T00:00:00.500000+08:00"
    assert parse_instant("2026-11-23T00:00:00.5+08:00") == day + 500_000


def test_a_day_is_its_first_instant_in_local_time() -> None:
    assert parse_instant("2026-11-23") == parse_instant("2026-11-22T16:00:00Z")
    assert parse_instant("1970-01-01T00:00:00-00:00") == 0


@pytest.mark.parametrize("text", ["", "now", "2026-11-23T00:00:00", "2026-11-31"])
def test_other_texts_are_no_instants(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_instant(text)
    assert caught.value.found == ""


@pytest.mark.parametrize("day", [10**7, -(10**7), 10**30])
def test_a_day_outside_the_calendar_is_malformed(day: int) -> None:
    with pytest.raises(Malformed):
        day_to_date(day)
