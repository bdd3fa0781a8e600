"""Hours and weekdays: when a route tells, and when a camera is expected. Pure: local time is an argument."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DAY_MINUTES = 24 * 60
EVERY_DAY = frozenset(range(7))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,32}(/[A-Za-z0-9_+\-]{1,32}){0,2}")
_MOST = 24


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment as a clock on the wall shows it; `weekday` 0 is Monday, `minute` that of the day."""

    weekday: int
    minute: int


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of a day from `start` to before `end`; an `end` that is not later than `start` is on the next day."""

    start: int
    end: int

    def cover(self, now: LocalTime, weekdays: frozenset[int]) -> bool:
        """Whether a moment is in them; those that go over midnight belong to the day they begin on."""
        if self.start < self.end:
            return now.weekday in weekdays and self.start <= now.minute < self.end
        if now.minute >= self.start:
            return now.weekday in weekdays
        return now.minute < self.end and (now.weekday - 1) % 7 in weekdays


ALL_DAY = Hours(0, DAY_MINUTES)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a camera is expected."""

    hours: tuple[Hours, ...] = (ALL_DAY,)
    weekdays: frozenset[int] = EVERY_DAY
    time_zone: str = ""
    """Of the hours; empty: the host's."""

    def covers(self, now: LocalTime) -> bool:
        """Whether it is expected now."""
        return any(hours.cover(now, self.weekdays) for hours in self.hours)

    @property
    def document(self) -> dict[str, str | tuple[str, ...]]:
        """As it may be written in a row."""
        return {
            "hours": tuple(map(_written, self.hours)),
            "weekdays": tuple(WEEKDAYS[day] for day in sorted(self.weekdays)),
            "time_zone": self.time_zone,
        }

    def opens_in(self, now: LocalTime) -> int:
        """Minutes until it is expected the next time, at least one. As clocks go: where they are set, an hour off."""
        return min(
            ahead
            for hours in self.hours
            for day in range(8)
            if (now.weekday + day) % 7 in self.weekdays and (ahead := day * DAY_MINUTES + hours.start - now.minute) > 0
        )


def _written(hours: Hours) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (hours.start, hours.end))


def parse_hours(text: str) -> Hours:
    """`08:00-18:00`; one that ends on the next day ends earlier than it begins. Raises ValueError."""
    found = _HOURS.fullmatch(text.strip())
    numbers = [int(each) for each in found.groups()] if found else []
    ends = [60 * hour + minute for hour, minute in zip(numbers[::2], numbers[1::2], strict=True) if minute < 60]
    if len(ends) != 2 or ends[0] >= DAY_MINUTES or ends[1] > DAY_MINUTES or ends[0] == ends[1]:
        raise ValueError("expected hours like 08:00-18:00, or 22:00-06:00 for a night")
    return Hours(*ends)


def parse_weekdays(text: str) -> frozenset[int]:
    """`mon`, or `mon-fri`. Raises ValueError."""
    first, _, last = text.strip().lower().partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        raise ValueError(f"expected weekdays ({', '.join(WEEKDAYS)}) or ranges like mon-fri")
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return frozenset((begin + each) % 7 for each in range((end - begin) % 7 + 1))


def parse_schedule(value: object) -> Schedule:
    """`"06:00-20:00"`, several of them, or `{hours, weekdays, time_zone}`. Raises ValueError."""
    document = value if isinstance(value, Mapping) else {"hours": value}
    if unknown := sorted(map(str, document.keys() - {"hours", "weekdays", "time_zone"})):
        raise ValueError(f"{unknown[0][:40]!a} is unknown (known: hours, time_zone, weekdays)")
    hours = tuple(parse_hours(each) for each in _texts(document.get("hours"), "hours like 08:00-18:00"))
    days = [parse_weekdays(each) for each in _texts(document.get("weekdays"), "weekdays like mon-fri")]
    zone = document.get("time_zone") or ""
    if not isinstance(zone, str) or (zone and not _ZONE.fullmatch(zone)):
        raise ValueError("time_zone: expected one like Europe/Berlin")
    return Schedule(hours or (ALL_DAY,), frozenset().union(*days) or EVERY_DAY, zone)


def _texts(value: object, expected: str) -> Iterable[str]:
    several = value if isinstance(value, list | tuple) else [] if value is None else [value]
    if len(several) > _MOST or not all(isinstance(each, str) for each in several):
        raise ValueError(f"expected {expected}")
    return [each for each in several if isinstance(each, str)]
