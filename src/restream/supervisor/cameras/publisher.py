"""The publisher of one camera: begun, followed, ended; or left to the next life of the service, and taken over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from restream.domain.engine import Advance, Ending, Plan
from restream.domain.life.cause import Cause
from restream.domain.life.kept import LeftPublication
from restream.ports.cameras import Engine, Publication, PublisherError
from restream.supervisor.cameras.side_tasks import SideTasks

logger = logging.getLogger(__name__)


class EndListener(Protocol):
    """Hears how a publication ended, and when it was begun (monotonic, in s)."""

    def __call__(self, plan: Plan, ending: Ending, started_at: float) -> None: ...


class Publisher:
    """One publication at a time. `on_end` is called once for each that was begun, when nothing of it is left."""

    def __init__(
        self, camera_id: str, side_tasks: SideTasks, on_advance: Callable[[Advance], None], on_end: EndListener
    ) -> None:
        self._camera_id = camera_id
        self._side_tasks = side_tasks
        self._on_advance = on_advance
        self._on_end = on_end
        self.plan: Plan | None = None
        """The last one that was followed."""
        self._publication: Publication | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop_asked = False
        self._log: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Something of it may be there."""
        return self._task is not None and not self._task.done()

    @property
    def follows(self) -> bool:
        """One is there, and is not being ended."""
        return self._publication is not None and not self._stop_asked

    @property
    def pid(self) -> int | None:
        """The process that works for this camera alone, where there is one."""
        return self._publication.pid if self._publication else None

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of the one that runs, else of the one before; masked."""
        return self._publication.log if self._publication else self._log

    @property
    def excuse(self) -> Cause | None:
        """Why its silence says nothing about the camera."""
        return self._publication.excuse() if self._publication else None

    def begin(self, engine: Engine, plan: Plan, refusal: Ending | None) -> None:
        """Publish by a plan; `refusal`: how that ends before it begins."""
        self._follow(plan, lambda: engine.start(plan, self._on_advance), refusal)

    def take_over(self, engine: Engine, plan: Plan, words: bytes) -> None:
        """Follow what an earlier life has left; `plan`: as it would be begun now."""
        self._follow(plan, lambda: engine.adopt(plan, words, self._on_advance), None)

    def stop(self) -> None:
        """End it, as soon as it is there."""
        self._stop_asked = True
        if self._publication is not None:
            self._side_tasks.start(self._publication.stop(), "stop")

    def leave(self) -> LeftPublication | None:
        """Let it run on, and follow it no more. None: nothing could."""
        pid = self.pid
        words = self._publication.leave() if self._publication is not None and self.follows else None
        return LeftPublication(self.plan.engine, words, pid) if words is not None and self.plan is not None else None

    def _follow(self, plan: Plan, open_: Callable[[], Awaitable[Publication]], refusal: Ending | None) -> None:
        self.plan, self._stop_asked = plan, False
        self._task = self._side_tasks.start(self._run(plan, open_, refusal), "publication")

    async def _run(self, plan: Plan, open_: Callable[[], Awaitable[Publication]], refusal: Ending | None) -> None:
        started_at = asyncio.get_running_loop().time()
        try:
            ending = refusal or await self._publish(open_)
        except PublisherError as error:
            ending = Ending(Cause.INTERNAL, str(error), self._log)
        except Exception:
            logger.exception("camera %s: internal error while publishing", self._camera_id)
            ending = Ending(Cause.INTERNAL, "internal error while publishing, see the log", self._log)
            if self._publication is not None:
                await self._publication.stop()
        self._publication = self._task = None
        self._log = ending.log
        self._on_end(plan, ending, started_at)

    async def _publish(self, open_: Callable[[], Awaitable[Publication]]) -> Ending:
        self._publication = publication = await open_()
        if self._stop_asked:
            # While it was being made.
            self.stop()
        return await publication.ended()
