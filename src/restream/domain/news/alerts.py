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

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from restream.domain.fleet.node import node_component
from restream.domain.news.alert import Alert, AlertKind, AlertRules, AlertSubject, Scope
from restream.domain.news.alert_groups import Watch, beginnings, ends
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.incident import Bond, IncidentScope


class _Signal(StrEnum):
    DOWN = "down"
    UP = "up"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class AlertState:
    """What is remembered between cycles: only cameras and components with an outage, or one that may become one."""

    at: float | None = None
    cameras: Mapping[str, Watch] = field(default_factory=dict)
    components: Mapping[str, Watch] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    """By incident that was told and lasts: how many cameras it had then."""


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

    begun = beginnings(watches, state.sizes, fleet_size, now, wall, rules)
    over = ends(watches, fleet_size, now, wall, rules)
    alerts += [*begun.alerts, *over.alerts]
    for id_ in (*begun.cameras, *over.cameras):
        told = _told(watches[id_])
        if told is None:
            del watches[id_]
        else:
            watches[id_] = told
    lasting = {watch.shared for watch in watches.values() if watch.announced}
    sizes = {key: size for key, size in begun.sizes.items() if key in lasting}
    return AlertState(now, watches, parts, sizes), alerts


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


def bond_of(component: Component) -> Bond | None:
    """What its loss has in common with an incident; None: it is neither a media server nor a node."""
    if component.server is not None:
        return Bond(IncidentScope.SERVER, component.server)
    _, prefix, node = component.name.rpartition(node_component(""))
    return Bond(IncidentScope.NODE, node) if prefix and node else None


def _explains(component: Component, subject: AlertSubject) -> bool:
    """Whether a camera is down because this component is, whose alert tells of it."""
    if subject.health != "down":
        return False
    if component.server is not None:
        return subject.fault == "media_server" and subject.server == component.server
    return bool(subject.node) and component.name == node_component(subject.node)
