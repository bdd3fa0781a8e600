"""Polls third-party stream servers, each on its own: one that hangs delays no other."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from restream.domain.news.component import ComponentState
from restream.domain.visionaire import Collection, HostPicture
from restream.ports.servers import StreamDirectory
from restream.supervisor.components import Components

logger = logging.getLogger(__name__)

NAME = "visionaire"
"""Name of the component."""

# Servers are not asked all at the same moment, neither at the start nor later.
_FIRST_WITHIN = 0.1
_JITTER = 0.05
_NAMED_IN_DETAIL = 5


class VisionairePoller:
    """Asks each server about every `interval_s` seconds, never twice at the same time."""

    def __init__(self, directories: Sequence[StreamDirectory], components: Components, *, interval_s: float) -> None:
        self._directories = directories
        self._components = components
        self.interval_s = interval_s
        self._pictures: Mapping[str, HostPicture] = MappingProxyType(
            {each.server.host: HostPicture(each.server) for each in directories}
        )
        self._asked: set[str] = set()

    @property
    def pictures(self) -> Mapping[str, HostPicture]:
        """What is known of each server, by host, in the order of the configuration; it never changes afterwards."""
        return self._pictures

    async def run(self) -> NoReturn:
        """Poll until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for directory in self._directories:
                    group.create_task(self._poll(directory), name=f"{NAME} {directory.server.host}")
                await asyncio.Event().wait()
            raise AssertionError("an event nobody sets has been set")
        finally:
            await asyncio.gather(*(directory.close() for directory in self._directories))

    async def _poll(self, directory: StreamDirectory) -> NoReturn:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.interval_s * _FIRST_WITHIN * random.random())  # noqa: S311
        while True:
            due = loop.time() + self.interval_s * (1 + _JITTER * (2 * random.random() - 1))  # noqa: S311
            try:
                collection = await directory.collect()
            except Exception as error:
                # A defect in one server's cycle is no reason to lose the others'.
                logger.exception("%s %s: the cycle failed", NAME, directory.server.host)
                collection = Collection(None, errors=1, error=f"internal error ({type(error).__name__})")
            self._take(directory.server.host, collection)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _take(self, host: str, collection: Collection) -> None:
        picture = self._pictures[host].after(collection, asyncio.get_running_loop().time())
        self._pictures = MappingProxyType({**self._pictures, host: picture})
        self._asked.add(host)
        state, detail = _judge(self._pictures, self._asked)
        self._components.report(NAME, state, detail)


def _judge(pictures: Mapping[str, HostPicture], asked: set[str]) -> tuple[ComponentState, str]:
    silent = [f"{host} ({pictures[host].error})" for host in pictures if host in asked and not pictures[host].answers]
    if silent:
        more = f" and {len(silent) - _NAMED_IN_DETAIL} more" if len(silent) > _NAMED_IN_DETAIL else ""
        named = ", ".join(silent[:_NAMED_IN_DETAIL])
        return ComponentState.DOWN, f"{len(silent)} of {len(pictures)} servers do not answer: {named}{more}"
    if len(asked) < len(pictures):
        return ComponentState.UNKNOWN, f"{len(asked)} of {len(pictures)} servers asked so far"
    streams = sum(len(picture.streams) for picture in pictures.values())
    partly = [f"{host} ({picture.error})" for host, picture in pictures.items() if picture.error]
    troubles = f"; {', '.join(partly[:_NAMED_IN_DETAIL])}" if partly else ""
    return ComponentState.UP, f"{streams} streams on {len(pictures)} servers{troubles}"
