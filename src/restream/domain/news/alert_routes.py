"""Which alerts a route tells to its receivers, and at what hours. Pure: local time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from restream.domain.news.alert import LISTED, Affected, Alert, Scope

DAY_MINUTES = 24 * 60
EVERY_DAY = frozenset(range(7))
REMINDERS_S = (3600.0, 86400.0)
"""When it is told again that an outage lasts: after 1 h and after 1 day."""


class Severity(StrEnum):
    """How far an outage reaches: one camera, several that share something, a large part of all or a component."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


_ORDER = tuple(Severity)
_OF_SCOPE: Mapping[Scope, Severity] = {
    Scope.CAMERA: Severity.MINOR,
    Scope.HOST: Severity.MAJOR,
    Scope.PARENT: Severity.MAJOR,
    Scope.SITE: Severity.MAJOR,
    Scope.SERVER: Severity.MAJOR,
    Scope.NODE: Severity.MAJOR,
    Scope.FLEET: Severity.CRITICAL,
    Scope.COMPONENT: Severity.CRITICAL,
}


def severity_of(alert: Alert) -> Severity:
    """How grave it is."""
    return _OF_SCOPE[alert.scope]


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
class AlertRoute:
    """Who is told of which outages, and when. Empty sets mean: whatever it is."""

    name: str
    receivers: tuple[str, ...]
    sites: frozenset[str] = frozenset()
    cameras: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    """Sides at fault: network, camera …"""
    causes: frozenset[str] = frozenset()
    """Codes of reasons: refused, auth_failed …"""
    severity: Severity = Severity.MINOR
    """The least."""
    components: bool = True
    """Whether it tells of database, media servers, nodes, stores."""
    hours: tuple[Hours, ...] = (ALL_DAY,)
    weekdays: frozenset[int] = EVERY_DAY
    time_zone: str = ""
    """Of the hours; empty: the host's."""
    reminders_s: tuple[float, ...] = REMINDERS_S
    """So long after it was told for the first time; rising."""
    escalate_after_s: float | None = None
    escalate_to: tuple[str, ...] = ()

    def open_at(self, now: LocalTime) -> bool:
        """Whether it tells anything now."""
        return any(hours.cover(now, self.weekdays) for hours in self.hours)

    def wants(self, affected: Affected) -> bool:
        """Whether this camera concerns it."""
        subject = affected.subject
        return (
            (not self.sites or subject.site in self.sites)
            and (not self.cameras or subject.id in self.cameras)
            and (not self.faults or subject.fault in self.faults)
            and (not self.causes or subject.code in self.causes)
        )

    def takes(self, alert: Alert) -> bool:
        """Whether alerts of this kind concern it, whatever cameras they are of."""
        if alert.scope is Scope.COMPONENT and not self.components:
            return False
        return _ORDER.index(severity_of(alert)) >= _ORDER.index(self.severity)


def narrowed(alert: Alert, cameras: tuple[Affected, ...]) -> Alert:
    """The alert, of these cameras alone; they are some of its own, and at least one."""
    if len(cameras) == len(alert.everyone):
        return alert
    since = min(affected.since for affected in cameras)
    return replace(alert, total=len(cameras), cameras=cameras[:LISTED], everyone=cameras, since=since)
