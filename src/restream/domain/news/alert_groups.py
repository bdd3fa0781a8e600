"""Which outages, and which ends of outages, make one alert. Pure: `now` is monotonic, `wall` Unix time.

Cameras of one incident make one alert, with what they share as its scope; further cameras of an incident that was told
join it in silence, until there are twice as many as were told last. Its end waits for all of them, for a while.
What belongs to no incident of several cameras is grouped by camera host. A large part of all is the fleet's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from restream.domain.news.alert import LISTED, Affected, Alert, AlertKind, AlertRules, AlertSubject, Scope

MOST_AT_ONCE = 3
"""So many outages are told one by one; more in the same moment are one message."""
_GROWN = 2


@dataclass(frozen=True, slots=True)
class Watch:
    """One camera or component that is down, or was announced so. Clocks are monotonic, in seconds."""

    began: float
    """When the outage began, Unix time."""
    announced: bool = False
    clock: float | None = None
    """Since when the opposite of what was announced holds, without pauses."""
    due: float | None = None
    """Since when it waits to be announced with others."""
    subject: AlertSubject | None = None
    """As it last was when down."""
    open: bool = True
    """Whether it may be announced now: not paused."""

    @property
    def shared(self) -> str:
        """Id of its incident, where that is one of several cameras."""
        return self.subject.shared if self.subject is not None else ""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told at one moment. `cameras`: whose beginning or end is told with it; `sizes` by incident that was told:
    how many cameras it had when it was told last.
    """

    alerts: list[Alert] = field(default_factory=list)
    cameras: Collection[str] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)


def beginnings(
    watches: Mapping[str, Watch], sizes: Mapping[str, int], fleet_size: int, now: float, wall: float, rules: AlertRules
) -> Told:
    """What is told of those that are down and wait to be announced."""
    waiting = _due(watches, announced=False)
    if not _ripe(waiting.values(), now, rules):
        return Told(sizes=sizes)
    fleet, (shared, rest) = _fleet(fleet_size, rules), _by_incident(waiting)
    before = _counted(each for each in watches.values() if each.announced)
    sizes = dict(sizes)
    if len(waiting) >= fleet and not 0 < len(shared) <= MOST_AT_ONCE:
        sizes |= {key: len(group) + before.get(key, 0) for key, group in shared.items()}
        return Told([_alert(AlertKind.DOWN, Scope.FLEET, waiting.values(), wall)], waiting, sizes)
    known, _ = _by_incident({id_: each for id_, each in watches.items() if each.announced and each.due is None})
    alerts = []
    for key, group in shared.items():
        size, told = before.get(key, 0) + len(group), sizes.get(key, before.get(key, 0))
        joins = size < _GROWN * told
        sizes[key] = told if joins else size
        alert = _of_incident(AlertKind.DOWN, group if joins else [*group, *known.get(key, ())], fleet, wall)
        alerts.append(replace(alert, joins=joins))
    return Told([*alerts, *_by_host(AlertKind.DOWN, rest, fleet, wall)], waiting, sizes)


def ends(watches: Mapping[str, Watch], fleet_size: int, now: float, wall: float, rules: AlertRules) -> Told:
    """What is told of those that are back and wait for their end to be announced."""
    waiting = _due(watches, announced=True)
    left = _counted(each for key, each in watches.items() if each.announced and key not in waiting)
    shared, rest = _by_incident(waiting)
    held = {key for key, group in shared.items() if left.get(key) and not _overdue(group, now, rules)}
    ready = {id_: each for id_, each in waiting.items() if each.shared not in held}
    if not _ripe(ready.values(), now, rules):
        return Told()
    fleet = _fleet(fleet_size, rules)
    shared = {key: group for key, group in shared.items() if key not in held}
    if len(ready) >= fleet and not 0 < len(shared) <= MOST_AT_ONCE:
        rest_left = sum(left.get(key, 0) for key in shared)
        return Told([replace(_alert(AlertKind.RECOVERED, Scope.FLEET, ready.values(), wall), left=rest_left)], ready)
    over = AlertKind.RECOVERED
    alerts = [replace(_of_incident(over, group, fleet, wall), left=left.get(key, 0)) for key, group in shared.items()]
    return Told([*alerts, *_by_host(over, rest, fleet, wall)], ready)


def _due(watches: Mapping[str, Watch], *, announced: bool) -> dict[str, Watch]:
    return {
        id_: watch
        for id_, watch in watches.items()
        if watch.due is not None and watch.open and watch.announced is announced
    }


def _ripe(watches: Iterable[Watch], now: float, rules: AlertRules) -> bool:
    return any(watch.due is not None and now - watch.due >= rules.collect_s for watch in watches)


def _overdue(group: Iterable[Watch], now: float, rules: AlertRules) -> bool:
    return any(watch.due is not None and now - watch.due >= rules.end_within_s for watch in group)


def _fleet(fleet_size: int, rules: AlertRules) -> int:
    """From how many cameras on it is the fleet's."""
    return max(rules.fleet_count, math.ceil(rules.fleet_share * fleet_size))


def _counted(watches: Iterable[Watch]) -> dict[str, int]:
    """By incident."""
    found: dict[str, int] = {}
    for watch in watches:
        if watch.shared:
            found[watch.shared] = found.get(watch.shared, 0) + 1
    return found


def _by_incident(waiting: Mapping[str, Watch]) -> tuple[dict[str, list[Watch]], dict[str, Watch]]:
    """Those of incidents of several cameras, and the rest."""
    shared: dict[str, list[Watch]] = {}
    rest: dict[str, Watch] = {}
    for id_, watch in waiting.items():
        if watch.shared:
            shared.setdefault(watch.shared, []).append(watch)
        else:
            rest[id_] = watch
    return shared, rest


def _by_host(kind: AlertKind, waiting: Mapping[str, Watch], fleet: int, wall: float) -> list[Alert]:
    if len(waiting) >= fleet:
        return [_alert(kind, Scope.FLEET, waiting.values(), wall)]
    groups: dict[tuple[str, str], list[Watch]] = {}
    for id_, watch in waiting.items():
        host = watch.subject.host if watch.subject else ""
        # Cameras without a host have nothing in common.
        groups.setdefault((host, "" if host else id_), []).append(watch)
    return [_alert(kind, Scope.HOST if len(group) > 1 else Scope.CAMERA, group, wall) for group in groups.values()]


def _of_incident(kind: AlertKind, group: list[Watch], fleet: int, wall: float) -> Alert:
    bond = group[0].subject.bond if group[0].subject is not None else None
    scope = Scope.FLEET if len(group) >= fleet or bond is None else Scope(bond.scope.value)
    return _alert(kind, scope, group, wall)


def _alert(kind: AlertKind, scope: Scope, watches: Iterable[Watch], wall: float) -> Alert:
    group = list(watches)
    affected = [Affected(watch.subject, watch.began) for watch in group if watch.subject is not None]
    hosts = {each.subject.host for each in affected}
    incidents = {each.subject.incident: each.subject.bond for each in affected}
    (incident, bond) = next(iter(incidents.items())) if len(incidents) == 1 else ("", None)
    return Alert(
        kind,
        wall,
        scope,
        len(affected),
        tuple(affected[:LISTED]),
        hosts.pop() if len(hosts) == 1 and scope is not Scope.FLEET else "",
        since=min(watch.began for watch in group),
        everyone=tuple(affected),
        incident=incident,
        bond=bond,
    )
