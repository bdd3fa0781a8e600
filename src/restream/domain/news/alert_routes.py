"""Which alerts a route tells to its receivers, and at what hours. Pure: local time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from restream.domain.news.alert import LISTED, Affected, Alert, Scope
from restream.domain.schedule import ALL_DAY, EVERY_DAY, Hours, LocalTime

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
