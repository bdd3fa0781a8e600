"""Looks again and again at what the other nodes tell of their cameras."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn

from restream.domain.fleet.node import NodeName
from restream.ports.nodes import PeerPicture, PeerReader
from restream.ports.outlets import SinkError

logger = logging.getLogger(__name__)

_KEPT_LOOKS = 5
"""As many cycles as a node's keys live."""


class PeerWatch:
    """`names` are the nodes to look at; `run` looks every `interval_s`.

    While the store is away the pictures stay for as long as they would in it; that it is away is its sink's to tell.
    """

    def __init__(self, reader: PeerReader, names: Callable[[], Collection[NodeName]], interval_s: float) -> None:
        self._reader = reader
        self._names = names
        self._interval_s = interval_s
        self._missed = 0
        self._told: dict[NodeName, str] = {}
        self.pictures: Mapping[NodeName, PeerPicture] = {}
        """By node, of those that tell now."""

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                await self._look()
                await asyncio.sleep(max(0.1, began + self._interval_s - loop.time()))
        finally:
            await self._reader.close()

    async def _look(self) -> None:
        try:
            self.pictures = await self._reader.look(self._names())
        except SinkError:
            self._missed += 1
            if self._missed >= _KEPT_LOOKS:
                self.pictures = {}
            return
        self._missed = 0
        problems = {name: each.problem for name, each in self.pictures.items() if each.problem}
        for name, problem in problems.items():
            if self._told.get(name) != problem:
                logger.warning("the cameras of node %s are not shown: %s", name, problem)
        self._told = problems
