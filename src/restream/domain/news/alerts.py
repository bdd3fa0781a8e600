"""When people are told of an outage, and how many outages make one message. Pure: `now` is monotonic, `wall` Unix time.

    state now              not announced          announced
    down                   clock of down runs     clock of up cleared
    degraded and blind     as down                as down
    healthy, degraded      clock of down cleared  clock of up runs
    unknown (paused)       clock stands still     clock stands still
    disabled, removed      forgotten              forgotten, nobody is told

Blind is a camera that flows and shows nothing (`picture_flaws.BLIND`).
Unknown neither counts as down nor as up: time spent in it is taken off the clock, and nothing is announced meanwhile.
While a media server is down, or a node is lost, cameras that are down because of it are paused in the same way.
What becomes due is collected for `collect_s`, so that cameras which fail together make one message.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from restream.domain.fleet.node import node_component
from restream.domain.judgement.picture_flaws import BLIND
from restream.domain.news.component import Component, ComponentState
from restream.domain.server.identity import DEFAULT_SERVER, ServerId

LISTED = 20
"""How many cameras an alert lists; its total tells of all."""


class AlertError(Exception):
    """An alert was not taken; one line, without the URL. `passing`: another try may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class AlertKind(StrEnum):
    """What an alert tells: an outage or its end, of cameras or of a component; or nothing, on trial."""

    DOWN = "down"
    RECOVERED = "recovered"
    COMPONENT_DOWN = "component_down"
    COMPONENT_UP = "component_up"
    TEST = "test"


class Telling(StrEnum):
    """Why somebody is told: it is news, it lasts, or nobody has ended it in time."""

    NEWS = "news"
    REMINDER = "reminder"
    ESCALATION = "escalation"


class Scope(StrEnum):
    """What an alert is about: one camera, several of one camera host, a large part of all, a component."""

    CAMERA = "camera"
    HOST = "host"
    FLEET = "fleet"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True)
class AlertRules:
    """How long (s) an outage and its end must last to be told, and how many cameras make it the fleet's."""

    down_after_s: float = 30.0
    up_after_s: float = 10.0
    collect_s: float = 10.0
    fleet_count: int = 5
    fleet_share: float = 0.3
    """So many cameras at once, and so large a share of all that are not disabled, make it the fleet's."""


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """A camera as alerts see it; `code` and `text` tell why it is not healthy, masked."""

    id: str
    name: str = ""
    site: str = ""
    host: str = ""
    health: str = "unknown"
    fault: str = "none"
    code: str = ""
    text: str = ""
    server: ServerId = DEFAULT_SERVER
    """The media server it is published to."""
    node: str = ""
    """The node that had it, where none has it now."""

    @property
    def blind(self) -> bool:
        """It flows, and nobody sees what he should."""
        return self.health == "degraded" and self.code in BLIND


@dataclass(frozen=True, slots=True)
class Affected:
    """A camera in an alert; `since` is when its outage began (Unix time, s). Why it was down is told in both kinds."""

    subject: AlertSubject
    since: float


@dataclass(frozen=True, slots=True)
class Alert:
    """`total` cameras are meant, of which `cameras` lists some. A component has its name, detail and beginning."""

    kind: AlertKind
    at: float
    scope: Scope
    total: int
    cameras: tuple[Affected, ...] = ()
    host: str = ""
    component: str = ""
    detail: str = ""
    since: float = 0.0
    everyone: tuple[Affected, ...] = ()
    """All of `total`."""
    telling: Telling = Telling.NEWS
    threads: tuple[str, ...] = ()
    """Ids of the first alerts of the outages that are meant; only where a route tells it."""
    left: int = 0
    """Of an end: how many cameras of the same outages are still down."""


class _Signal(StrEnum):
    DOWN = "down"
    UP = "up"
    PAUSED = "paused"


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


@dataclass(frozen=True, slots=True)
class AlertState:
    """What is remembered between cycles: only cameras and components with an outage, or one that may become one."""

    at: float | None = None
    cameras: Mapping[str, Watch] = field(default_factory=dict)
    components: Mapping[str, Watch] = field(default_factory=dict)


_HEALTH = {"down": _Signal.DOWN, "healthy": _Signal.UP, "degraded": _Signal.UP}
_COMPONENT = {ComponentState.DOWN: _Signal.DOWN, ComponentState.UP: _Signal.UP}


