"""One camera, one task that owns all its state: the shell around `domain.transitions`."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from restream.domain.admission.outcome import StartOutcome, outcome_of
from restream.domain.camera.camera import Camera
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan, ProbeFailure
from restream.domain.judgement.status import CameraStatus
from restream.domain.life.attribution import attributed, unarrived
from restream.domain.life.cause import Cause
from restream.domain.life.kept import KeptCamera
from restream.domain.life.lifecycle import (
    Admitted,
    Advanced,
    Command,
    Ended,
    Event,
    Phase,
    Probed,
    Revised,
    State,
    TimerFired,
)
from restream.domain.life.transitions import begin, crash, resume, step
from restream.domain.look import Look
from restream.domain.news.event import Transition
from restream.domain.server.flow import ServerPicture
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.publisher import Publisher
from restream.supervisor.cameras.settings import StreamSettings
from restream.supervisor.cameras.side_tasks import SideTasks
from restream.supervisor.cameras.timer import DeadlineTimer
from restream.supervisor.journeys import EventListener, ServerSuspect

logger = logging.getLogger(__name__)

_ARRIVES = frozenset({Phase.STARTING, Phase.RUNNING})
_PUBLISHES = _ARRIVES | {Phase.IDLE}


class CameraActor:
    """Keeps one camera published until it is removed.

    `tell` puts an event into its mailbox; nothing else changes its state. An exception inside backs this camera off and
    reaches nobody else.
    """

    def __init__(
        self,
        camera: Camera,
        settings: StreamSettings,
        *,
        admission: Admission,
        servers: ServerSuspect,
        listener: EventListener,
        server_up: bool,
        picture: ServerPicture,
        media: Media | None = None,
        kept: KeptCamera | None = None,
    ) -> None:
        """`media`: what it sent in an earlier life of the service; `kept`: its publisher, which has run on since."""
        self.camera, self._settings = camera, settings
        self._timing, self._target = settings.timing_of(camera), settings.target_of(camera)
        self._admission, self._servers, self._listener = admission, servers, listener
        self._loop = asyncio.get_running_loop()
        self._mailbox: asyncio.Queue[Event] = asyncio.Queue()
        now, self._kept = self._loop.time(), kept
        self._state, self._commands = (
            resume(kept, now, self._timing, server_up=server_up)
            if kept
            else begin(now, server_up=server_up, media=media)
        )
        self.look: Look | None = None
        """The last one at this camera."""
        self._picture = picture
        self.probing: asyncio.Task[None] | None = None
        """A look that is under way, beside the stream where there is one."""
        self._side_tasks = SideTasks(camera.id)
        self._publisher = Publisher(camera.id, self._side_tasks, self._advanced, self._over)
        self._timer = DeadlineTimer(self._due)
        self.task = asyncio.create_task(self._run(), name=f"camera {camera.id}")

    @property
    def status(self) -> CameraStatus:
        """What is known of it now."""
        return CameraStatus(self.camera, self._state, self._publisher.plan, self._publisher.pid)

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of the running publisher, else of the one before; masked."""
        return self._publisher.log

    @property
    def leavable(self) -> bool:
        """Whether it may run on while the service is replaced."""
        return self._state.phase is Phase.RUNNING and self._publisher.follows

    def leave(self) -> KeptCamera | None:
        """Let its publisher run on for the next life of the service, and end this actor; None: it has none."""
        left = self._publisher.leave()
        self.task.cancel()
        self._side_tasks.cancel()
        return KeptCamera.of(self.camera, self._target, self._state, left) if left else None

    def tell(self, event: Event) -> None:
        """Put an event into the mailbox."""
        self._mailbox.put_nowait(event)

    def see(self, picture: ServerPicture) -> None:
        """A sweep over its media server: does anything arrive?"""
        state = self._state
        self._picture = picture
        if state.phase not in _ARRIVES:
            return
        if self._evidence is Evidence.SERVER and picture.arrived(self.camera.path, state.since):
            self.tell(Advanced(Advance(moved=True)))
        plan = self._publisher.plan
        if state.phase is Phase.RUNNING and state.running_since is not None and plan is not None:
            silent = unarrived(picture, plan, state.running_since, self._publisher.excuse)
            if silent is not None:
                self.tell(silent)

    @property
    def _evidence(self) -> Evidence:
        plan = self._publisher.plan
        return self._settings.engines[plan.engine].evidence if plan else Evidence.ENGINE

    def _due(self) -> None:
        unseen = self._picture.fresh_since is None or self._state.phase is Phase.RUNNING  # there `see` tells
        blind = unseen and self._evidence is Evidence.SERVER
        self.tell(TimerFired(self._publisher.excuse, blind, self._picture.moved_after(self.camera.path)))

    def update(self, camera: Camera) -> None:
        """A row changed without changing the stream."""
        self.camera = camera

    def revise(self, camera: Camera, settings: StreamSettings) -> None:
        """The stream changed: restart with the new row or settings."""
        self.camera, self._settings = camera, settings
        self._timing = settings.timing_of(camera)
        self._cancel_probe()
        self.tell(Revised())

    def adopt(self, settings: StreamSettings) -> None:
        """New settings of the service: restart only if the plan changes."""
        self._settings = settings
        self._timing = settings.timing_of(self.camera)
        media = self._state.media
        # In every other phase the next start makes its plan from the new settings anyway.
        if self._state.phase not in _PUBLISHES or media is None:
            return
        # With another login it publishes from its next start on.
        target = settings.target_of(self.camera).with_login_of(self._target)
        plan = settings.engine_of(self.camera).plan(self.camera, media, target, lesser=self._state.lesser)
        if plan != self._publisher.plan:
            self.tell(Revised())

    async def _run(self) -> None:
        self._execute(self._commands)
        while self._state.phase is not Phase.FINISHED:
            self._take(await self._mailbox.get())
        self._picture = ServerPicture()  # the last one is of the whole fleet, and cycles keep this actor for a while
        # A cancelled probe still has its process to reap.
        await self._side_tasks.ended()

    def _take(self, event: Event) -> None:
        try:
            self._follow(event)
        except Exception:
            logger.exception("camera %s: internal error while following %s", self.camera.id, type(event).__name__)
            self._recover()

    def _follow(self, event: Event) -> None:
        if isinstance(event, Admitted) and not self._admission.holds(self.camera.id):
            return  # granted before the camera queued again
        before = self._state
        self._state, commands = step(before, event, self._loop.time(), random.random(), self._timing)  # noqa: S311
        if before.phase is not self._state.phase:
            self._announce(before)
        self._execute(commands)

    def _recover(self) -> None:
        """The crash boundary: end what runs, then treat it as one more failure of this camera."""
        now = self._loop.time()
        self._state, commands = crash(self._state, now, self._timing, publishing=self._publisher.active)
        self._execute(commands)

    def _announce(self, before: State) -> None:
        now = self._loop.time()
        self._listener.happened(Transition.between(self.camera, before, self._state, at=time.time(), now=now))

    # -- commands ------------------------------------------------------------------------------------------------------

    def _execute(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            self._HANDLERS[command](self)
        self._timer.set(self._state.deadline)

    def _request_slot(self) -> None:
        self._admission.request(
            self.camera.id,
            self.camera.source.host,
            priority=self.camera.options.priority,
            retry=self._state.failures > 0,
            grant=lambda: self.tell(Admitted()),
        )

    def _release_slot(self) -> None:
        self._admission.release(self.camera.id)

    def _report_success(self) -> None:
        self._admission.release(self.camera.id, StartOutcome.SUCCEEDED)

    def _report_failure(self) -> None:
        cause = self._state.cause
        self._admission.release(self.camera.id, StartOutcome.UNTOLD if cause is None else outcome_of(cause))

    def _check_server(self) -> None:
        self._servers.suspect(self.camera.server)

    def _probe(self) -> None:
        # One that an operator asked for may be under way: its answer will do.
        if self.probing is None:
            self.probing = self._side_tasks.start(self._run_probe(self.camera), "probe")

    def _cancel_probe(self) -> None:
        if self.probing is not None:
            self.probing.cancel()
            self.probing = None

    def _start(self) -> None:
        media = self._state.media
        if media is None:
            raise AssertionError("a publisher is only started after a probe")
        engine, self._target = self._settings.engine_of(self.camera), self._settings.target_of(self.camera)
        plan = engine.plan(self.camera, media, self._target, lesser=self._state.lesser)
        self._publisher.begin(engine, plan, engine.cannot(self.camera, media))

    def _continue(self) -> None:
        if self._kept is None:
            raise AssertionError("only what was left runs on")
        engine = self._settings.engine_of(self.camera)
        plan = engine.plan(self.camera, self._kept.media, self._target, lesser=self._kept.lesser)
        self._publisher.take_over(engine, plan, self._kept.words)

    def _stop(self) -> None:
        self._publisher.stop()

    def _finish(self) -> None:
        """The loop of `_run` ends by itself; a probe beside the stream is not waited for."""
        self._cancel_probe()

    _HANDLERS: ClassVar[Mapping[Command, Callable[[CameraActor], None]]] = {
        Command.REQUEST_SLOT: _request_slot,
        Command.RELEASE_SLOT: _release_slot,
        Command.REPORT_SUCCESS: _report_success,
        Command.REPORT_FAILURE: _report_failure,
        Command.CHECK_SERVER: _check_server,
        Command.PROBE: _probe,
        Command.LOOK: _probe,
        Command.CANCEL_PROBE: _cancel_probe,
        Command.START: _start,
        Command.CONTINUE: _continue,
        Command.STOP: _stop,
        Command.FINISH: _finish,
    }

    # -- what runs beside the mailbox ----------------------------------------------------------------------------------

    async def _run_probe(self, camera: Camera) -> None:
        outcome: Media | ProbeFailure
        try:
            look = await self._settings.prober.probe(camera.source, camera.options)
            self.look, outcome = look, look.outcome
        except Exception:
            logger.exception("camera %s: internal error while probing", camera.id)
            outcome = ProbeFailure(Cause.INTERNAL, "internal error while probing, see the log")
        self.probing = None
        self.tell(Probed(outcome, self._admission.permits(self.camera.id)))

    def _over(self, plan: Plan, ending: Ending, started_at: float) -> None:
        media = self._state.media
        ending = attributed(ending, self._picture, plan, started_at, self._state.running_since)
        other = media is not None and self._settings.could_converse(plan, self.camera, media)
        self.tell(Ended(ending.cause, ending.detail, plan.has_lesser, ending.unsendable, ending.remedy, other))

    def _advanced(self, advance: Advance) -> None:
        # Nearly all events are these: where nothing waits before it, it is followed without waking the task.
        if self._mailbox.empty():
            self._take(Advanced(advance))
        else:
            self.tell(Advanced(advance))
