"""The relay with cameras that mean harm, and a media server that takes nothing: bounded, and nobody else feels it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import psutil
import pytest

from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.worker_process import RelayPublication
from restream.adapters.relay.workers import RelayWorkers
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.sink_faults import SinkFault
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.relay.plan import RelaySettings
from restream.domain.server.target import Target
from tests.support.eventually import eventually
from tests.support.raw_camera import SDP, RawCamera, answer
from tests.support.relay_workers import relay_workers
from tests.support.servers import StandIn

MEDIA = Media(VideoStream("h264", 320, 180))
_MOST_MIB = 40
"""More than a worker with its first relay has."""


@pytest.fixture
async def workers() -> AsyncIterator[RelayWorkers]:
    found = RelayWorkers(1)
    yield found
    await found.close()


def camera(number: int, url: str) -> Camera:
    found = RowReader(CameraTypes.parse({"default": "{link}"})).read({"id": number, "rtsp_url": url})
    assert isinstance(found, Camera)
    return found


class Scene:
    """One worker, one good camera, and whoever else."""

    def __init__(self, workers: RelayWorkers, server: StandIn) -> None:
        self.engine = RelayEngine(RelaySettings(answer_timeout_s=2, stall_timeout_s=2), workers)
        self.target = Target(rtsp_url=server.rtsp_url)
        self.moves = 0

    async def relay(self, number: int, url: str, heard: Callable[[Advance], None] = lambda _: None) -> RelayPublication:
        return await self.engine.start(self.engine.plan(camera(number, url), MEDIA, self.target), heard)

    def advanced(self, advance: Advance) -> None:
        self.moves += advance.moved

    async def goes_on(self) -> None:
        """The good camera is relayed as before."""
        before = self.moves
        await eventually(lambda: self.moves >= before + 1, 15, "the other camera goes on")


def memory_mib() -> float:
    (worker,) = relay_workers(psutil.Process().children())
    return float(worker.memory_info().rss) / (1 << 20)


async def plays(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A camera that is well-behaved up to PLAY."""
    for body in ("", SDP, "", ""):
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
        writer.write(answer("200 OK", "Session: 1", *([transport] if "SETUP" in request else []), body=body))


def frame(channel: int, payload: bytes, told: int | None = None) -> bytes:
    return b"$" + bytes((channel,)) + (len(payload) if told is None else told).to_bytes(2, "big") + payload


_RTP = bytes.fromhex("8060000100000001deadbeef65") + bytes(1200)
FLOODS: dict[str, Callable[[random.Random], bytes]] = {
    "frames without end": lambda _: frame(0, _RTP) * 200,
    "frames on channels that nobody set up": lambda _: frame(77, _RTP) * 200,
    "frames that are no RTP": lambda rng: frame(0, rng.randbytes(40)) * 2000,
    "frames of nothing": lambda _: frame(0, b"") * 20_000,
    "reports that are none": lambda rng: frame(1, rng.randbytes(200)) * 500,
    "a frame that is longer than it says": lambda _: frame(0, _RTP, 100),
    "a frame that never ends": lambda _: frame(0, b"", 65_535),
    "garbage": lambda rng: rng.randbytes(100_000),
    "headers without end": lambda _: b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 10_000,
    "requests without end": lambda _: b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 2000,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_hostile_camera_stays_alone(
    workers: RelayWorkers, stand_in: StandIn, flood: Callable[[random.Random], bytes]
) -> None:
    rng = random.Random(1)

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await plays(reader, writer)
        for _ in range(60):
            writer.write(flood(rng))
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read(-1)

    scene = Scene(workers, stand_in)
    async with SimulatedCamera(Clip.load("h264")) as good, RawCamera(talks) as hostile:
        await scene.relay(1, good.url(), scene.advanced)
        await scene.goes_on()
        before_mib = memory_mib()
        publication = await scene.relay(2, hostile.url())
        await scene.goes_on()
        assert memory_mib() < before_mib + _MOST_MIB
        await publication.stop()
        ending = await publication.ended()
        assert ending.cause.facts.side.value != "media_server", ending
        await scene.goes_on()
    assert hostile.connections_total <= 4


async def test_a_byte_at_a_time(workers: RelayWorkers, stand_in: StandIn) -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await plays(reader, writer)
        for byte in frame(0, _RTP) * 5:
            writer.write(bytes((byte,)))
            await asyncio.sleep(0.001)
        await reader.read(-1)

    scene = Scene(workers, stand_in)
    told: list[Advance] = []
    async with RawCamera(talks) as slow:
        publication = await scene.relay(1, slow.url(), told.append)
        await eventually(lambda: told and (told[-1].total_size_bytes or 0) >= 5 * len(frame(0, _RTP)), 20)
        await publication.stop()


async def test_a_media_server_that_takes_nothing(workers: RelayWorkers, stand_in: StandIn) -> None:
    """Bounded, and told whose fault that is."""
    assert stand_in.server is not None
    scene = Scene(workers, stand_in)
    told: list[Advance] = []
    async with SimulatedCamera(Clip.load("h264"), behaviours=BEHAVIOURS["constant_4_mbit"]) as busy:
        publication = await scene.relay(1, busy.url(), told.append)
        await eventually(lambda: any(each.moved for each in told), 15)
        stand_in.server.fault = SinkFault.STOP_READING
        before_mib = memory_mib()
        async with asyncio.timeout(60):
            ending = await publication.ended()
        assert ending.cause is Cause.SERVER_GONE
        assert memory_mib() < before_mib + _MOST_MIB
        stand_in.server.fault = SinkFault.NONE
