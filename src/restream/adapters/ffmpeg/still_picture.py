"""Still pictures, from what the media server has: ffmpeg decodes one key frame."""

from __future__ import annotations

from restream.adapters.processes.run_once import run_once
from restream.domain.ffmpeg.invocation import Invocation
from restream.ports.cameras import PublisherError, StillError

_MAX_STILL_BYTES = 4 << 20


class FfmpegStills:
    """Runs one ffmpeg per picture; one that takes longer than `limit_s` seconds is ended."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    async def take(self, invocation: Invocation) -> bytes:
        """One JPEG. Raises StillError."""
        try:
            run = await run_once(invocation, limit_s=self._limit_s, max_output_bytes=_MAX_STILL_BYTES)
        except PublisherError as error:
            raise StillError(str(error)) from None
        if run.timed_out:
            raise StillError(f"no picture within {self._limit_s:g} s", timed_out=True)
        if not run.output.startswith(b"\xff\xd8"):
            tail = run.ending.stderr_tail
            raise StillError(tail[-1] if tail else f"ffmpeg ended with {run.ending.exit_code}")
        return run.output
