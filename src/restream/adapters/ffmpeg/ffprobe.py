"""Probing with ffprobe: bounded in time and output, and no process left behind."""

from __future__ import annotations

import time

from restream.adapters.processes.run_once import run_once
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Media, ProbeFailure
from restream.domain.ffmpeg.plan import FfmpegSettings, ProbePlan, build_probe
from restream.domain.ffmpeg.probe import parse_probe
from restream.domain.life.cause import Cause
from restream.domain.look import Look
from restream.ports.cameras import PublisherError

# ffprobe's JSON of a camera is some KiB; an endless session description must not fill the memory.
_MAX_OUTPUT_BYTES = 1 << 20


class FfprobeProber:
    """Runs one ffprobe per look."""

    def __init__(self, settings: FfmpegSettings) -> None:
        self._settings = settings

    def limit_s(self, options: CameraOptions) -> float:
        """When an ffprobe that has not ended by itself is killed."""
        return self._settings.probe_limit_s(options)

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
        """What the camera offers, or why it cannot be told; bounded in time. Never raises."""
        at, began = time.time(), time.monotonic()
        outcome = await look(build_probe(source, options, self._settings))
        return Look(outcome=outcome, by="ffprobe", at=at, took_s=time.monotonic() - began)


async def look(plan: ProbePlan) -> Media | ProbeFailure:
    """Run ffprobe by a plan, at most `plan.limit_s` seconds. Never raises."""
    try:
        run = await run_once(plan.invocation, limit_s=plan.limit_s, max_output_bytes=_MAX_OUTPUT_BYTES)
    except PublisherError as error:
        return ProbeFailure(Cause.INTERNAL, str(error))
    exit_code = None if run.timed_out else run.ending.exit_code
    return parse_probe(run.output, run.ending.stderr_tail, exit_code, run.elapsed_s, plan.network_timeout_s)
