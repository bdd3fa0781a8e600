"""Probing with ffprobe: bounded in time and output, and no process left behind."""

from __future__ import annotations

from restream.adapters.processes.run_once import run_once
from restream.domain.ffmpeg.plan import ProbePlan
from restream.domain.ffmpeg.probe import ProbeFailure, ProbeResult, parse_probe
from restream.domain.life.cause import Cause
from restream.ports import PublisherError

# ffprobe's JSON of a camera is some KiB; an endless session description must not fill the memory.
_MAX_OUTPUT_BYTES = 1 << 20


class FfprobeProber:
    """Runs one ffprobe per look."""

    async def probe(self, plan: ProbePlan) -> ProbeResult | ProbeFailure:
        """What the camera offers, or why it cannot be told; at most `plan.limit_s` seconds. Never raises."""
        try:
            run = await run_once(plan.command, limit_s=plan.limit_s, max_output_bytes=_MAX_OUTPUT_BYTES)
        except PublisherError as error:
            return ProbeFailure(Cause.INTERNAL, str(error))
        exit_code = None if run.timed_out else run.ending.exit_code
        stderr = "\n".join(run.ending.stderr_tail)
        return parse_probe(run.output, stderr, exit_code, run.elapsed_s, plan.network_timeout_s)
