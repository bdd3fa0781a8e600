"""The worker processes of the relay: started when needed, replaced when they die."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable

from restream.adapters.relay.worker_process import LeftRelay, LeftWorker, RelayPublication, RelayWorker
from restream.domain.engine import Advance
from restream.domain.relay.plan import RelayPlan
from restream.ports.cameras import PublisherError

logger = logging.getLogger(__name__)

_ENOUGH = 50
"""Relays for which no second process is worth its memory."""


class RelayWorkers:
    """All of them, at most `most`; null: one per core. They outlive a change of the settings."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most or len(os.sched_getaffinity(0))
        self._workers: list[RelayWorker] = []
        self._resumed: dict[LeftRelay, RelayPublication] = {}
        """Of the life before, until somebody takes them over."""
        self.by_camera: dict[str, RelayPublication] = {}
        """The last relay of each, which may have ended; those of the life before are not in it."""
        self._starting = asyncio.Lock()

    async def start_early(self) -> None:
        """Start the first one before there are cameras. Raises PublisherError."""
        async with self._starting:
            if not self._workers:
                await self._add()

    async def begin(self, plan: RelayPlan, on_advance: Callable[[Advance], None]) -> RelayPublication:
        """Relay one more camera, in the process that has the fewest of those that run. Raises PublisherError."""
        async with self._starting:
            self._workers = [each for each in self._workers if each.alive]
            able = [each for each in self._workers if not each.retiring]
            running = [each for each in able if each.has_spoken]
            worker = min(running or able, key=lambda each: len(each.relays), default=None)
            if worker is None:
                worker = await self._add()
            elif len(worker.relays) >= _ENOUGH and len(able) < self._most and running == able:
                await self._add()
            return worker.begin(plan, on_advance)

    def of(self, camera_id: str) -> RelayPublication | None:
        """What relays a camera now, if anything of this life does."""
        found = self.by_camera.get(camera_id)
        if found is not None and found.ending.done():
            del self.by_camera[camera_id]
            return None
        return found

    def adopt(self, left: LeftRelay, on_advance: Callable[[Advance], None]) -> RelayPublication:
        """A relay of a process that was resumed, also one that has ended since. Raises PublisherError."""
        relay = self._resumed.pop(left, None)
        if relay is None:
            raise PublisherError("its relay worker could not be followed when the service was replaced")
        relay.on_advance = on_advance
        return relay

    async def resume(self, left: Iterable[LeftWorker]) -> None:
        """Go on with processes that were left; one that cannot be followed is ended, and its cameras begin anew."""
        for each in left:
            worker = RelayWorker(retiring=True)
            try:
                resumed = await worker.resume(each)
            except PublisherError as error:
                logger.error("a relay worker is ended: %s", error)
            else:
                self._workers.append(worker)
                self._resumed |= {LeftRelay(each.child.pid, number): relay for number, relay in resumed.items()}

    def leave(self) -> tuple[LeftWorker, ...]:
        """Have them relay on for the next program in this process; who has nothing to relay is ended, which `close`
        waits for.
        """
        found = [(each, each.leave()) for each in self._workers]
        self._workers = [each for each, left in found if left is None]
        return tuple(left for _, left in found if left is not None)

    async def _add(self) -> RelayWorker:
        worker = RelayWorker()
        await worker.start()
        self._workers.append(worker)
        return worker

    @property
    def relays(self) -> int:
        """How many cameras are relayed."""
        return sum(len(each.relays) for each in self._workers)

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(each.close() for each in self._workers))
        self._workers.clear()
