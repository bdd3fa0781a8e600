"""A program that is run once for what it prints: bounded in time and output, and no process left behind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from restream.adapters.processes.child_process import ChildProcess
from restream.domain.ffmpeg.exit_cause import ProcessEnding
from restream.domain.ffmpeg.invocation import Invocation


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What one run brought."""

    output: bytes
    """Standard output; what came beyond the limit is thrown away."""
    ending: ProcessEnding
    timed_out: bool
    """It had to be ended."""
    elapsed_s: float


async def run_once(
    command: Invocation, *, limit_s: float, max_output_bytes: int, user: str | None = None
) -> RunOutcome:
    """Run to the end, or end it after `limit_s` seconds; as another user if one is named. Raises PublisherError."""
    output = bytearray()

    def on_stdout(chunk: bytes) -> None:
        output.extend(chunk[: max_output_bytes - len(output)])

    began = time.monotonic()
    child = ChildProcess.spawn(command, on_stdout, user=user)
    timed_out = False
    try:
        async with asyncio.timeout(limit_s):
            await child.ended()
    except TimeoutError:
        timed_out = True
    finally:
        # Also when this is cancelled.
        child.kill()
        ending = await asyncio.shield(child.ended())
    return RunOutcome(bytes(output), ending, timed_out, time.monotonic() - began)
