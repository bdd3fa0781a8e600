"""The ffmpeg engine: one process per camera, watched through `-progress`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

import msgspec

from restream.adapters.processes.child_process import ChildProcess, LeftChild
from restream.adapters.processes.paced_pipes import PacedPipes
from restream.adapters.tls import certificate_trouble
from restream.domain.camera.camera import Camera
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan
from restream.domain.ffmpeg.encoding import misread_as
from restream.domain.ffmpeg.exit_cause import classify, was_silent
from restream.domain.ffmpeg.login import login_trouble
from restream.domain.ffmpeg.plan import ENGINE, FfmpegPlan, FfmpegSettings, build_plan
from restream.domain.ffmpeg.progress import ProgressParser
from restream.domain.life.cause import Cause
from restream.domain.server.target import Target
from restream.ports.cameras import PublisherError


class _Left(NamedTuple):
    child: LeftChild
    media_seen: bool
    started_at_s: float


class FfmpegPublication:
    """One running ffmpeg, since `started_at_s` (monotonic)."""

    def __init__(
        self,
        child: ChildProcess,
        progress: ProgressParser,
        network_timeout_s: float,
        stop_grace_s: float,
        started_at_s: float | None = None,
    ) -> None:
        self._child = child
        self._started_at_s = monotonic() if started_at_s is None else started_at_s
        self._network_timeout_s = network_timeout_s
        self._progress = progress
        self._stop_grace_s = stop_grace_s

    @property
    def pid(self) -> int | None:
        """Of ffmpeg."""
        return self._child.pid

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of its stderr."""
        return self._child.stderr_tail

    def excuse(self) -> Cause | None:
        """A process that somebody has stopped (SIGSTOP, a debugger) cannot publish anything."""
        return Cause.SUSPENDED if self._child.suspended else None

    async def ended(self) -> Ending:
        """Wait until it is reaped; its ending, classified."""
        ending = await self._child.ended()
        silent = was_silent(monotonic() - self._started_at_s, self._network_timeout_s)
        return classify(ending, media_seen=self._progress.media_seen, silent=silent)

    async def stop(self) -> None:
        """SIGTERM, again after 1 s, SIGKILL when the grace is over."""
        await self._child.stop(self._stop_grace_s)
        await self._child.ended()

    def leave(self) -> bytes | None:
        """Its process and pipes."""
        child = self._child.leave()
        if child is None:
            return None
        return msgspec.msgpack.encode(_Left(child, self._progress.media_seen, self._started_at_s))


class RefusedPublication:
    """One that was not begun: the media server is not the one that is meant."""

    pid: int | None = None
    log: tuple[str, ...] = ()

    def __init__(self, words: str) -> None:
        self._ending = Ending(Cause.SERVER_REFUSED, words)

    def excuse(self) -> Cause | None:
        """There is none."""
        return None

    async def ended(self) -> Ending:
        """At once."""
        return self._ending

    async def stop(self) -> None:
        """Nothing is there to be ended."""

    def leave(self) -> bytes | None:
        """Nor to be left."""
        return None


class FfmpegEngine:
    """Starts an ffmpeg per camera; `stop_grace_s` is the time from the first SIGTERM to SIGKILL.

    `pipes` are shared by all ffmpegs, also by those that were started under other settings.
    """

    name = ENGINE
    evidence = Evidence.ENGINE

    def __init__(self, settings: FfmpegSettings, *, stop_grace_s: float = 3.0, pipes: PacedPipes | None = None) -> None:
        self._settings = settings
        self._stop_grace_s = stop_grace_s
        self._pipes = PacedPipes() if pipes is None else pipes

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        """It reads every scheme that rows may have, and converts what a target does not carry.

        It lacks some logins, and goes by the wrong line where a description names several codecs of the video.
        """
        if trouble := login_trouble(media.login, reconnects=media.reconnects):
            return Ending(Cause.AUTH_UNSUPPORTED, trouble)
        if camera.options.on_demand:
            return Ending(Cause.ENGINE_UNABLE, "options.on_demand: only the engine pull waits until somebody watches")
        video = media.video
        if wrong := misread_as(video.codec, video.offered):
            offered = ", ".join(video.offered)
            words = (
                f"the camera's description names {offered} for one video; ffmpeg would take {video.codec} for {wrong}"
            )
            return Ending(Cause.ENGINE_UNABLE, words)
        return None

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> FfmpegPlan:
        """The command line."""
        return build_plan(camera, media, target, self._settings, lesser=lesser)

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> FfmpegPublication | RefusedPublication:
        """Spawn the plan's ffmpeg. Raises PublisherError, and TypeError for another engine's plan."""
        if not isinstance(plan, FfmpegPlan):
            raise TypeError(f"a plan of the engine {plan.engine}")
        if plan.to_be_checked is not None and (trouble := await certificate_trouble(plan.to_be_checked)):
            return RefusedPublication(trouble)
        progress = ProgressParser()
        child = ChildProcess.spawn(plan.invocation, _reporting(progress, on_advance), pipes=self._pipes)
        return FfmpegPublication(child, progress, plan.network_timeout_s, self._stop_grace_s)

    async def adopt(self, plan: Plan, words: bytes, on_advance: Callable[[Advance], None]) -> FfmpegPublication:
        """Follow a process. Raises PublisherError, and TypeError for another engine's plan."""
        if not isinstance(plan, FfmpegPlan):
            raise TypeError(f"a plan of the engine {plan.engine}")
        left, progress = msgspec.msgpack.decode(words, type=_Left), ProgressParser()
        progress.media_seen = left.media_seen
        child = ChildProcess.adopt(left.child, _reporting(progress, on_advance), self._pipes)
        return FfmpegPublication(child, progress, plan.network_timeout_s, self._stop_grace_s, left.started_at_s)

    async def discard(self, words: bytes) -> None:
        """End a process."""
        with contextlib.suppress(PublisherError):
            child = ChildProcess.adopt(msgspec.msgpack.decode(words, type=_Left).child, lambda _: None)
            await child.stop(self._stop_grace_s)
            await child.ended()


def _reporting(progress: ProgressParser, on_advance: Callable[[Advance], None]) -> Callable[[bytes], None]:
    def on_stdout(chunk: bytes) -> None:
        for advance in progress.feed(chunk):
            on_advance(advance)

    return on_stdout
