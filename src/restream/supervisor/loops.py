"""Long-running parts of the service, each behind a crash boundary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from restream.domain.life.backoff import RestartPolicy
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RESTART = RestartPolicy(base_s=5.0, factor=1.0, jitter=0.0)


class Loops:
    """Runs named loops; one that raises is logged and started again, and takes nobody with it."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, run: Callable[[], Awaitable[object]]) -> None:
        """Run a loop until it returns; `name` is for the log."""
        self._tasks.append(asyncio.create_task(_guard(name, run), name=name))

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


async def _guard(name: str, run: Callable[[], Awaitable[object]]) -> None:
    retry = Retry(_RESTART)
    while True:
        try:
            await run()
            return
        except Exception:
            logger.exception("%s failed and is started again in %g s", name, _RESTART.base_s)
            await retry.pause()
