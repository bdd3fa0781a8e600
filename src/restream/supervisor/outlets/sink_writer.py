"""Hands every cycle's documents to the sinks; a slow or absent sink delays nobody, and always gets the newest."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.component import ComponentState
from restream.ports.outlets import Documents, Rendered, SinkError, StreamSink
from restream.supervisor.components import Components
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

# A store that is back is current within two cycles; asking one that is away costs next to nothing.
_RETRY = RestartPolicy(base_s=1.0, factor=2.0, max_s=2.0)


class Encoding:
    """The documents of a cycle, made once for all who store it, in a thread: of a large fleet it takes a while."""

    def __init__(self) -> None:
        self._latest: tuple[Rendered, asyncio.Future[Documents]] | None = None

    async def of(self, cycle: Rendered) -> Documents:
        """Its documents. Raises what making them raises."""
        if self._latest is None or self._latest[0] is not cycle:
            self._latest = (cycle, asyncio.ensure_future(asyncio.to_thread(cycle.documents)))
        return await asyncio.shield(self._latest[1])


class SinkWriter:
    """Keeps one sink current; all writers share one `encoding`."""

    def __init__(self, sink: StreamSink, encoding: Encoding, components: Components) -> None:
        self._sink = sink
        self._encoding = encoding
        self._components = components
        self._due = asyncio.Event()
        self._cycle: Rendered | None = None

    @property
    def name(self) -> str:
        """That of the sink."""
        return self._sink.name

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete."""
        self._cycle = cycle
        self._due.set()

    async def run(self) -> NoReturn:
        """Write until cancelled."""
        retry = Retry(_RETRY)
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                if self._cycle is None:
                    continue
                try:
                    await self._sink.write(await self._encoding.of(self._cycle))
                except SinkError as error:
                    self._components.report(self._sink.name, ComponentState.DOWN, str(error))
                    await retry.pause()
                else:
                    retry.reset()
                    self._components.report(self._sink.name, ComponentState.UP, "")
        finally:
            await self._sink.close()
