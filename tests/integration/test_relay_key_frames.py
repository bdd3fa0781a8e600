"""Key frames out of the packets that a relay hands on: nobody is asked for anything."""

from __future__ import annotations

import asyncio

import pytest

from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.key_frames import RelayKeyFrames
from restream.adapters.relay.workers import RelayWorkers
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Media, VideoStream
from restream.domain.relay.plan import RelaySettings
from restream.domain.server.target import Target
from restream.ports.pictures import KeyFrame, NoKeyFrameError
from tests.integration.test_server_key_frames import size_of
from tests.support.eventually import eventually
from tests.support.servers import TestServer, paths


class Nobody:
    """Who has nothing."""

    async def latest(self, camera: Camera) -> KeyFrame | None:
        raise NoKeyFrameError("nobody relays it")


@pytest.mark.program("ffmpeg")
@pytest.mark.parametrize(("clip", "codec"), [("h264_aac", "h264"), ("h265", "hevc")])
async def test_a_relayed_camera_shows_what_passes(stand_in: TestServer, clip: str, codec: str) -> None:
    workers = RelayWorkers(1)
    engine, frames = RelayEngine(RelaySettings(), workers), RelayKeyFrames(workers, Nobody(), 10.0)
    async with SimulatedCamera(Clip.load(clip), login="admin", password="pass") as simulated:
        row = {"id": "7", "rtsp_url": f"rtsp://admin:pass@127.0.0.1:{simulated.port}/"}
        camera = RowReader(CameraTypes.parse({"default": "{link}"}), "cam{id}").read(row)
        assert isinstance(camera, Camera)
        moved = asyncio.Event()
        plan = engine.plan(camera, Media(VideoStream(codec, 320, 180)), Target(rtsp_url=stand_in.rtsp_url))
        publication = await engine.start(plan, lambda advance: moved.set() if advance.moved else None)
        async with asyncio.timeout(20):
            await moved.wait()
        found = await asyncio.gather(frames.latest(camera), frames.latest(camera))
        again = await frames.latest(camera)
        for frame in (*found, again):
            assert frame is not None
            assert (frame.codec, await size_of(frame)) == (codec, (320, 180))
        assert simulated.connections_total <= 2
        assert not (await paths(stand_in))["cam7"]["readers"]
        waiting = asyncio.create_task(frames.latest(camera))
        await publication.stop()
        await asyncio.wait({waiting}, timeout=5)
        assert waiting.done() and (waiting.exception() is None or "ended" in str(waiting.exception()))
        await eventually(lambda: gone(frames, camera), 5)
    await workers.close()


async def gone(frames: RelayKeyFrames, camera: Camera) -> bool:
    with pytest.raises(NoKeyFrameError, match="nobody relays it"):
        await frames.latest(camera)
    return True
