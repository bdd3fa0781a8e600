"""One camera, one task that owns all its state: the shell around `domain.transitions`."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from restream.domain.camera.camera import Camera
from restream.domain.ffmpeg.exit_cause import classify
from restream.domain.ffmpeg.plan import StreamPlan, build_plan, build_probe
from restream.domain.ffmpeg.probe import ProbeFailure
from restream.domain.ffmpeg.progress import Progress
from restream.domain.judgement.status import CameraStatus
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import (
    Admitted,
    Command,
    Ended,
    Event,
    Phase,
    Probed,
    Progressed,
    Revised,
    State,
    TimerFired,
    Timing,
    Unarrived,
)
from restream.domain.life.transitions import begin, step
from restream.domain.news.event import Transition
from restream.ports import Publication, PublisherError
from restream.supervisor.cameras.settings import Environment, StreamSettings
from restream.supervisor.cameras.timer import DeadlineTimer

logger = logging.getLogger(__name__)


class CameraActor:
    """Keeps one camera published until it is removed.

    `tell` puts an event into its mailbox; nothing else changes its state. An exception inside backs this camera off and
    reaches nobody else.
    """

    def __init__(self, camera: Camera, settings: StreamSettings, environment: Environment, *, server_up: bool) -> None:
        self.camera = camera
        self._settings = settings
        self._environment = environment
        self._loop = asyncio.get_running_loop()
        self._mailbox: asyncio.Queue[Event] = asyncio.Queue()
        self._state, self._commands = begin(self._loop.time(), server_up=server_up)
        self._plan: StreamPlan | None = None
        self._publication: Publication | None = None
        self._stderr_tail: tuple[str, ...] = ()
        self._probing: asyncio.Task[None] | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer = DeadlineTimer(self._due)
        self.task = asyncio.create_task(self._run(), name=f"camera {camera.id}")

    @property
    def status(self) -> CameraStatus:
        pid = self._publication.pid if self._publication else None
        return CameraStatus(self.camera, self._state, self._plan, pid)

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of the running publisher, else of the one before; masked."""
        return self._publication.stderr_tail if self._publication else self._stderr_tail

    @property
    def running_since(self) -> float | None:
        """Since when media has flowed (monotonic, s); None while it does not."""
        return self._state.running_since if self._state.phase is Phase.RUNNING else None

    def tell(self, event: Event) -> None:
        self._mailbox.put_nowait(event)

    def tell_unarrived(self, silent_since: float, until: float, *, published: bool) -> None:
        """The media server has received nothing from this camera between these moments (monotonic, s)."""
        self.tell(Unarrived(silent_since, until, published, self._suspended))

    @property
    def _suspended(self) -> bool:
        return self._publication is not None and self._publication.suspended

    def _due(self) -> None:
        self.tell(TimerFired(self._suspended))

    def update(self, camera: Camera) -> None:
        """A row changed without changing the stream."""
        self.camera = camera

    def revise(self, camera: Camera, settings: StreamSettings) -> None:
        """The stream changed: restart with the new row or settings."""
        self.camera, self._settings = camera, settings
        self.tell(Revised())

    def adopt(self, settings: StreamSettings) -> None:
        """New settings of the service: restart only if the command changes."""
        self._settings = settings
        # In every other phase the next start builds its command from the new settings anyway.
        if self._state.phase in (Phase.STARTING, Phase.RUNNING) and self._build_plan(settings) != self._plan:
            self.tell(Revised())

    async def _run(self) -> None:
        self._execute(self._commands)
        while self._state.phase is not Phase.FINISHED:
            self._take(await self._mailbox.get())
        self._timer.set(None)
        # A cancelled probe still has its process to reap.
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, event: Event) -> None:
        try:
            self._follow(event)
        except Exception:
            logger.exception("camera %s: internal error while following %s", self.camera.id, type(event).__name__)
            self._recover()

    def _follow(self, event: Event) -> None:
        if isinstance(event, Admitted) and not self._environment.admission.holds(self.camera.id):
            return  # granted before the camera queued again
        before = self._state
        self._state, commands = step(before, event, self._loop.time(), random.random(), self._timing())  # noqa: S311
        if before.phase is not self._state.phase:
            self._announce(before)
        self._execute(commands)
        self._timer.set(self._state.deadline)

    def _recover(self) -> None:
        """The crash boundary: end what runs, then treat it as one more failure of this camera."""
        now = self._loop.time()
        self._environment.admission.release(self.camera.id)
        self._cancel_probe()
        if self._publishing is not None and not self._publishing.done():
            self._state = self._state._replace(
                phase=Phase.STOPPING, since=now, stop_cause=Cause.INTERNAL, deadline=None
            )
            self._stop()
            return
        if not self._state.wanted:
            self._state = self._state._replace(phase=Phase.FINISHED, since=now, deadline=None)
            return
        retry_s = self._settings.restart.base_s
        failures = self._state.failures + 1
        self._state = self._state._replace(
            phase=Phase.BACKOFF, since=now, cause=Cause.INTERNAL, failures=failures, deadline=now + retry_s
        )
        self._timer.set(self._state.deadline)

    def _timing(self) -> Timing:
        ffmpeg, options = self._settings.ffmpeg, self.camera.options
        return Timing(
            restart=self._settings.restart,
            # The prober ends a probe by itself; this is the second fence.
            probe_limit_s=ffmpeg.probe_limit_s + 5,
            connect_timeout_s=options.connect_timeout_s or ffmpeg.connect_timeout_s,
            stall_timeout_s=options.stall_timeout_s or ffmpeg.stall_timeout_s,
        )

    def _announce(self, before: State) -> None:
        after = self._state
        retry_in_s = None
        if after.phase in (Phase.BACKOFF, Phase.HELD) and after.deadline is not None:
            retry_in_s = after.deadline - self._loop.time()
        self._environment.on_transition(
            Transition(
                at=time.time(),
                camera_id=self.camera.id,
                name=self.camera.name,
                before=before.phase,
                after=after.phase,
                cause=after.cause if after.phase is not Phase.STOPPING else after.stop_cause,
                detail=after.detail,
                retry_in_s=retry_in_s,
            )
        )

    # -- commands ------------------------------------------------------------------------------------------------------

    def _execute(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            self._HANDLERS[command](self)

    def _request_slot(self) -> None:
        self._environment.admission.request(
            self.camera.id,
            self.camera.source.host,
            priority=self.camera.options.priority,
            retry=self._state.failures > 0,
            grant=lambda: self.tell(Admitted()),
        )

    def _release_slot(self) -> None:
        self._environment.admission.release(self.camera.id)

    def _check_server(self) -> None:
        self._environment.check_server()

    def _probe(self) -> None:
        self._probing = self._spawn(self._run_probe(self.camera), "probe")

    def _cancel_probe(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            self._probing = None

    def _start(self) -> None:
        self._plan = self._build_plan(self._settings)
        self._publishing = self._spawn(self._run_publication(self._plan), "publication")

    def _stop(self) -> None:
        if self._publication is not None:
            self._spawn(self._publication.stop(), "stop")

    def _finish(self) -> None:
        """Nothing is left to do: the loop of `_run` ends by itself."""

    _HANDLERS: ClassVar[Mapping[Command, Callable[[CameraActor], None]]] = {
        Command.REQUEST_SLOT: _request_slot,
        Command.RELEASE_SLOT: _release_slot,
        Command.CHECK_SERVER: _check_server,
        Command.PROBE: _probe,
        Command.CANCEL_PROBE: _cancel_probe,
        Command.START: _start,
        Command.STOP: _stop,
        Command.FINISH: _finish,
    }

    # -- what runs beside the mailbox ----------------------------------------------------------------------------------

    async def _run_probe(self, camera: Camera) -> None:
        transport = camera.options.rtsp_transport or self._settings.target.rtsp_transport
        plan = build_probe(camera.source, self._settings.ffmpeg, transport)
        try:
            outcome = await self._environment.prober.probe(plan)
        except Exception:
            logger.exception("camera %s: internal error while probing", camera.id)
            outcome = ProbeFailure(Cause.INTERNAL, "internal error while probing, see the log")
        self._probing = None
        self.tell(Probed(outcome))

    async def _run_publication(self, plan: StreamPlan) -> None:
        try:
            cause, detail = await self._publish(plan)
        except PublisherError as error:
            cause, detail = Cause.INTERNAL, str(error)
        except Exception:
            logger.exception("camera %s: internal error while publishing", self.camera.id)
            cause, detail = Cause.INTERNAL, "internal error while publishing, see the log"
            if self._publication is not None:
                await self._publication.stop()
        self._publication = self._publishing = None
        self.tell(Ended(cause, detail))

    async def _publish(self, plan: StreamPlan) -> tuple[Cause, str]:
        self._publication = publication = await self._environment.publisher.start(plan, self._progressed)
        if self._state.phase not in (Phase.STARTING, Phase.RUNNING):
            # Stopped while the process was being made.
            self._stop()
        ending = await publication.ended()
        self._stderr_tail = ending.stderr_tail
        return classify(ending, asked=self._state.stop_cause, media_seen=self._state.running_since is not None)

    def _progressed(self, progress: Progress) -> None:
        # Nearly all events are these: where nothing waits before it, it is followed without waking the task.
        if self._mailbox.empty():
            self._take(Progressed(progress))
        else:
            self.tell(Progressed(progress))

    def _build_plan(self, settings: StreamSettings) -> StreamPlan:
        media = self._state.media
        if media is None:
            raise AssertionError("a publisher is only started after a probe")
        drop_audio = "the last start with audio brought no media" if self._state.without_audio else None
        return build_plan(self.camera, media, settings.target, settings.ffmpeg, drop_audio=drop_audio)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"camera {self.camera.id} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("camera %s: internal error", self.camera.id, exc_info=task.exception())