def step(
    state: AlertState,
    subjects: Mapping[str, AlertSubject],
    components: Mapping[str, Component],
    now: float,
    wall: float,
    rules: AlertRules,
    fleet_size: int,
) -> tuple[AlertState, list[Alert]]:
    """One cycle. Removed and disabled cameras, and removed components, are forgotten.

    Subjects that are neither down nor watched change nothing, and may be left out. `fleet_size` counts all cameras that
    are not disabled.
    """
    elapsed_s = now - state.at if state.at is not None else 0.0
    alerts: list[Alert] = []
    parts: dict[str, Watch] = {}
    for name, component in components.items():
        signal = _COMPONENT.get(component.state, _Signal.PAUSED)
        watch = _advance(state.components.get(name), signal, now, wall, elapsed_s, rules)
        if watch is not None and watch.open and watch.due is not None:
            kind = AlertKind.COMPONENT_UP if watch.announced else AlertKind.COMPONENT_DOWN
            hit = sum(_explains(component, each) for each in subjects.values())
            alerts.append(Alert(kind, wall, Scope.COMPONENT, hit, (), "", name, component.detail, watch.began))
            watch = _told(watch)
        if watch is not None:
            parts[name] = watch

    away = [each for each in components.values() if each.state is ComponentState.DOWN]
    watches: dict[str, Watch] = {}
    for id_, subject in subjects.items():
        if subject.health == "disabled":
            continue
        excused = any(_explains(each, subject) for each in away)
        health = "down" if subject.blind else subject.health
        signal = _Signal.PAUSED if excused else _HEALTH.get(health, _Signal.PAUSED)
        before = state.cameras.get(id_)
        if before is None and signal is not _Signal.DOWN:
            continue
        watch = _advance(before, signal, now, wall, elapsed_s, rules)
        if watch is not None:
            watches[id_] = replace(watch, subject=subject) if signal is _Signal.DOWN else watch

    for announced in (False, True):
        waiting = {
            id_: watch
            for id_, watch in watches.items()
            if watch.due is not None and watch.open and watch.announced is announced
        }
        if any(watch.due is not None and now - watch.due >= rules.collect_s for watch in waiting.values()):
            alerts.extend(_grouped(waiting, fleet_size, wall, rules))
            for id_, watch in waiting.items():
                told = _told(watch)
                if told is None:
                    del watches[id_]
                else:
                    watches[id_] = told
    return AlertState(now, watches, parts), alerts


def _advance(
    watch: Watch | None, signal: _Signal, now: float, wall: float, elapsed_s: float, rules: AlertRules
) -> Watch | None:
    if signal is _Signal.PAUSED:
        if watch is None:
            return None
        clock = watch.clock + elapsed_s if watch.clock is not None else None
        return replace(watch, clock=clock, open=False)
    if watch is None:
        watch = Watch(wall) if signal is _Signal.DOWN else None
    if watch is None:
        return None
    if (signal is _Signal.DOWN) is watch.announced:
        return replace(watch, clock=None, due=None, open=True) if watch.announced else None
    clock = now if watch.clock is None else watch.clock
    ripe = now - clock >= (rules.up_after_s if watch.announced else rules.down_after_s)
    due = (now if watch.due is None else watch.due) if ripe else None
    return replace(watch, clock=clock, due=due, open=True)


def _told(watch: Watch) -> Watch | None:
    """After an announcement; None when the outage is over."""
    return None if watch.announced else replace(watch, announced=True, clock=None, due=None)


def _grouped(waiting: Mapping[str, Watch], fleet_size: int, wall: float, rules: AlertRules) -> list[Alert]:
    if len(waiting) >= max(rules.fleet_count, math.ceil(rules.fleet_share * fleet_size)):
        return [_alert(Scope.FLEET, waiting.values(), wall)]
    groups: dict[tuple[str, str], list[Watch]] = {}
    for id_, watch in waiting.items():
        host = watch.subject.host if watch.subject else ""
        # Cameras without a host have nothing in common.
        groups.setdefault((host, "" if host else id_), []).append(watch)
    return [_alert(Scope.HOST if len(group) > 1 else Scope.CAMERA, group, wall) for group in groups.values()]


def _alert(scope: Scope, watches: Iterable[Watch], wall: float) -> Alert:
    group = list(watches)
    affected = [Affected(watch.subject, watch.began) for watch in group if watch.subject is not None]
    return Alert(
        AlertKind.RECOVERED if group[0].announced else AlertKind.DOWN,
        wall,
        scope,
        len(affected),
        tuple(affected[:LISTED]),
        "" if scope is Scope.FLEET else affected[0].subject.host,
        since=min(watch.began for watch in group),
        everyone=tuple(affected),
    )


def _explains(component: Component, subject: AlertSubject) -> bool:
    """Whether a camera is down because this component is, whose alert tells of it."""
    if subject.health != "down":
        return False
    if component.server is not None:
        return subject.fault == "media_server" and subject.server == component.server
    return bool(subject.node) and component.name == node_component(subject.node)
