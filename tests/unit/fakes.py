"""Fakes of the ports, and an event loop in which waiting takes no time."""

import asyncio
import functools
import selectors
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from restream.domain.admission.queue import StartLimits
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import CameraTypes, SourceUrl
from restream.domain.engine import Advance, AudioStream, Ending, Evidence, Media, Plan, ProbeFailure, VideoStream
from restream.domain.ffmpeg.exit_cause import ProcessEnding, classify
from restream.domain.ffmpeg.plan import FfmpegPlan, FfmpegSettings, build_plan
from restream.domain.life.backoff import RestartPolicy
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.look import Look
from restream.domain.news.event import Event, Transition
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.domain.server.target import Target
from restream.ports.cameras import DatabaseError, Row
from restream.ports.servers import ServerStatus
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.cameras.settings import StreamSettings
from restream.supervisor.picture.observer import Observer

VIDEO = VideoStream("h264", 640, 360, 15.0, "Main")
WITH_AUDIO = Media(VIDEO, AudioStream("aac", 16000, 1))
_SETTINGS = FfmpegSettings()
NO_JITTER = RestartPolicy(jitter=0.0)


class _InstantSelector(selectors.SelectSelector):
    """Instead of sleeping it moves the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("deadlock: nothing is left that could ever happen")
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its clock jumps to the next timer as soon as nothing else is to do."""

    def __init__(self) -> None:
        self._instant = _InstantSelector()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test in virtual time; what is left on its stages is drained, and no task may be left after that."""

    async def run_and_drain(*args: Any, **kwargs: Any) -> None:
        Stage.all.clear()
        try:
            await test(*args, **kwargs)
        finally:
            for stage in Stage.all:
                async with asyncio.timeout(1000):
                    await stage.supervisor.drain()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(run_and_drain(*args, **kwargs))

    return run


async def settle() -> None:
    """Let everything that can happen now happen; no time passes."""
    for _ in range(50):
        await asyncio.sleep(0)


def now() -> float:
    return asyncio.get_running_loop().time()


class FakeTable:
    """A camera table whose rows and failures a test sets."""

    def __init__(self, *rows: Row) -> None:
        self.rows: list[Row] = list(rows)
        self.error: Exception | None = None
        self.connects_total = 0
        self.reads_total = 0
        self.closed = False
        self._on_change: Callable[[], None] | None = None

    async def connect(self, on_change: Callable[[], None]) -> None:
        self.connects_total += 1
        if isinstance(self.error, DatabaseError):
            raise self.error
        self._on_change = on_change

    async def read(self) -> Sequence[Row]:
        self.reads_total += 1
        if self.error is not None:
            raise self.error
        return [dict(row) for row in self.rows]

    async def close(self) -> None:
        self.closed = True

    def notify(self) -> None:
        assert self._on_change is not None
        self._on_change()


class FakeProber:
    """Answers by camera host, after a while; an exception is raised, None never comes."""

    def __init__(self, takes_s: float = 0.5) -> None:
        self.takes_s = takes_s
        self.limit_s = FfmpegSettings().probe_limit_s
        self.answers: dict[str, Media | ProbeFailure | Exception | None] = {}
        self.probes: Counter[str] = Counter()
        self.active = 0
        self.most_active = 0

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
        host = source.host
        self.probes[host] += 1
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            await asyncio.sleep(self.takes_s)
            answer = self.answers.get(host, WITH_AUDIO)
            if answer is None:
                await asyncio.Event().wait()
            if isinstance(answer, Exception):
                raise answer
            assert answer is not None
            return Look(outcome=answer, by="fake", at=1_700_000_000.0, took_s=self.takes_s)
        finally:
            self.active -= 1


class FakePublication:
    """A publisher that plays until it is ended."""

    def __init__(self, publisher: "FakeEngine", plan: Plan, on_advance: Callable[[Advance], None]) -> None:
        self.plan = plan
        self.frozen = False
        self.suspended = False
        self.stops_total = 0
        self.log: tuple[str, ...] = ()
        self.pid = 4242
        self._publisher = publisher
        self._on_advance = on_advance
        self._media_seen = False
        self._ending: asyncio.Future[ProcessEnding] = asyncio.get_running_loop().create_future()
        self._playing = asyncio.create_task(self._play())

    async def _play(self) -> None:
        frame = 0
        while True:
            await asyncio.sleep(1)
            if not self.frozen:
                frame += 15
                self._media_seen = True
                self._on_advance(Advance(moved=True, frame=frame, out_time_us=frame * 66_667))

    def excuse(self) -> Cause | None:
        return Cause.SUSPENDED if self.suspended else None

    @property
    def alive(self) -> bool:
        return not self._ending.done()

    def end(self, *stderr: str, exit_code: int | None = 0, signal: int | None = None) -> None:
        if self.alive:
            self._playing.cancel()
            self.log = stderr
            self._ending.set_result(ProcessEnding(exit_code, signal, stderr))
            self._publisher.left(self)

    async def ended(self) -> Ending:
        return classify(await asyncio.shield(self._ending), media_seen=self._media_seen)

    async def stop(self) -> None:
        self.stops_total += 1
        await asyncio.sleep(self._publisher.stop_takes_s)
        self.end("[info] Exiting normally, received signal 15.", exit_code=255)


class FakeEngine:
    """Makes ffmpeg's plans, starts fake publications by them, and watches that no path has two of them."""

    name = "ffmpeg"
    evidence = Evidence.ENGINE

    def __init__(self, settings: FfmpegSettings = _SETTINGS) -> None:
        self.settings = settings
        self.refusal = ""
        self.takes_s = 0.1
        self.stop_takes_s = 0.2
        self.error: Exception | None = None
        self.starts: list[Plan] = []
        self.started_at: list[float] = []
        self.frozen = False
        self.most_per_path = 0
        self._live: dict[str, list[FakePublication]] = defaultdict(list)

    @property
    def live(self) -> list[FakePublication]:
        return [publication for publications in self._live.values() for publication in publications]

    def of(self, camera_id: str) -> FakePublication:
        (found,) = (each for each in self.live if each.plan.camera_id == camera_id)
        return found

    def starts_of(self, camera_id: str) -> int:
        return sum(plan.camera_id == camera_id for plan in self.starts)

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        return Ending(Cause.ENGINE_UNABLE, self.refusal) if self.refusal else None

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> FfmpegPlan:
        return build_plan(camera, media, target, self.settings, lesser=lesser)

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> FakePublication:
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        self.starts.append(plan)
        self.started_at.append(now())
        publication = FakePublication(self, plan, on_advance)
        publication.frozen = self.frozen
        self._live[plan.path].append(publication)
        self.most_per_path = max(self.most_per_path, len(self._live[plan.path]))
        return publication

    def left(self, publication: FakePublication) -> None:
        self._live[publication.plan.path].remove(publication)


