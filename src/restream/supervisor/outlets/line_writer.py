"""Writes the history: samples at an interval, sent in batches; a database that is away delays nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Generic, NoReturn, TypeVar

from restream.domain.life.backoff import RestartPolicy
from restream.domain.line_buffer import LineBuffer, Rejected, Unavailable, Written
from restream.domain.news.component import ComponentState
from restream.ports.outlets import LineStore
from restream.supervisor.components import Components
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

MAX_BATCH_LINES = 5_000
MAX_WAITING_LINES = 100_000
"""What an outage may pile up: about 30 MB. 100 cameras every 10 s fill it in 2.7 hours, 5,000 in 3 minutes."""

_SLICE_LINES = 250
_RETRY = RestartPolicy(base_s=1.0, factor=2.0, max_s=60.0)
_MAX_RETRY_AFTER_S = 300.0


CycleT = TypeVar("CycleT")


class LineWriter(Generic[CycleT]):
    """Takes the lines of the latest cycle every `interval_s`, and sends what waits. What waits when the service ends is
    lost.

    `sample` makes the lines. It should be a generator over frozen documents: it is drawn in slices, since
    thousands of lines at once would hold up everything else in the service.
    """

    def __init__(
        self,
        store: LineStore,
        sample: Callable[[CycleT], Iterable[str]],
        components: Components,
        *,
        interval_s: float,
        max_waiting_lines: int = MAX_WAITING_LINES,
    ) -> None:
        self._store = store
        self._sample = sample
        self._components = components
        self._interval_s = interval_s
        self._buffer = LineBuffer(max_waiting_lines)
        self._due = asyncio.Event()
        self._latest: CycleT | None = None
        self._begun = asyncio.Event()
        self._rejected_total = 0
        self.written_total = 0
        """Lines the database has confirmed."""

    @property
    def name(self) -> str:
        """That of the database."""
        return self._store.name

    def publish(self, cycle: CycleT) -> None:
        """A cycle is complete."""
        self._latest = cycle
        self._begun.set()

    @property
    def waiting(self) -> int:
        """Lines not yet sent."""
        return len(self._buffer)

    @property
    def dropped_total(self) -> int:
        """Lines that were lost: too many waited, or the database rejected them."""
        return self._buffer.dropped_total + self._rejected_total

    async def run(self) -> NoReturn:
        """Sample and send until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._collect(), name=f"{self.name} samples")
                await self._send()
        finally:
            await self._store.close()

    async def _collect(self) -> NoReturn:
        await self._begun.wait()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                lines = iter(self._sample(self._latest) if self._latest is not None else ())
                while some := tuple(islice(lines, _SLICE_LINES)):
                    self._buffer.add(some)
                    await asyncio.sleep(0)
            except Exception:
                # What waits already is sent all the same.
                logger.exception("%s: no sample could be taken", self.name)
            self._due.set()
            due = max(due + self._interval_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _send(self) -> NoReturn:
        retry = Retry(_RETRY)
        while True:
            await self._due.wait()
            batch = self._buffer.take(MAX_BATCH_LINES)
            if not batch:
                self._due.clear()
                continue
            outcome = await self._store.write(batch)
            match outcome:
                case Written():
                    retry.reset()
                    self.written_total += len(batch)
                    self._components.report(self.name, ComponentState.UP, self._losses(""))
                case Rejected(detail):
                    retry.reset()
                    self._rejected_total += len(batch)
                    self._components.report(self.name, ComponentState.DOWN, detail + self._losses("; "))
                case Unavailable(detail, retry_after_s):
                    self._buffer.put_back(batch)
                    waiting = f"{len(self._buffer)} lines wait"
                    self._components.report(self.name, ComponentState.DOWN, f"{detail}; {waiting}{self._losses('; ')}")
                    await retry.pause(min(retry_after_s or 0.0, _MAX_RETRY_AFTER_S))

    def _losses(self, before: str) -> str:
        return f"{before}{self.dropped_total} lines dropped so far" if self.dropped_total else ""
