"""What runs for one camera beside its own task: a probe, a publication, a stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class SideTasks:
    """Keeps hold of tasks until they end; one that fails is told in the log, under the camera's id."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Begin one more."""
        task = asyncio.create_task(work, name=f"camera {self._camera_id} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("camera %s: internal error", self._camera_id, exc_info=task.exception())

    def cancel(self) -> None:
        """End all that are under way."""
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait for all that are under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
