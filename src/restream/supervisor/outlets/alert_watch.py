"""Follows the cycles, tells of outages: one line in the log, and one message to every webhook."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from restream.domain.camera.camera import Camera
from restream.domain.judgement.snapshot import Report
from restream.domain.judgement.status import Unowned, row_of
from restream.domain.judgement.verdict import Health
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.alerts import Alert, AlertError, AlertKind, AlertRules, AlertState, AlertSubject, Scope, step
from restream.domain.news.component import Component, ComponentState
from restream.domain.server.identity import DEFAULT_SERVER
from restream.ports.outlets import AlertReceiver, Rendered
from restream.supervisor.components import Components
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

COMPONENT = "webhooks"

# Five tries within about two minutes: after 5, 12, 31 and 60 s.
_TRIES = 5
_RETRY = RestartPolicy(base_s=5.0, factor=2.5, max_s=60.0)
_QUEUE_LENGTH = 100


@dataclass(slots=True)
class _Outbox:
    """What waits for one receiver, each with the id of its delivery."""

    receiver: AlertReceiver
    waiting: deque[tuple[str, Alert]] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, delivery: str, alert: Alert) -> bool:
        """False when too many wait already."""
        if len(self.waiting) >= _QUEUE_LENGTH:
            return False
        self.waiting.append((delivery, alert))
        self.filled.set()
        return True

    def done(self) -> None:
        """The first one was delivered, or given up."""
        self.waiting.popleft()
        if not self.waiting:
            self.filled.clear()


class _AdoptedError(Exception):
    """There are other receivers now."""


class AlertWatch:
    """`publish` every cycle to it and `run` it; outcomes count messages per webhook: sent, failed, dropped."""

    name = COMPONENT

    def __init__(
        self,
        receivers: Sequence[AlertReceiver],
        components: Components,
        rules: AlertRules = AlertRules(),
        retry: RestartPolicy = _RETRY,
    ) -> None:
        self._rules = rules
        self._components = components
        self._state = AlertState()
        self.outcomes: Counter[str] = Counter(sent=0, failed=0, dropped=0)
        self._failing: dict[int, str] = {}
        self._retry = retry
        self._receivers = receivers
        self._outboxes = list(map(_Outbox, receivers))
        self._adopted = asyncio.Event()

    def adopt(self, rules: AlertRules, receivers: Sequence[AlertReceiver] | None) -> None:
        """New rules, and new receivers unless None: those also get what still waits."""
        self._rules = rules
        if receivers is not None:
            self._receivers = receivers
            self._adopted.set()

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete."""
        snapshot = cycle.snapshot
        reports, watched = snapshot.reports, self._state.cameras
        subjects = {
            camera_id: _subject(camera_id, report)
            for camera_id, report in reports.items()
            if report.verdict.health is Health.DOWN or camera_id in watched
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
        others = {name: component for name, component in components.items() if name != COMPONENT}
        self._state, alerts = step(self._state, subjects, others, now, wall, self._rules, fleet_size)
        for alert in alerts:
            bad = alert.kind in (AlertKind.DOWN, AlertKind.COMPONENT_DOWN)
            logger.log(logging.WARNING if bad else logging.INFO, "alert: %s", describe(alert))
            delivery = str(uuid.uuid4())
            for outbox in self._outboxes:
                self._put(outbox, delivery, alert)

    def _put(self, outbox: _Outbox, delivery: str, alert: Alert) -> None:
        if not outbox.put(delivery, alert):
            self.outcomes["dropped"] += 1
            logger.warning("alert for %s dropped: %d wait already", outbox.receiver.name, len(outbox.waiting))

    async def run(self) -> NoReturn:
        """Deliver until cancelled."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    for index, outbox in enumerate(self._outboxes):
                        group.create_task(self._deliver(index, outbox))
                    await self._adopted.wait()
                    raise _AdoptedError
            except* _AdoptedError:
                self._change()

    def _change(self) -> None:
        self._adopted.clear()
        waiting = {delivery: alert for outbox in self._outboxes for delivery, alert in outbox.waiting}
        self._outboxes = list(map(_Outbox, self._receivers))
        for outbox in self._outboxes:
            for delivery, alert in waiting.items():
                self._put(outbox, delivery, alert)
        if self._failing:
            self._failing.clear()
            self._components.report(COMPONENT, ComponentState.UP, "")

    async def _deliver(self, index: int, outbox: _Outbox) -> NoReturn:
        receiver = outbox.receiver
        try:
            while True:
                await outbox.filled.wait()
                delivery, alert = outbox.waiting[0]
                try:
                    error = await self._try(receiver, alert, delivery)
                except Exception:
                    # A defect in one delivery must not come back with every restart of this loop.
                    outbox.done()
                    raise
                outbox.done()
                self.outcomes["failed" if error else "sent"] += 1
                if error:
                    self._failing[index] = f"{receiver.name}: {error}"
                    logger.warning("alert for %s given up: %s", receiver.name, error)
                else:
                    self._failing.pop(index, None)
                state = ComponentState.DOWN if self._failing else ComponentState.UP
                self._components.report(COMPONENT, state, "; ".join(self._failing.values()))
        finally:
            await receiver.close()

    async def _try(self, receiver: AlertReceiver, alert: Alert, delivery: str) -> str:
        """What went wrong last; empty when it was taken."""
        retry = Retry(self._retry)
        for tried in range(1, _TRIES + 1):
            try:
                await receiver.send(alert, delivery)
                return ""
            except AlertError as error:
                if tried == _TRIES or not error.passing:
                    return str(error)
            await retry.pause()
        raise AssertionError("unreachable")


def _subject(camera_id: str, report: Report) -> AlertSubject:
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
    )


def describe(alert: Alert) -> str:
    """One line."""
    if alert.scope is Scope.COMPONENT:
        hit = f", {alert.total} cameras affected" if alert.total else ""
        return f"{alert.component} {alert.kind}: {alert.detail}{hit}"
    names = ", ".join(affected.subject.name or affected.subject.id for affected in alert.cameras[:5])
    more = f" and {alert.total - 5} more" if alert.total > 5 else ""
    first = alert.cameras[0].subject
    why = f": {first.text or first.code}" if alert.total == 1 and alert.kind is AlertKind.DOWN else ""
    where = f" at {alert.host}" if alert.scope is Scope.HOST else ""
    return f"{alert.kind}, {alert.total} of scope {alert.scope}{where}: {names}{more}{why}"
