"""What is known of cameras' pictures outlives the service."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from restream.domain.pictures.memory import PictureMemory
from restream.ports.outlets import SinkError
from restream.ports.pictures import PictureMemories

logger = logging.getLogger(__name__)

_RECALL_LIMIT_S = 2.0
_LOOK_S = 1.0
_MOST_AT_ONCE = 50
"""Each is some 25 kB."""


class Recollections:
    """`memories` None: nothing is kept. Who learns is written down now and then (`every_s`), what was said or found at
    once.
    """

    def __init__(self, memories: PictureMemories | None, every_s: float = 300.0) -> None:
        self._memories, self._every_s = memories, every_s
        self._changed: dict[str, PictureMemory] = {}
        self._due: dict[str, float] = {}

    async def recall(self, camera_id: str) -> PictureMemory:
        """What was known before; nothing where that cannot be had soon. Never raises."""
        if self._memories is None:
            return PictureMemory()
        try:
            async with asyncio.timeout(_RECALL_LIMIT_S):
                return PictureMemory.from_mapping(await self._memories.load(camera_id))
        except (SinkError, TimeoutError) as error:
            logger.debug("camera %s: its pictures are learnt anew: %s", camera_id, error or "no answer")
            return PictureMemory()

    def changed(self, camera_id: str, memory: PictureMemory, *, at_once: bool = False) -> None:
        """It is to be written, soon or at once."""
        now = asyncio.get_running_loop().time()
        self._changed[camera_id] = memory
        due = now if at_once else now + self._every_s
        self._due[camera_id] = min(self._due.get(camera_id, due), due)

    async def run(self) -> NoReturn:
        """Write what is due, until cancelled; then everything."""
        try:
            while True:
                await asyncio.sleep(_LOOK_S)
                now = asyncio.get_running_loop().time()
                await self._save([key for key, due in self._due.items() if due <= now][:_MOST_AT_ONCE])
        finally:
            if self._memories is not None:
                await self._finish()

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(_RECALL_LIMIT_S):
                while self._due:
                    before = len(self._due)
                    await self._save(list(self._due)[:_MOST_AT_ONCE])
                    if len(self._due) == before:
                        break
        except TimeoutError:
            logger.info("what was learnt of %d cameras' pictures since the last writing is lost", len(self._due))
        if self._memories is not None:
            await self._memories.close()

    async def _save(self, camera_ids: list[str]) -> None:
        if not camera_ids:
            return
        documents = {key: self._changed[key].to_mapping() for key in camera_ids}
        for key in camera_ids:
            del self._due[key], self._changed[key]
        if self._memories is None:
            return
        try:
            await self._memories.save(documents)
        except SinkError as error:
            # The store's state is a component of its own.
            logger.debug("pictures: %s", error)
