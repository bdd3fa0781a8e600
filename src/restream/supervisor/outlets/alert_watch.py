"""Follows the cycles, tells of outages: one line in the log, one message to every webhook, and what routes say."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from restream.domain.camera.camera import Camera
from restream.domain.judgement.snapshot import Report
from restream.domain.judgement.status import Unowned, row_of
from restream.domain.judgement.verdict import Health
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.alert import Alert, AlertKind, AlertRules, AlertSubject, Scope
from restream.domain.news.alert_routes import AlertRoute
from restream.domain.news.alerts import AlertState, bond_of, step
from restream.domain.news.component import Component
from restream.domain.news.deliveries import AlertDelivery, ReceiverStatus
from restream.domain.news.incident import Bond, Incident
from restream.domain.news.outages import Lasting, RoutingState, follow
from restream.domain.news.parents import is_parent_component
from restream.domain.schedule import LocalTime
from restream.domain.server.identity import DEFAULT_SERVER
from restream.ports.outlets import AlertReceiver, Rendered
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_post import AlertPost, Patience
from restream.supervisor.outlets.delivery_log import DeliveryLog

logger = logging.getLogger(__name__)

# Degraded: those that show nothing.
_TOLD = frozenset({Health.DOWN, Health.DEGRADED})
WEBHOOKS, RECEIVERS = "webhooks", "alerts"
"""Components: those who are told of everything, and those whom routes name."""

# Five tries within about two minutes: after 5, 12, 31 and 60 s.
_RETRY = RestartPolicy(base_s=5.0, factor=2.5, max_s=60.0)
_FIVE_TRIES = 5
# A mail server may be away for a night, and one that greylists wants to be asked again after minutes.
_LASTING = Patience(RestartPolicy(base_s=5.0, factor=2.5, max_s=300.0), give_up_s=86400.0)


@dataclass(frozen=True, slots=True)
class Routing:
    """Routes, the receivers that they name, and what a clock on the wall shows where a route is."""

    routes: Sequence[AlertRoute] = ()
    receivers: Mapping[str, AlertReceiver] = field(default_factory=dict)
    clock: Callable[[AlertRoute, float], LocalTime] = lambda _route, _wall: LocalTime(0, 0)
    """`(route, Unix time)`."""


@dataclass(frozen=True, slots=True)
class AlertIncidents:
    """Which open incident a camera (by id) belongs to, and which one there is of a server or node."""

    of_camera: Callable[[str], Incident | None] = lambda _: None
    of_bond: Callable[[Bond], Incident | None] = lambda _: None


class AlertWatch:
    """`publish` every cycle to it and `run` it; outcomes count messages per receiver: sent, failed, dropped."""

    name = WEBHOOKS

    def __init__(
        self,
        receivers: Sequence[AlertReceiver],
        components: Components,
        rules: AlertRules = AlertRules(),
        retry: RestartPolicy = _RETRY,
        routing: Routing = Routing(),
        patience: Patience = _LASTING,
        quiet: Callable[[float], Collection[str]] = lambda _: (),
        incidents: AlertIncidents = AlertIncidents(),
        node: str = "",
    ) -> None:
        """`quiet`: ids of cameras whose outage somebody has in hand at a moment (Unix time)."""
        self._quiet, self._incidents = quiet, incidents
        self._rules, self._routing = rules, routing
        self._state, self._told = AlertState(), RoutingState()
        self.outcomes: Counter[str] = Counter(sent=0, failed=0, dropped=0)
        self._log = DeliveryLog(describe, node=node)
        few = Patience(retry, tries=_FIVE_TRIES)
        self._webhooks = AlertPost(WEBHOOKS, _numbered(receivers), components, few, self.outcomes, self._log)
        self._routed = AlertPost(RECEIVERS, routing.receivers, components, patience, self.outcomes, self._log)

    def adopt(
        self, rules: AlertRules, receivers: Sequence[AlertReceiver] | None, routing: Routing | None = None
    ) -> None:
        """New rules, and new receivers and routes unless None: those also get what still waits."""
        self._rules = rules
        if receivers is not None:
            self._webhooks.adopt(_numbered(receivers))
        if routing is not None:
            self._routing = routing
            self._routed.adopt(routing.receivers)

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete."""
        snapshot = cycle.snapshot
        reports, watched = snapshot.reports, self._state.cameras
        subjects = {
            camera_id: _subject(camera_id, report, self._incidents.of_camera(camera_id))
            for camera_id, report in reports.items()
            if report.verdict.health in _TOLD or camera_id in watched
        }
        fleet_size = sum(report.verdict.health is not Health.DISABLED for report in reports.values())
        self.tick(subjects, snapshot.components, snapshot.now, snapshot.taken_at, fleet_size)

    def without_cycle(self, components: Mapping[str, Component], now: float, wall: float) -> None:
        """No cycle has completed for long: of components it is told all the same, and clocks of cameras stand still."""
        self.tick({camera_id: AlertSubject(camera_id) for camera_id in self._state.cameras}, components, now, wall, 0)

    def tick(
        self,
        subjects: Mapping[str, AlertSubject],
        components: Mapping[str, Component],
        now: float,
        wall: float,
        fleet_size: int,
    ) -> None:
        """Announce what is due. Never waits."""
        # That no alert arrives cannot be told by an alert.
        others = {
            name: each
            for name, each in components.items()
            if name not in (WEBHOOKS, RECEIVERS) and not is_parent_component(name)
        }
        self._state, alerts = step(self._state, subjects, others, now, wall, self._rules, fleet_size)
        news = [(str(uuid.uuid4()), self._of_component(alert, others.get(alert.component))) for alert in alerts]
        for delivery, alert in news:
            bad = alert.kind in (AlertKind.DOWN, AlertKind.COMPONENT_DOWN) and not alert.joins
            logger.log(logging.WARNING if bad else logging.INFO, "alert: %s", describe(alert))
            if not alert.joins:
                self._webhooks.put_to_all(delivery, alert)
        if self._routing.routes:
            self._route(news, now, wall)

    def _of_component(self, alert: Alert, component: Component | None) -> Alert:
        """With the incident that the loss of this server or node is."""
        bond = None if component is None else bond_of(component)
        incident = None if bond is None else self._incidents.of_bond(bond)
        return alert if incident is None else replace(alert, incident=incident.id, bond=incident.bond)

    def _route(self, news: Sequence[tuple[str, Alert]], now: float, wall: float) -> None:
        lasting = Lasting(
            {id_ for id_, watch in self._state.cameras.items() if watch.announced},
            {name for name, watch in self._state.components.items() if watch.announced},
        )
        routing = self._routing
        self._told, dispatches = follow(
            self._told,
            news,
            lasting,
            routing.routes,
            now,
            wall,
            lambda route: routing.clock(route, wall),
            self._quiet(wall),
        )
        for dispatch in dispatches:
            self._routed.put(dispatch.receivers, str(uuid.uuid4()), dispatch.alert, dispatch.route)

    @property
    def receivers(self) -> list[ReceiverStatus]:
        """Everybody who is told."""
        named = {
            name: tuple(route.name for route in self._routing.routes if name in (*route.receivers, *route.escalate_to))
            for name in self._routing.receivers
        }
        routed = [replace(each, routes=named.get(each.name, ())) for each in self._routed.receivers]
        return [*routed, *self._webhooks.receivers]

    @property
    def routes(self) -> Sequence[AlertRoute]:
        """In force."""
        return self._routing.routes

    @property
    def log(self) -> DeliveryLog:
        """What became of the last messages, for who keeps them."""
        return self._log

    @property
    def deliveries(self) -> Sequence[AlertDelivery]:
        """The last messages, newest first."""
        return self._log.latest

    async def test(self, only: str | None = None) -> Mapping[str, str]:
        """A test message to everybody, or to one: what went wrong, empty where it was taken; by name."""
        now = time.time()
        alert = Alert(AlertKind.TEST, now, Scope.CAMERA, 0, since=now)
        found = await asyncio.gather(self._routed.test(alert, only), self._webhooks.test(alert, only))
        return {name: error for outcomes in found for name, error in outcomes.items()}

    async def run(self) -> NoReturn:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._webhooks.run())
            group.create_task(self._routed.run())
        raise AssertionError("unreachable")


