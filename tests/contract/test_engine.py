"""What every engine promises: ffmpeg against a simulated camera and the stand-in, and one without any process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Protocol

import psutil
import pytest

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.adapters.ffmpeg.ffprobe import FfprobeProber
from restream.adapters.pull.engine import PullEngine
from restream.adapters.pull.listener import DirectoryListener
from restream.adapters.pull.media_server import FetchingServer
from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.worker_process import RelayPublication
from restream.adapters.relay.workers import RelayWorkers
from restream.adapters.rtsp.prober import RtspProber
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import RtspTransport
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, AudioStream, Evidence, Media, Plan, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.life.cause import Cause, Side
from restream.domain.pull.entry import PathEntry
from restream.domain.relay.plan import RelayPlan, RelaySettings
from restream.domain.rtsp.directory import Directory
from restream.domain.server.identity import ServerId
from restream.domain.server.target import Target
from restream.ports.cameras import Engine, Publication, PublisherError
from tests.conftest import needs
from tests.support.eventually import eventually
from tests.support.scripted_engine import ScriptedEngine
from tests.support.servers import RealMediamtx, StandIn, fetched, paths, tracks

PASSWORD = "sEcret-w0rd"
MEDIA = Media(VideoStream("h264", 640, 360), AudioStream("aac", 16000, 1))


class World(Protocol):
    """An engine where it works: a camera, a media server, and what can happen to them."""

    engine: Engine
    broken: Engine
    """The same engine, unable to start anything."""
    leaves_sound_out: bool
    camera: Camera
    target: Target

    async def received(self) -> bool:
        """Whether the media server has the camera's stream."""

    async def lose_camera(self) -> None: ...

    def left(self) -> list[object]:
        """What is left of publications."""

    async def replace(self) -> None:
        """The service is replaced by its next version, so far as the engine's publications share anything."""

    async def sessions(self) -> object:
        """Which the media server has with publishers of the path, or the camera with clients."""


class FfmpegWorld:
    leaves_sound_out = True

    def __init__(self, simulated: SimulatedCamera, server: StandIn) -> None:
        settings = FfmpegSettings(stall_timeout_s=3)
        self.engine = FfmpegEngine(settings, stop_grace_s=2.0)
        self.broken = FfmpegEngine(replace(settings, binary="/no/such/ffmpeg"))
        self.camera = _camera(simulated.url())
        self.target = Target(rtsp_url=server.rtsp_url, server=ServerId("west"))
        self._simulated, self._server = simulated, server

    async def received(self) -> bool:
        return "cam1" in await tracks(self._server)

    async def lose_camera(self) -> None:
        await self._simulated.stop()

    def left(self) -> list[object]:
        return [child for child in psutil.Process().children() if child.name() == "ffmpeg"]

    async def replace(self) -> None:
        """A process is alone."""

    async def sessions(self) -> object:
        return list(self._simulated.sessions)


class RelayWorld:
    leaves_sound_out = True

    def __init__(
        self,
        simulated: SimulatedCamera,
        server: StandIn | RealMediamtx,
        workers: RelayWorkers,
        transport: RtspTransport = RtspTransport.TCP,
    ) -> None:
        self.engine = RelayEngine(RelaySettings(stall_timeout_s=3, rtsp_transport=transport), workers)
        self.broken = RelayEngine(RelaySettings(), _NoWorkers())
        self.camera = _camera(simulated.url())
        self.target = Target(rtsp_url=server.rtsp_url, server=ServerId("west"))
        self._simulated, self._server, self._workers = simulated, server, workers

    async def received(self) -> bool:
        return "cam1" in await tracks(self._server)

    async def lose_camera(self) -> None:
        await self._simulated.stop()

    def left(self) -> list[object]:
        return [1] * self._workers.relays

    async def replace(self) -> None:
        await self._workers.resume(self._workers.leave())

    async def sessions(self) -> object:
        return list(self._simulated.sessions)


class _NoWorkers(RelayWorkers):
    async def begin(self, plan: RelayPlan, on_advance: Callable[[Advance], None]) -> RelayPublication:
        raise PublisherError("no process can be started")


class ScriptedWorld:
    leaves_sound_out = True

    def __init__(self, evidence: Evidence) -> None:
        self.engine = self._scripted = ScriptedEngine(evidence)
        self.broken = ScriptedEngine(evidence)
        self.broken.error = PublisherError("the script refuses")
        self.camera = _camera(f"rtsp://admin:{PASSWORD}@10.0.0.1/stream")
        self.target = Target(server=ServerId("west"))

    async def received(self) -> bool:
        for publication in self._scripted.live:
            publication.advance()
        return any(publication.received_bytes for publication in self._scripted.live)

    async def lose_camera(self) -> None:
        for publication in list(self._scripted.live):
            publication.end()

    def left(self) -> list[object]:
        return list(self._scripted.live)

    async def replace(self) -> None:
        """It stays."""

    async def sessions(self) -> object:
        return list(self._scripted.live)


