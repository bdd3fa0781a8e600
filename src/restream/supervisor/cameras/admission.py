"""Who may start now: a timer and callbacks around `domain.admission`, so that a fleet comes up without a stampede."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from restream.domain.admission.outcome import StartOutcome
from restream.domain.admission.pressure import Strain
from restream.domain.admission.queue import StartFigures, StartLimits, StartQueue


class _Request(NamedTuple):
    host: str
    priority: int
    retry: bool
    grant: Callable[[], None]


class Admission:
    """Grants slots by calling back, perhaps at once; belongs to one event loop.

    `permits` tells whether a camera may start at all now; who may not waits for `reconsider`, outside of the queue, and
    so does who may no longer when its turn has come.
    """

    def __init__(self, limits: StartLimits, permits: Callable[[str], bool] = lambda _: True) -> None:
        self._loop = asyncio.get_running_loop()
        self.permits = permits
        self._barred: dict[str, _Request] = {}
        self._queue = StartQueue(limits)
        self._waiting: dict[str, _Request] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def figures(self) -> StartFigures:
        """How many wait and start, and how many may."""
        return self._queue.figures

    @property
    def idle(self) -> bool:
        """Nothing waits or starts."""
        return self._queue.idle

    def holds(self, camera_id: str) -> bool:
        """Whether the camera has a slot now."""
        return self._queue.holds(camera_id)

    def resize(self, limits: StartLimits) -> None:
        """New limits. Who waits is admitted where they allow it."""
        self._queue.resize(limits)
        self._grant()

    def press(self, strain: Strain) -> None:
        """How hard the machine is pressed from now on."""
        self._queue.press(strain, self._loop.time())
        self._grant()

    def request(self, camera_id: str, host: str, *, priority: int, retry: bool, grant: Callable[[], None]) -> None:
        """Queue for a slot; `grant` is called when there is one."""
        request = _Request(host, priority, retry, grant)
        if not self.permits(camera_id):
            self._barred[camera_id] = request
            return
        self._queue.request(camera_id, host, priority=priority, retry=retry, now=self._loop.time())
        self._waiting[camera_id] = request
        self._grant()

    def reconsider(self) -> None:
        """Others may be permitted now."""
        barred, self._barred = self._barred, {}
        for camera_id, (host, priority, retry, grant) in barred.items():
            self.request(camera_id, host, priority=priority, retry=retry, grant=grant)

    def release(self, camera_id: str, outcome: StartOutcome = StartOutcome.UNTOLD) -> None:
        """Give the slot back with what came of the start, or leave the queue. Harmless for who has neither."""
        self._waiting.pop(camera_id, None)
        self._barred.pop(camera_id, None)
        self._queue.release(camera_id, outcome, self._loop.time())
        self._grant()

    def _grant(self) -> None:
        while admitted := self._queue.admit(now := self._loop.time()):
            for camera_id in admitted:
                request = self._waiting.pop(camera_id)
                if self.permits(camera_id):
                    request.grant()
                else:
                    self._queue.release(camera_id, StartOutcome.UNTOLD, now)
                    self._barred[camera_id] = request
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._queue.deadline
        self._timer = self._loop.call_at(deadline, self._grant) if deadline is not None else None