def _up(started: str | None = None) -> ServerStatus:
    return ServerStatus(True, "MediaMTX v1.20.1", ServerView("v1.20.1", started))


class FakeServer:
    """A media server that is there or not; it sees what `publisher` publishes, except from `deaf_to`."""

    def __init__(self, publisher: FakeEngine | None = None) -> None:
        self.publisher = publisher
        self.deaf_to: set[str] = set()
        self.status = _up("2026-08-22T18:57:28+02:00")
        self.checks_total = 0
        self.answers_after_s = 0.0
        self.closed = False

    @property
    def up(self) -> bool:
        return self.status.reachable

    @up.setter
    def up(self, up: bool) -> None:
        self.status = _up() if up else ServerStatus(False, "no answer")

    async def close(self) -> None:
        self.closed = True

    async def observe(self) -> ServerStatus:
        self.checks_total += 1
        if self.status.view is None or self.publisher is None:
            return self.status
        paths = {
            publication.plan.path: PathObservation(
                publication.plan.path,
                available=True,
                source_type="rtspSession",
                inbound_bytes=1000 if publication.plan.path in self.deaf_to else 1000 * self.checks_total,
            )
            for publication in self.publisher.live
        }
        status = replace(self.status, view=replace(self.status.view, paths=paths))
        await asyncio.sleep(self.answers_after_s)
        return status


def types() -> CameraTypes:
    return CameraTypes.parse({"default": "rtsp://{login}:{password}@{link}:554/stream={channel}"})


def row(camera_id: int | str, **columns: object) -> dict[str, object]:
    """A classic row; every camera has a host of its own."""
    return {"id": camera_id, "link": f"10.0.0.{camera_id}", "login": "admin", "password": "sEcret", **columns}


def camera(camera_id: int | str, **columns: object) -> Camera:
    found = RowReader(types()).read(row(camera_id, **columns))
    assert isinstance(found, Camera), found
    return found


class Listener:
    """Whatever a part of the supervisor tells, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.readings: list[list[Camera]] = []
        self.changes: list[bool] = []
        self.pictures: list[ServerPicture] = []

    def happened(self, event: Event) -> None:
        self.events.append(event)

    def want(self, cameras: list[Camera]) -> None:
        self.readings.append(cameras)

    def server_changed(self, server: ServerId, up: bool) -> None:
        self.changes.append(up)

    def observed(self, server: ServerId, picture: ServerPicture) -> None:
        self.pictures.append(picture)


class Stage:
    """A supervisor with fake surroundings."""

    all: ClassVar[list["Stage"]] = []

    def __init__(
        self, *, max_starting: int = 8, max_per_host: int | None = None, limits: StartLimits | None = None
    ) -> None:
        self.prober = FakeProber()
        self.publisher = FakeEngine()
        fixed = StartLimits(max_starting, max_starting, max_per_host or max_starting)
        self.admission = Admission(limits or fixed)
        self.transitions: list[Transition] = []
        self.on_transition: Callable[[Transition], None] = self.transitions.append
        self.server_checks = 0
        self.observer: Observer | None = None
        self.use(self.prober)
        Stage.all.append(self)

    def use(self, prober: FakeProber) -> None:
        """Begin anew, with another prober."""
        self.prober = prober
        self.settings = StreamSettings({"ffmpeg": self.publisher}, prober, "ffmpeg", restart=NO_JITTER)
        self.supervisor = Fleet(self.settings, admission=self.admission, servers=self, listener=self)

    def suspect(self, server: ServerId) -> None:
        self.server_checks += 1
        if self.observer is not None:
            self.observer.suspect()

    def happened(self, event: Event) -> None:
        assert isinstance(event, Transition)
        self.on_transition(event)

    def want(self, *cameras: Camera) -> None:
        self.supervisor.want(list(cameras))

    def phase(self, camera_id: int | str) -> Phase | None:
        status = self.supervisor.statuses.get(str(camera_id))
        return status.state.phase if status else None

    def cause(self, camera_id: int | str) -> Cause | None:
        return self.supervisor.statuses[str(camera_id)].state.cause

    def phases_of(self, camera_id: int | str) -> list[Phase]:
        return [each.after for each in self.transitions if each.camera_id == str(camera_id)]

    def forget(self) -> None:
        """Begin a new count of starts, transitions and probes."""
        self.publisher.starts.clear()
        self.publisher.started_at.clear()
        self.transitions.clear()
        self.prober.probes.clear()