def _subject(camera_id: str, report: Report, incident: Incident | None) -> AlertSubject:
    camera, verdict = row_of(report.subject), report.verdict
    reason = verdict.reasons[0] if verdict.reasons else None
    return AlertSubject(
        camera_id,
        camera.name,
        camera.site if isinstance(camera, Camera) else "",
        camera.source.host if isinstance(camera, Camera) else "",
        verdict.health,
        verdict.fault,
        reason.code if reason else "",
        reason.text if reason else "",
        camera.server if isinstance(camera, Camera) else DEFAULT_SERVER,
        report.subject.owner if isinstance(report.subject, Unowned) else "",
        incident.id if incident is not None else "",
        incident.bond if incident is not None else None,
    )


def _numbered(webhooks: Sequence[AlertReceiver]) -> dict[str, AlertReceiver]:
    """Names that no receiver of the configuration can have."""
    return {f"{WEBHOOKS}.{number}": receiver for number, receiver in enumerate(webhooks, start=1)}


def describe(alert: Alert) -> str:
    """One line."""
    if alert.kind is AlertKind.TEST:
        return "test"
    if alert.scope is Scope.COMPONENT:
        hit = f", {alert.total} cameras affected" if alert.total else ""
        return f"{alert.component} {alert.kind}: {alert.detail}{hit}"
    names = ", ".join(affected.subject.name or affected.subject.id for affected in alert.cameras[:5])
    more = f" and {alert.total - 5} more" if alert.total > 5 else ""
    first = alert.cameras[0].subject
    why = f": {first.text or first.code}" if alert.total == 1 and alert.kind is AlertKind.DOWN else ""
    place = alert.bond.place if alert.bond is not None else alert.host
    where = f" at {place}" if place and alert.scope is not Scope.CAMERA else ""
    whose = f" ({'with' if alert.joins else 'incident'} {alert.incident})" if alert.incident else ""
    return f"{alert.kind}, {alert.total} of scope {alert.scope}{where}{whose}: {names}{more}{why}"
