"""Still pictures, from what the media server has: ffmpeg decodes one key frame."""

from __future__ import annotations

import asyncio

from restream.adapters.processes.child_process import ChildProcess
from restream.domain.ffmpeg.invocation import Invocation
from restream.ports import PublisherError, StillError

_MAX_STILL_BYTES = 4 << 20


class FfmpegStills:
    """Runs one ffmpeg per picture; one that takes longer than `limit_s` seconds is ended."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    async def take(self, invocation: Invocation) -> bytes:
        picture = bytearray()

        def on_stdout(chunk: bytes) -> None:
            picture.extend(chunk[: _MAX_STILL_BYTES - len(picture)])

        try:
            child = await ChildProcess.spawn(invocation, on_stdout)
        except PublisherError as error:
            raise StillError(str(error)) from None
        try:
            async with asyncio.timeout(self._limit_s):
                ending = await child.ended()
        except TimeoutError:
            raise StillError(f"no picture within {self._limit_s:g} s", timed_out=True) from None
        finally:
            child.kill()
            if child.running:
                await asyncio.shield(child.ended())
        if not picture.startswith(b"\xff\xd8"):
            tail = ending.stderr_tail
            raise StillError(tail[-1] if tail else f"ffmpeg ended with {ending.exit_code}")
        return bytes(picture)
