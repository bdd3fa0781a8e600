"""Key frames of cameras that are relayed, out of the packets that pass: nobody is asked for anything."""

from __future__ import annotations

import asyncio
import time

from restream.adapters.relay.workers import RelayWorkers
from restream.domain.camera.camera import Camera
from restream.ports.pictures import KeyFrame, KeyFrames, NoKeyFrameError


class RelayKeyFrames:
    """The next one that passes, within `limit_s` seconds; of a camera that nobody relays, whatever `other` has."""

    def __init__(self, workers: RelayWorkers, other: KeyFrames, limit_s: float) -> None:
        self._workers, self._other, self._limit_s = workers, other, limit_s

    async def latest(self, camera: Camera) -> KeyFrame | None:
        """Raises NoKeyFrameError."""
        relay = self._workers.of(camera.id)
        if relay is None:
            return await self._other.latest(camera)
        try:
            async with asyncio.timeout(self._limit_s):
                told = await relay.key_frame()
        except TimeoutError:
            raise NoKeyFrameError(f"no key frame has passed the relay for {self._limit_s:g} s") from None
        if told is None:
            raise NoKeyFrameError("the relay ended before a key frame came")
        return KeyFrame(told.codec, told.data, time.time()) if told.data else None