class PullWorld:
    leaves_sound_out = False

    def __init__(self, simulated: SimulatedCamera, server: RealMediamtx, directory_port: int) -> None:
        base = f"rtsp://127.0.0.1:{directory_port}"
        self._listener = DirectoryListener(Directory(), "127.0.0.1", directory_port)
        # A port that no program of ours may have.
        no_port = DirectoryListener(Directory(), "192.0.2.1", directory_port)
        west = ServerId("west")
        parts = (
            {west: FetchingServer(server.rtsp_url, server.api_url, Secret(f"{base}/west"))},
            {west: PathEntry.of("cam{id}", base, west)},
            RtspProber(FfprobeProber(FfmpegSettings()), 5.0),
        )
        self.engine, self.broken = PullEngine(self._listener, *parts), PullEngine(no_port, *parts)
        self.camera = _camera(simulated.url())
        self.target = Target(rtsp_url=server.rtsp_url, server=west)
        self._simulated, self._server = simulated, server

    async def received(self) -> bool:
        return (await paths(self._server)).get("cam1", {}).get("inboundBytes", 0) > 0

    async def lose_camera(self) -> None:
        await self._simulated.stop()

    def left(self) -> list[object]:
        return [*self._listener.directory.places, *self._simulated.sessions]

    async def replace(self) -> None:
        await eventually(lambda: not self._listener.directory.places, 5)

    async def sessions(self) -> object:
        return list(self._simulated.sessions)

    async def close(self) -> None:
        await self._listener.close()


def _camera(url: str) -> Camera:
    found = RowReader(CameraTypes.parse({"default": "{link}"})).read({"id": 1, "rtsp_url": url})
    assert isinstance(found, Camera)
    return found


WORLDS = ["ffmpeg", "relay", "relay over UDP", "relay, real server", "pull", "scripted", "scripted, seen by the server"]


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "pull":
        needs(request.config, find_mediamtx(), "MediaMTX")
        async with pull_world() as world:
            yield world
        return
    if "scripted" in request.param:
        yield ScriptedWorld(Evidence.SERVER if "server" in request.param else Evidence.ENGINE)
        return
    if "real" in request.param and find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    if request.param == "ffmpeg":
        request.getfixturevalue("ffmpeg")
    server = RealMediamtx() if "real" in request.param else StandIn()
    await server.start()
    workers = RelayWorkers()
    async with contextlib.AsyncExitStack() as stack:
        simulated = SimulatedCamera(Clip.load("h264_aac"), login="admin", password=PASSWORD)
        await stack.enter_async_context(simulated)
        if request.param == "ffmpeg":
            assert isinstance(server, StandIn)
            yield FfmpegWorld(simulated, server)
        else:
            over = RtspTransport.UDP if "UDP" in request.param else RtspTransport.TCP
            yield RelayWorld(simulated, server, workers, over)
    await workers.close()
    await server.stop()


@contextlib.asynccontextmanager
async def pull_world() -> AsyncIterator[PullWorld]:
    port = free_port()
    server = RealMediamtx({"paths": fetched(port, "west")})
    async with SimulatedCamera(Clip.load("h264_aac"), login="admin", password=PASSWORD) as simulated:
        await server.start()
        world = PullWorld(simulated, server, port)
        yield world
        await world.close()
        await server.stop()


def plan(world: World, **changes: object) -> Plan:
    return world.engine.plan(world.camera, MEDIA, world.target, **changes)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def publishing(
    world: World, on_advance: Callable[[Advance], None] = lambda _: None
) -> AsyncIterator[Publication]:
    publication = await world.engine.start(plan(world), on_advance)
    try:
        await eventually(world.received, 20, "the server has the stream")
        yield publication
    finally:
        await publication.stop()


async def test_a_plan_says_what_it_is_for_and_equals_another_when_nothing_changes(world: World) -> None:
    found = plan(world)
    assert (found.engine, found.camera_id, found.path, found.server) == (world.engine.name, "1", "cam1", "west")
    assert (found.video, found.audio, bool(found.reasons)) == ("h264", "copy", True)
    assert found == plan(world)
    elsewhere = replace(world.camera, path="elsewhere")
    assert found != world.engine.plan(elsewhere, MEDIA, world.target)


async def test_a_plan_never_shows_a_password(world: World) -> None:
    target = replace(world.target, user="u")
    found = world.engine.plan(world.camera, MEDIA, target)
    assert PASSWORD in world.camera.source.reveal()
    assert PASSWORD not in repr((found.shown, found.reasons))
    assert PASSWORD not in repr(found)


async def test_a_lesser_plan_leaves_the_sound_out_and_has_no_lesser_one(world: World) -> None:
    assert plan(world).has_lesser is world.leaves_sound_out
    lesser = plan(world, lesser=True)
    assert (lesser.audio, lesser.has_lesser) == ("none" if world.leaves_sound_out else "copy", False)


