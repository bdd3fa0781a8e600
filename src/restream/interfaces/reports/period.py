"""Which range of time a report speaks of: a day, a week, a month, or from one moment to another, in a time zone.

A day begins when the clocks there show midnight, so it has 23 or 25 hours where they are changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

LONGEST_DAYS = 1100


class Period(NamedTuple):
    """From `begin` until `end` (Unix time, s)."""

    name: str
    """`2026-10`, `2026-W41`, `2026-10-05`, or empty."""
    begin: float
    end: float
    zone: str

    def shown(self, at: float) -> str:
        """A moment as the clocks there show it."""
        return datetime.fromtimestamp(at, ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


class PeriodError(ValueError):
    """The range cannot be understood; one line."""


def _day(text: str, today: date) -> tuple[str, date, date]:
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    begin = named.get(text) or date.fromisoformat(text)
    return begin.isoformat(), begin, begin + timedelta(days=1)


def _week(text: str, today: date) -> tuple[str, date, date]:
    monday = today - timedelta(days=today.weekday())
    named = {"this": monday, "last": monday - timedelta(days=7)}
    begin = named.get(text)
    if begin is None:
        found = re.fullmatch(r"([0-9]{4})-?W([0-9]{2})", text)
        if found is None:
            raise ValueError
        begin = date.fromisocalendar(int(found[1]), int(found[2]), 1)
    year, week, _ = begin.isocalendar()
    return f"{year}-W{week:02}", begin, begin + timedelta(days=7)


def _month(text: str, today: date) -> tuple[str, date, date]:
    first = today.replace(day=1)
    named = {"this": first, "last": (first - timedelta(days=1)).replace(day=1)}
    begin = named.get(text)
    if begin is None:
        found = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
        if found is None:
            raise ValueError
        begin = date(int(found[1]), int(found[2]), 1)
    return f"{begin:%Y-%m}", begin, (begin + timedelta(days=32)).replace(day=1)


_NAMED: Mapping[str, tuple[Callable[[str, date], tuple[str, date, date]], str]] = {
    "day": (_day, "a day like 2026-10-05, today or yesterday"),
    "week": (_week, "a week like 2026-W41, this or last"),
    "month": (_month, "a month like 2026-10, this or last"),
}


def period(zone: str, now: float, asked: Mapping[str, str | None]) -> Period:
    """The range that is asked for by one of `day`, `week`, `month`, or by `from` and `to`; nothing: this month.

    What lies after `now` (Unix time, s) is left out. Raises PeriodError.
    """
    clock = _clock(zone)
    given = {key: text for key, text in asked.items() if text}
    named = [key for key in given if key in _NAMED]
    if len(named) > 1 or (named and len(given) > 1):
        raise PeriodError("ask for one range: day, week or month, or from and to")
    if "to" in given and "from" not in given:
        raise PeriodError("to: needs from")
    if "from" in given:
        name, begin = "", _moment(given["from"], "from", clock, later=False)
        end = _moment(given["to"], "to", clock, later=True) if "to" in given else now
    else:
        key = named[0] if named else "month"
        read, expected = _NAMED[key]
        try:
            name, first, after = read(given.get(key, "this"), datetime.fromtimestamp(now, clock).date())
            begin, end = _midnight(first, clock), _midnight(after, clock)
        except (ValueError, OverflowError):
            raise PeriodError(f"{key}: expected {expected}") from None
    if begin >= end:
        raise PeriodError("the range ends before it begins")
    if begin >= now:
        raise PeriodError("the range has not begun yet")
    if end - begin > LONGEST_DAYS * 86_400:
        raise PeriodError(f"the range is longer than {LONGEST_DAYS} days")
    return Period(name, begin, min(end, now), zone)


def _clock(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise PeriodError("zone: expected a time zone like Europe/Berlin") from None


def _midnight(day: date, clock: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=clock).timestamp()


def _moment(text: str, key: str, clock: ZoneInfo, *, later: bool) -> float:
    """A moment; of a day its beginning, or its end for `later`."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = date.fromisoformat(text)
            return _midnight(day + timedelta(days=1) if later else day, clock)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=clock)).timestamp()
    except (ValueError, OverflowError):
        raise PeriodError(f"{key}: expected a day like 2026-10-05, or a moment like 2026-10-05T06:30") from None
