"""What routes tell of the outages that were announced: the news, its end, that it lasts, and that nobody has ended it.

Pure: `now` is monotonic, `wall` Unix time. Of each outage a route tells

    first       when it is announced, or when the hours of the route begin, if it lasts until then
    reminder    so long after that, each once, if it lasts
    escalation  so long after that, to further receivers, if it lasts
    the end     to everybody who was told; outside of the hours when they begin

Who saw to it (`quiet`) is not reminded, and nobody else is called.
Several outages of cameras that a route tells at once are one message.
Further cameras of an incident that was told belong to its outage; when it has grown much it is told anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from restream.domain.news.alert import LISTED, Affected, Alert, AlertKind, Scope, Telling
from restream.domain.news.alert_groups import MOST_AT_ONCE
from restream.domain.news.alert_routes import AlertRoute, narrowed
from restream.domain.schedule import LocalTime

_MOST_HELD = 100
"""So many ends wait for the hours of a route; of more, the newest."""


@dataclass(frozen=True, slots=True)
class RouteProgress:
    """How far a route is with an outage. `told_at` is monotonic."""

    told_at: float
    reminders: int = 0
    escalated: bool = False
    grown: bool = False
    """It is much more than what was told."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One that was announced and lasts: `left` are its cameras that are still down, by id."""

    id: str
    alert: Alert
    left: Mapping[str, Affected]
    routes: Mapping[str, RouteProgress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message for some receivers of a route."""

    route: str
    receivers: tuple[str, ...]
    alert: Alert


@dataclass(frozen=True, slots=True)
class Lasting:
    """What was announced and has not ended: ids of cameras, names of components."""

    cameras: Collection[str]
    components: Collection[str]


@dataclass(frozen=True, slots=True)
class RoutingState:
    """Outages that last, and ends that wait for the hours of their route."""

    outages: tuple[Outage, ...] = ()
    held: tuple[Dispatch, ...] = ()


def follow(
    state: RoutingState,
    news: Sequence[tuple[str, Alert]],
    lasting: Lasting,
    routes: Sequence[AlertRoute],
    now: float,
    wall: float,
    clock: Callable[[AlertRoute], LocalTime],
    quiet: Collection[str] = (),
) -> tuple[RoutingState, list[Dispatch]]:
    """One cycle. `news` are the alerts of this moment with their ids; `quiet` are cameras and components somebody
    sees to.
    """
    outages, told = list(state.outages), list(state.held)
    for id_, alert in news:
        if alert.kind in (AlertKind.DOWN, AlertKind.COMPONENT_DOWN):
            outages = _begun(outages, id_, alert)
        else:
            told += _ends(outages, alert, routes)
            outages = [_without(outage, alert) for outage in outages]
    outages = [kept for outage in outages if (kept := _lasting(outage, lasting)) is not None]
    open_routes = {each.name: each for each in routes if each.open_at(clock(each))} if outages or told else {}
    dispatches = [each for each in told if each.route in open_routes]
    names = {each.name for each in routes}
    held = [each for each in told if each.route not in open_routes and each.route in names][-_MOST_HELD:]
    for route in open_routes.values():
        due: dict[Telling, list[tuple[str, Alert]]] = {telling: [] for telling in Telling}
        for index, outage in enumerate(outages):
            progress, telling = _advance(outage, route, now, quiet)
            if progress is None:
                continue
            outages[index] = replace(outage, routes={**outage.routes, route.name: progress})
            for each in telling:
                if (message := _of_route(outage, route)) is not None:
                    due[each].append((outage.id, message))
        for each, messages in due.items():
            receivers = route.escalate_to if each is Telling.ESCALATION else _receivers(route, messages, outages)
            dispatches += [Dispatch(route.name, receivers, alert) for alert in _together(messages, each, wall)]
    return RoutingState(tuple(outages), tuple(held)), dispatches


def _begun(outages: Sequence[Outage], id_: str, alert: Alert) -> list[Outage]:
    """With one more; or with more cameras in that of the same incident. A camera belongs to one alone."""
    cameras = {each.subject.id: each for each in alert.everyone}
    known = next((each for each in outages if alert.incident and _is_of(each, alert.incident)), None)
    others = [_without(each, alert) for each in outages if each is not known]
    if known is None:
        return [*others, Outage(id_, replace(alert, joins=False), cameras)]
    left = {**known.left, **cameras}
    everyone = tuple({**{each.subject.id: each for each in known.alert.everyone}, **cameras}.values())
    told = known.alert if alert.joins or known.alert.incident != alert.incident else alert
    told = replace(narrowed(replace(told, everyone=()), everyone), at=known.alert.at)
    routes = {name: replace(each, grown=each.grown or not alert.joins) for name, each in known.routes.items()}
    return [*others, Outage(known.id, told, left, routes)]


def _is_of(outage: Outage, incident: str) -> bool:
    return any(each.subject.shared == incident for each in outage.left.values())


def _advance(
    outage: Outage, route: AlertRoute, now: float, quiet: Collection[str]
) -> tuple[RouteProgress | None, tuple[Telling, ...]]:
    """How far the route is now, if that has changed, and what it tells for that."""
    progress = outage.routes.get(route.name)
    if progress is None:
        wanted = route.takes(outage.alert) and (not outage.left or any(map(route.wants, outage.left.values())))
        return (RouteProgress(now), (Telling.NEWS,)) if wanted else (None, ())
    if progress.grown:
        return replace(progress, grown=False), (Telling.NEWS,)
    elapsed_s = now - progress.told_at
    passed = sum(elapsed_s >= after_s for after_s in route.reminders_s)
    escalates = route.escalate_after_s is not None and not progress.escalated and elapsed_s >= route.escalate_after_s
    if passed <= progress.reminders and not escalates:
        return None, ()
    seen_to = outage.alert.component in quiet if not outage.left else all(id_ in quiet for id_ in outage.left)
    if seen_to:
        # A reminder that was due meanwhile is not made up for; what nobody sees to any more is escalated.
        return (replace(progress, reminders=passed), ()) if passed > progress.reminders else (None, ())
    telling = (Telling.REMINDER,) * (passed > progress.reminders) + (Telling.ESCALATION,) * escalates
    return RouteProgress(progress.told_at, max(passed, progress.reminders), progress.escalated or escalates), telling


def _of_route(outage: Outage, route: AlertRoute) -> Alert | None:
    """What the outage is to a route now."""
    if outage.alert.scope is Scope.COMPONENT:
        return outage.alert
    cameras = tuple(filter(route.wants, outage.left.values()))
    return narrowed(outage.alert, cameras) if cameras else None


def _receivers(route: AlertRoute, messages: Iterable[tuple[str, Alert]], outages: Sequence[Outage]) -> tuple[str, ...]:
    """Those who were called later hear what follows."""
    concerned = {id_ for id_, _ in messages}
    escalated = any(
        outage.id in concerned and (progress := outage.routes.get(route.name)) is not None and progress.escalated
        for outage in outages
    )
    return _also(route, escalated)


def _also(route: AlertRoute, escalated: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*route.receivers, *(route.escalate_to if escalated else ()))))


def _together(messages: Sequence[tuple[str, Alert]], telling: Telling, wall: float) -> list[Alert]:
    """One message an outage, or one for those of cameras when there are many."""
    cameras = [each for each in messages if each[1].scope is not Scope.COMPONENT]
    single = [each for each in messages if each[1].scope is Scope.COMPONENT]
    found = [replace(alert, at=wall, telling=telling, threads=(id_,)) for id_, alert in single]
    if len(cameras) <= MOST_AT_ONCE:
        return found + [replace(alert, at=wall, telling=telling, threads=(id_,)) for id_, alert in cameras]
    everyone = tuple(affected for _, alert in cameras for affected in alert.everyone)
    since, threads = min(affected.since for affected in everyone), tuple(id_ for id_, _ in cameras)
    merged = replace(cameras[0][1], at=wall, scope=Scope.FLEET, total=len(everyone), host="", since=since)
    merged = replace(merged, incident="", bond=None)
    return [*found, replace(merged, cameras=everyone[:LISTED], everyone=everyone, telling=telling, threads=threads)]


def _ends(outages: Sequence[Outage], alert: Alert, routes: Sequence[AlertRoute]) -> list[Dispatch]:
    """Who is told of an end: those who were told of the beginning."""
    ended = {each.subject.id for each in alert.everyone}
    dispatches = []
    for route in routes:
        concerned = [each for each in outages if route.name in each.routes and _ends_of(each, alert, ended)]
        if not concerned:
            continue
        whole = [affected for outage in concerned for affected in outage.left.values() if route.wants(affected)]
        cameras = tuple(affected for affected in whole if affected.subject.id in ended)
        if alert.scope is not Scope.COMPONENT and not cameras:
            continue
        told = narrowed(alert, cameras) if cameras else alert
        told = replace(told, threads=tuple(each.id for each in concerned), left=len(whole) - len(cameras))
        escalated = any(each.routes[route.name].escalated for each in concerned)
        dispatches.append(Dispatch(route.name, _also(route, escalated), told))
    return dispatches


def _ends_of(outage: Outage, alert: Alert, ended: Collection[str]) -> bool:
    if alert.scope is Scope.COMPONENT:
        return outage.alert.component == alert.component
    return any(id_ in ended for id_ in outage.left)


def _without(outage: Outage, alert: Alert) -> Outage:
    ended = {each.subject.id for each in alert.everyone}
    left = {id_: each for id_, each in outage.left.items() if id_ not in ended}
    return outage if len(left) == len(outage.left) else replace(outage, left=left)


def _lasting(outage: Outage, lasting: Lasting) -> Outage | None:
    """As far as it lasts; what was disabled or removed has ended silently."""
    if outage.alert.scope is Scope.COMPONENT:
        return outage if outage.alert.component in lasting.components else None
    left = {id_: each for id_, each in outage.left.items() if id_ in lasting.cameras}
    if not left:
        return None
    return outage if len(left) == len(outage.left) else replace(outage, left=left)
