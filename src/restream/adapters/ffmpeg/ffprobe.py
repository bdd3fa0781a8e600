"""Probing with ffprobe: bounded in time and output, and no process left behind."""

from __future__ import annotations

import asyncio
import time

from restream.adapters.processes.child_process import ChildProcess
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Media, ProbeFailure
from restream.domain.ffmpeg.plan import FfmpegSettings, ProbePlan, build_probe
from restream.domain.ffmpeg.probe import parse_probe
from restream.domain.life.cause import Cause
from restream.ports import PublisherError

# ffprobe's JSON of a camera is some KiB; an endless session description must not fill the memory.
_MAX_OUTPUT_BYTES = 1 << 20


class FfprobeProber:
    """Runs one ffprobe per look."""

    def __init__(self, settings: FfmpegSettings) -> None:
        self._settings = settings

    @property
    def limit_s(self) -> float:
        """When an ffprobe that has not ended by itself is killed."""
        return self._settings.probe_limit_s

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Media | ProbeFailure:
        """One look at a camera."""
        return await look(build_probe(source, options, self._settings))


async def look(plan: ProbePlan) -> Media | ProbeFailure:
    """Run ffprobe by a plan; its process is gone when this returns, however it does."""
    output = bytearray()

    def on_stdout(chunk: bytes) -> None:
        output.extend(chunk[: _MAX_OUTPUT_BYTES - len(output)])

    began = time.monotonic()
    try:
        child = await ChildProcess.spawn(plan.invocation, on_stdout)
    except PublisherError as error:
        return ProbeFailure(Cause.INTERNAL, str(error))
    exit_code: int | None = None
    try:
        async with asyncio.timeout(plan.limit_s):
            exit_code = (await child.ended()).exit_code
    except TimeoutError:
        pass
    finally:
        child.kill()
        if child.running:
            await asyncio.shield(child.ended())
    stderr = "\n".join(child.stderr_tail)
    elapsed_s = time.monotonic() - began
    return parse_probe(bytes(output), stderr, exit_code, elapsed_s, plan.network_timeout_s)
