"""Long-running parts of the service, each behind a crash boundary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.mishaps import Mishaps
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

RESTART_AFTER_S = 5.0


class CrashListener(Protocol):
    """Hears what becomes of a loop."""

    def failed(self, error: Exception) -> None:
        """It raised, and is started again in a while."""

    def recovered(self) -> None:
        """It has run for a while since."""


class Loops:
    """Runs named loops; one that raises is logged and started again, and takes nobody with it."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, run: Callable[[], Awaitable[object]], listener: CrashListener | None = None) -> None:
        """Run it until `stop`, or until it returns; `name` is for the log."""
        self._tasks.append(asyncio.create_task(_guard(name, run, listener), name=name))

    async def stop(self) -> None:
        """Cancel all and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _guard(name: str, run: Callable[[], Awaitable[object]], listener: CrashListener | None) -> None:
    retry = Retry(RestartPolicy(base_s=RESTART_AFTER_S, factor=1.0, jitter=0.0))
    mishaps = Mishaps()

    def recovered() -> None:
        if mishaps.over(name) and listener is not None:
            listener.recovered()

    while True:
        # A loop that comes as far as its next restart would be works again.
        proven = asyncio.get_running_loop().call_later(RESTART_AFTER_S, recovered)
        try:
            await run()
            recovered()
            return
        except Exception as error:
            if told := mishaps.news(name, error):
                logger.error("%s failed and is started again every %g s: %s", name, RESTART_AFTER_S, told)
            if listener is not None:
                listener.failed(error)
        finally:
            proven.cancel()
        await retry.pause()
