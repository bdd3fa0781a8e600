"""Tells everybody of each cycle: who has a defect harms neither the others nor the cycle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.news.mishaps import Mishaps
from restream.ports.outlets import Outlet
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops

logger = logging.getLogger(__name__)

CycleT = TypeVar("CycleT")


class Broadcast(Generic[CycleT]):
    """Renders each snapshot once, and hands it to all outlets in order; nobody is waited for.

    An outlet that raises, in `publish` or in its loop, is a component that is down until that works again.
    """

    def __init__(
        self,
        render: Callable[[Snapshot], Awaitable[CycleT]],
        outlets: Sequence[Outlet[CycleT]],
        components: Components,
    ) -> None:
        self._render = render
        self._components = components
        self._mishaps = Mishaps()
        # Of two outlets with one name each has defects of its own.
        self._outlets = {f"outlet {number} ({each.name})": each for number, each in enumerate(outlets, 1)}

    async def publish(self, snapshot: Snapshot) -> None:
        """A cycle is complete. Raises what rendering it raises."""
        cycle = await self._render(snapshot)
        for part, outlet in self._outlets.items():
            self._tell(part, outlet, cycle)
            # Of a large fleet each of these takes a while: whoever waits for the event loop comes between.
            await asyncio.sleep(0)

    def start(self, loops: Loops) -> None:
        """Run what has to run of each."""
        for part, outlet in self._outlets.items():
            loops.start(part, outlet.run, _LoopOf(outlet.name, f"loop of {part}", self._components))

    def _tell(self, part: str, outlet: Outlet[CycleT], cycle: CycleT) -> None:
        try:
            outlet.publish(cycle)
        except Exception as error:
            if told := self._mishaps.news(part, error):
                logger.error("%s failed and is tried again with the next cycle: %s", part, told)
            self._components.failed(outlet.name, part, error)
        else:
            if self._mishaps.over(part):
                self._components.recovered(outlet.name, part)


class _LoopOf:
    """What becomes of an outlet's loop shows in its component."""

    def __init__(self, component: str, part: str, components: Components) -> None:
        self._component = component
        self._part = part
        self._components = components

    def failed(self, error: Exception) -> None:
        self._components.failed(self._component, self._part, error)

    def recovered(self) -> None:
        self._components.recovered(self._component, self._part)
