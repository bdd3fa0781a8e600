"""Maintenance that was announced: for which cameras, and when. Times are Unix seconds; calendars are read elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from restream.domain.camera.camera import Camera
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Side

MAINTENANCE = "maintenance"
"""Code of the reason."""
NOT_SCHEDULED = "not_scheduled"
"""Likewise, of a camera outside of its hours."""
LONGEST_TITLE = 120
MOST_NAMES = 1000
"""Cameras, sites and servers that one window may name."""
LONGEST_S = 31 * 24 * 3600.0


class Stretch(NamedTuple):
    """From a moment until another."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """When it comes again and again: at the moments of a cron expression in a time zone, for so long (s)."""

    cron: str
    duration_s: float
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Planned work, once between two moments, or by a calendar from one until the other.

    It is of all cameras that are named, or whose site or media server is; of all where nothing is named.
    """

    id: str
    title: str
    begin: float
    end: float | None
    """None: a calendar without an end."""
    calendar: Calendar | None = None
    cameras: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    who: str = ""
    made: float = 0.0
    ended: float | None = None
    """When somebody ended it before its time; of a calendar, for good."""

    def covers(self, camera_id: str, site: str, server: str) -> bool:
        """Whether a camera is meant."""
        if not (self.cameras or self.sites or self.servers):
            return True
        return camera_id in self.cameras or site in self.sites or server in self.servers


Occurrence = Callable[[Calendar, float], Stretch | None]
"""The stretch of a calendar at a moment, or the next one; None: there is none any more."""


def stretch(window: MaintenanceWindow, at: float, occurrence: Occurrence) -> Stretch | None:
    """When it is the next time from a moment on, or now; None: never again."""
    last = min((each for each in (window.end, window.ended) if each is not None), default=float("inf"))
    if at >= last:
        return None
    if window.calendar is None:
        return Stretch(window.begin, last)
    found = occurrence(window.calendar, max(at, window.begin))
    if found is None or found.begin >= last:
        return None
    return Stretch(max(found.begin, window.begin), min(found.end, last))


class Underway(NamedTuple):
    """A window that is open now."""

    window: MaintenanceWindow
    until: float


def underway(windows: Iterable[MaintenanceWindow], at: float, occurrence: Occurrence) -> tuple[Underway, ...]:
    """Those that are open at a moment."""
    found = ((each, stretch(each, at, occurrence)) for each in windows)
    return tuple(Underway(each, span.end) for each, span in found if span is not None and span.begin <= at)


def of_camera(open_now: Iterable[Underway], camera: Camera) -> Underway | None:
    """The one that a camera is in; of several the one that lasts longest."""
    found = [each for each in open_now if each.window.covers(camera.id, camera.site, camera.server)]
    return max(found, key=lambda each: each.until, default=None)


def planned(verdict: Verdict, now_open: Underway, until: str) -> Verdict:
    """A verdict in maintenance: what is down is not to blame, everything else is as it is, and says so too.

    `until` is when it ends, in words.
    """
    title = f": {now_open.window.title}" if now_open.window.title else ""
    reason = Reason(MAINTENANCE, f"in maintenance until {until}{title}")
    return _excused(verdict, reason, "It is judged as usual once the maintenance is over.")


def unscheduled(verdict: Verdict, until: str) -> Verdict:
    """A verdict outside of a camera's hours, like one in maintenance; `until` is when they begin, in words."""
    reason = Reason(NOT_SCHEDULED, f"not scheduled until {until}")
    return _excused(verdict, reason, "It is judged as usual in the hours of its schedule.")


def _excused(verdict: Verdict, reason: Reason, hint: str) -> Verdict:
    if verdict.health is Health.DOWN:
        return Verdict(Health.DISABLED, Side.NONE, (reason, *verdict.reasons), hint)
    return replace(verdict, reasons=(*verdict.reasons, reason))


def is_planned(verdict: Verdict) -> bool:
    """Whether it was judged within maintenance, or outside of its camera's hours."""
    return any(reason.code in (MAINTENANCE, NOT_SCHEDULED) for reason in verdict.reasons)
