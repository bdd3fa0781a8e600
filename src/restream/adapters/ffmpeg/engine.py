"""The ffmpeg engine: one process per camera, watched through `-progress`."""

from __future__ import annotations

from collections.abc import Callable

from restream.adapters.processes.child_process import ChildProcess
from restream.adapters.processes.paced_pipes import PacedPipes
from restream.domain.ffmpeg.exit_cause import ProcessEnding
from restream.domain.ffmpeg.plan import StreamPlan
from restream.domain.ffmpeg.progress import Progress, ProgressParser


class FfmpegPublication:
    """One running ffmpeg."""

    def __init__(self, child: ChildProcess, stop_grace_s: float) -> None:
        self._child = child
        self._stop_grace_s = stop_grace_s

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def suspended(self) -> bool:
        return self._child.suspended

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        return self._child.stderr_tail

    async def ended(self) -> ProcessEnding:
        return await self._child.ended()

    async def stop(self) -> None:
        await self._child.stop(self._stop_grace_s)


class FfmpegPublisher:
    """Starts ffmpeg for a plan; `stop_grace_s` is the time from the first SIGTERM to SIGKILL."""

    def __init__(self, stop_grace_s: float = 3.0) -> None:
        self._stop_grace_s = stop_grace_s
        self._pipes = PacedPipes()

    async def start(self, plan: StreamPlan, on_progress: Callable[[Progress], None]) -> FfmpegPublication:
        parser = ProgressParser()

        def on_stdout(chunk: bytes) -> None:
            for progress in parser.feed(chunk):
                on_progress(progress)

        child = await ChildProcess.spawn(plan.command, on_stdout, pipes=self._pipes)
        return FfmpegPublication(child, self._stop_grace_s)
