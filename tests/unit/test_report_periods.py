"""Which range a report speaks of: days of a time zone, whatever its clocks do."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.interfaces.reports.period import PeriodError, period

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=ZoneInfo(BERLIN)).timestamp()


@pytest.mark.parametrize(
    ("asked", "begin", "length_h", "name"),
    [
        ({"day": "2026-03-28"}, "2026-03-28T00:00+01:00", 24, "2026-03-28"),
        ({"day": "2026-03-29"}, "2026-03-29T00:00+01:00", 23, "2026-03-29"),
        ({"day": "2026-10-25"}, "2026-10-25T00:00+02:00", 25, "2026-10-25"),
        ({"week": "2026-W13"}, "2026-03-23T00:00+01:00", 167, "2026-W13"),
        ({"week": "2026W43"}, "2026-10-19T00:00+02:00", 169, "2026-W43"),
        ({"month": "2026-10"}, "2026-10-01T00:00+02:00", 31 * 24 + 1, "2026-10"),
        ({"month": "2026-02"}, "2026-02-01T00:00+01:00", 28 * 24, "2026-02"),
        ({"month": "last"}, "2026-10-01T00:00+02:00", 31 * 24 + 1, "2026-10"),
        ({"week": "last"}, "2026-11-16T00:00+01:00", 168, "2026-W47"),
        ({"day": "yesterday"}, "2026-11-28T00:00+01:00", 24, "2026-11-28"),
        ({"day": "today"}, "2026-11-29T00:00+01:00", 12, "2026-11-29"),
        ({}, "2026-11-01T00:00+01:00", 28 * 24 + 12, "2026-11"),
        ({"from": "2026-10-24", "to": "2026-10-25"}, "2026-10-24T00:00+02:00", 49, ""),
        ({"from": "2026-10-25T01:30", "to": "2026-10-25T03:30"}, "2026-10-25T01:30+02:00", 3, ""),
        ({"from": "2026-10-25T01:30Z", "to": "2026-10-25T03:30Z"}, "2026-10-25T01:30+00:00", 2, ""),
        ({"from": "2026-11-29T11:00"}, "2026-11-29T11:00+01:00", 1, ""),
    ],
)
def test_ranges(asked: dict[str, str | None], begin: str, length_h: float, name: str) -> None:
    found = period(BERLIN, NOW, asked)
    assert found.begin == datetime.fromisoformat(begin).timestamp() and found.name == name
    assert (found.end - found.begin) / 3600 == length_h


def test_the_last_month_of_january_is_december_of_the_year_before() -> None:
    now = datetime(2027, 1, 31, tzinfo=ZoneInfo(BERLIN)).timestamp()
    assert period(BERLIN, now, {"month": "last"}).name == "2026-12"
    assert (
        period(BERLIN, now, {"week": "2026-W53"}).begin == datetime.fromisoformat("2026-12-28T00:00+01:00").timestamp()
    )


def test_a_moment_is_shown_by_the_clocks_of_the_zone() -> None:
    found = period(BERLIN, NOW, {"day": "2026-10-25"})
    assert [found.shown(each) for each in (found.begin, found.end)] == [
        "2026-10-25 00:00:00 CEST",
        "2026-10-26 00:00:00 CET",
    ]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"day": "2026-13-01"}, "^day: expected a day like"),
        ({"day": "32"}, "^day: "),
        ({"week": "2026-W60"}, "^week: expected a week like"),
        ({"week": "0000-W01"}, "^week: "),
        ({"month": "2026-1"}, "^month: expected a month like"),
        ({"month": "9999-12"}, "^month: "),
        ({"month": "２０２６-10"}, "."),
        ({"from": "soon"}, "^from: expected a day like"),
        ({"from": "2026-10-01", "to": "9999-12-31"}, "^to: "),
        ({"to": "2026-10-01"}, "^to: needs from"),
        ({"from": "2026-10-05", "to": "2026-10-01"}, "ends before"),
        ({"day": "2026-10-05", "month": "2026-10"}, "one range"),
        ({"day": "2026-10-05", "from": "2026-10-01"}, "one range"),
        ({"day": "2026-12-24"}, "not begun"),
        ({"from": "1990-01-01"}, "longer than 1100 days"),
    ],
)
def test_what_cannot_be_understood_is_one_line(asked: dict[str, str | None], told: str) -> None:
    with pytest.raises(PeriodError, match=told) as error:
        period(BERLIN, NOW, asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("zone", ["", "../../etc/passwd", "Europe", "Mars/Olympus", "\0", "x" * 5000])
def test_a_zone_that_is_none(zone: str) -> None:
    with pytest.raises(PeriodError, match=r"^zone: "):
        period(zone, NOW, {})


@given(
    st.dates(date(2024, 1, 1), date(2026, 11, 27)),
    st.sampled_from([BERLIN, "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_days_follow_one_another(day: object, zone: str) -> None:
    """No second is in two days, none is in no day; a week is its days."""
    one = period(zone, NOW, {"day": str(day)})
    year, week, weekday = datetime.fromisoformat(str(day)).isocalendar()
    whole = period(zone, NOW, {"week": f"{year}-W{week:02}"})
    assert whole.begin <= one.begin < one.end <= whole.end or whole.end == NOW
    if weekday == 1:
        assert whole.begin == one.begin
    if weekday == 7:
        assert whole.end == one.end


@given(st.dictionaries(st.sampled_from(["day", "week", "month", "from", "to"]), st.text(max_size=20)))
def test_whatever_is_asked_is_a_range_or_one_line(asked: dict[str, str]) -> None:
    try:
        found = period(BERLIN, NOW, dict(asked))
    except PeriodError as error:
        assert str(error)
    else:
        assert found.begin < found.end <= NOW
