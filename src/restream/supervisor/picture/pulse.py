"""Notices that cycles do not complete any more: they hang, or crash again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

from restream.domain.heartbeat import Heartbeat
from restream.domain.news.component import Component, ComponentState
from restream.supervisor.components import Components

logger = logging.getLogger(__name__)

COMPONENT = "cycle"

_LONGEST_LOOK_S = 1.0

WithoutCycle = Callable[[Mapping[str, Component], float, float], None]
"""Hears of all components while no cycle tells of them: `(components, now, wall)`."""


class Pulse:
    """`completed` hears of every cycle; while none completes, the component `cycle` is down and says for how long."""

    def __init__(self, interval_s: float, components: Components, without_cycle: WithoutCycle) -> None:
        self._heart = Heartbeat(interval_s, time.monotonic())
        self._components = components
        self._without_cycle = without_cycle
        self._look_s = min(interval_s / 2, _LONGEST_LOOK_S)

    @property
    def started(self) -> bool:
        """Whether any cycle has completed."""
        return self._heart.started

    @property
    def silent_s(self) -> float | None:
        """For how long no cycle has completed, once that is too long."""
        return self._heart.silent_s(time.monotonic())

    def completed(self, took_s: float) -> None:
        """A cycle is complete; its work lasted so long."""
        self._heart = self._heart.beat(time.monotonic(), took_s)
        self._recovered()

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            due = time.monotonic() + self._look_s
            await asyncio.sleep(self._look_s)
            late_s = time.monotonic() - due
            if late_s > self._heart.limit_s:
                # Suspended, or a blocked event loop: not the cycle's fault, which now goes on too.
                logger.warning("the service stood still for %.1f s", late_s)
                self._heart = self._heart.excused(late_s)
            silent_s = self.silent_s
            if silent_s is not None:
                self._components.report(
                    COMPONENT, ComponentState.DOWN, f"no cycle has completed for {silent_s:.0f} s, see the log"
                )
                self._without_cycle(self._components.all, time.monotonic(), time.time())

    def _recovered(self) -> None:
        if self._components.state(COMPONENT) is ComponentState.DOWN:
            self._components.report(COMPONENT, ComponentState.UP, "")
