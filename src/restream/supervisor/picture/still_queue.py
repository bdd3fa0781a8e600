"""Still pictures for the page: few at a time, one for everybody who asks, kept for some seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from restream.domain.ffmpeg.invocation import Invocation
from restream.ports.cameras import StillCamera, StillError

KEPT_S = 5.0
"""How old a picture may be."""
_AT_ONCE = 2
_MOST_WAITING = 50
_MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class KeptStill:
    """A JPEG; `taken_at` is monotonic (s)."""

    picture: bytes
    taken_at: float


class StillQueue:
    """Takes pictures through `camera`; each costs a decoder for a moment, so they queue."""

    def __init__(self, camera: StillCamera) -> None:
        self._camera = camera
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._taking: dict[str, asyncio.Task[bytes]] = {}
        self._kept: OrderedDict[str, KeptStill] = OrderedDict()

    async def take(self, path: str, command: Invocation) -> bytes:
        """A JPEG of this path, at most 5 s old. Raises StillError."""
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(path)
        if kept is not None and now - kept.taken_at < KEPT_S:
            return kept.picture
        taking = self._taking.get(path)
        if taking is None:
            if len(self._taking) >= _MOST_WAITING:
                raise StillError("too many pictures are being taken: try again in a moment")
            taking = self._taking[path] = asyncio.create_task(self._take(path, command), name=f"still of {path}")
            taking.add_done_callback(lambda _: self._taking.pop(path, None))
        # Who goes away does not take the picture from the others.
        return await asyncio.shield(taking)

    def kept(self, path: str) -> KeptStill | None:
        """The last picture of this path that was taken, if it is still there; however old."""
        return self._kept.get(path)

    async def close(self) -> None:
        """End what is running."""
        tasks = list(self._taking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, path: str, command: Invocation) -> bytes:
        async with self._slots:
            picture = await self._camera.take(command)
        self._kept[path] = KeptStill(picture, asyncio.get_running_loop().time())
        self._kept.move_to_end(path)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return picture
