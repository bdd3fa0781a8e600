"""Calendars by cron expressions, through cronsim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from restream.domain.maintenance.window import LONGEST_S, Calendar, Stretch
from restream.domain.schedule import LocalTime


class CalendarError(ValueError):
    """A calendar cannot be used; one line that begins with the key at fault."""


def checked(calendar: Calendar) -> Calendar:
    """The same. Raises CalendarError."""
    try:
        zone = _zone(calendar.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CalendarError("zone: expected a time zone like Europe/Berlin") from None
    try:
        next(CronSim(calendar.cron, datetime.now(zone)))
    except (CronSimError, StopIteration):
        raise CalendarError("cron: expected five fields like 0 2 * * 0 that come to pass") from None
    if not 60 <= calendar.duration_s <= LONGEST_S:
        raise CalendarError("duration_s: expected 60 to 2678400, which are 31 days")
    return calendar


def occurrence(calendar: Calendar, at: float) -> Stretch | None:
    """As `domain.maintenance.window.Occurrence`; None also for a calendar that another version wrote."""
    # Within a minute nothing begins or ends: cron has no seconds.
    found = _from_minute(calendar, int(at // 60))
    return found if found is None or found.end > at else _from_minute(calendar, int(at // 60) + 1)


@lru_cache(maxsize=1000)
def _from_minute(calendar: Calendar, minute: int) -> Stretch | None:
    try:
        zone = _zone(calendar.zone)
        earliest = datetime.fromtimestamp(minute * 60, UTC) - timedelta(seconds=calendar.duration_s)
        begin = next(CronSim(calendar.cron, earliest.astimezone(zone))).timestamp()
    except (CronSimError, StopIteration, ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return None
    return Stretch(begin, begin + calendar.duration_s)


def clock_at(zone: str, wall: float) -> LocalTime:
    """What a clock shows at a moment (Unix time, s) in a time zone; empty, or gone since: the host's."""
    there = datetime.fromtimestamp(wall, UTC)
    try:
        there = there.astimezone(_zone(zone) if zone else None)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = there.astimezone()
    return LocalTime(there.weekday(), 60 * there.hour + there.minute)


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Those that are known here."""
    return frozenset(available_timezones())


@lru_cache(maxsize=100)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
