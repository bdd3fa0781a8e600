"""Hands every cycle's documents to the sinks; a slow or absent sink delays nobody, and always gets the newest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.component import ComponentState
from restream.ports import Documents, SinkError, StreamSink
from restream.supervisor.components import Components
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

# A store that is back is current within two cycles; asking one that is away costs next to nothing.
_RETRY = RestartPolicy(base_s=1.0, factor=2.0, max_s=2.0)


class SinkWriter:
    """Keeps one sink current. `render` makes the documents of now; all writers of a cycle share one rendering."""

    def __init__(self, sink: StreamSink, render: Callable[[], Awaitable[Documents]], components: Components) -> None:
        self._sink = sink
        self._render = render
        self._components = components
        self._due = asyncio.Event()

    @property
    def name(self) -> str:
        """The sink's name, as a component."""
        return self._sink.name

    def tick(self) -> None:
        """A cycle is complete."""
        self._due.set()

    async def run(self) -> NoReturn:
        """Write until cancelled."""
        retry = Retry(_RETRY)
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                try:
                    await self._sink.write(await self._render())
                except SinkError as error:
                    self._components.report(self._sink.name, ComponentState.DOWN, str(error))
                    await retry.pause()
                else:
                    retry.reset()
                    self._components.report(self._sink.name, ComponentState.UP, "")
        finally:
            await self._sink.close()