async def test_an_engine_says_why_it_cannot(world: World) -> None:
    assert world.engine.cannot(world.camera, MEDIA) is None
    odd = world.engine.cannot(world.camera, Media(VideoStream("mjpeg", 640, 360)))
    assert odd is None or "mjpeg" in odd.detail
    assert (odd is not None) is isinstance(world.engine, ScriptedEngine)


async def test_media_arrives_and_its_advance_is_told_by_who_can_tell(world: World) -> None:
    advances: list[Advance] = []
    async with publishing(world, advances.append) as publication:
        if world.engine.evidence is Evidence.ENGINE:
            await eventually(lambda: any(each.moved for each in advances), 10)
        else:
            # Of the server's counter no more than the first bytes, by an engine that asks for them.
            assert len(advances) <= 1
        assert publication.excuse() is None
        assert all(line.isprintable() and PASSWORD not in line for line in publication.log)


async def test_the_first_bytes_at_a_server_that_fetches_are_told_without_a_sweep(
    request: pytest.FixtureRequest,
) -> None:
    needs(request.config, find_mediamtx(), "MediaMTX")
    advances: list[Advance] = []
    async with pull_world() as world, publishing(world, advances.append):
        await eventually(lambda: advances, 5)
        assert advances == [Advance(moved=True)]


async def test_a_stop_leaves_nothing_and_may_come_twice(world: World) -> None:
    async with publishing(world) as publication:
        await asyncio.gather(publication.stop(), publication.stop())
        ending = await publication.ended()
        assert not world.left()
        assert isinstance(ending.cause, Cause)
        await publication.stop()


async def test_a_camera_that_goes_ends_the_publication_with_a_cause_of_its_side(world: World) -> None:
    async with publishing(world) as publication:
        await world.lose_camera()
        async with asyncio.timeout(20):
            ending = await publication.ended()
        assert ending.cause.facts.side is Side.CAMERA
        assert ending.detail
        assert all(PASSWORD not in line for line in ending.log)
        assert not world.left()


async def test_one_that_is_left_flows_on_and_is_followed_anew(world: World) -> None:
    before: list[Advance] = []
    after: list[Advance] = []
    async with publishing(world, before.append) as publication:
        if world.engine.evidence is Evidence.ENGINE:
            await eventually(lambda: any(each.moved for each in before), 10)
        sessions = await world.sessions()
        words = publication.leave()
        assert words is not None
        await world.replace()
        told = len(before)
        follower = await world.engine.adopt(plan(world), words, after.append)
        await eventually(world.received, 20, "it goes on")
        await eventually(lambda: any(each.moved for each in after) or world.engine.evidence is Evidence.SERVER, 10)
        assert len(before) == told
        assert await world.sessions() == sessions, "nobody connected anew"
        await follower.stop()
        assert isinstance((await follower.ended()).cause, Cause)
        await eventually(lambda: not world.left(), 10)
        assert follower.leave() is None


async def test_one_that_ends_while_nobody_follows_it_is_told_by_its_ending(world: World) -> None:
    if not isinstance(world, FfmpegWorld | RelayWorld):
        pytest.skip("nothing of it runs here")
    async with publishing(world) as publication:
        words = publication.leave()
        assert words is not None
        await world.lose_camera()
        await world.replace()
        with contextlib.suppress(AssertionError):
            # A worker's word may come before anybody asks for this relay.
            await eventually(lambda: not world.left(), 3)
        follower = await world.engine.adopt(plan(world), words, lambda _: None)
        async with asyncio.timeout(20):
            ending = await follower.ended()
        assert ending.cause.facts.side is Side.CAMERA


async def test_one_that_is_left_and_not_wanted_any_more_is_ended(world: World) -> None:
    async with publishing(world) as publication:
        words = publication.leave()
        assert words is not None
        await world.replace()
        await world.engine.discard(words)
        if not isinstance(world, PullWorld):
            assert not world.left()


async def test_what_cannot_be_started_says_so_in_one_line(world: World) -> None:
    try:
        publication = await world.broken.start(plan_of(world.broken, world), lambda _: None)
    except PublisherError as error:
        said = str(error)
    else:
        # What starts it may run where it does not.
        ending = await publication.ended()
        assert ending.cause is Cause.INTERNAL
        said = ending.detail
    assert said and "\n" not in said
    assert PASSWORD not in said


async def test_a_plan_of_another_engine_is_refused(world: World) -> None:
    foreign = Plan(engine="another", camera_id="1", path="cam1")
    with pytest.raises(TypeError, match="another"):
        await world.engine.start(foreign, lambda _: None)


async def test_a_start_that_is_given_up_leaves_nothing(world: World) -> None:
    starting = asyncio.ensure_future(world.engine.start(plan(world), lambda _: None))
    await asyncio.sleep(0)
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await (await starting).stop()
    await eventually(lambda: not world.left(), 10)


def plan_of(engine: Engine, world: World) -> Plan:
    return engine.plan(world.camera, MEDIA, world.target)
