"""Cameras that send JPEG by HTTP, with tables that RTP cannot carry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.demo.embedded import free_port
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Media, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.server.target import Target
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, paths

pytestmark = pytest.mark.usefixtures("ffmpeg")


@contextlib.asynccontextmanager
async def mjpeg(huffman: str) -> AsyncIterator[str]:
    """The URL of a camera for one client."""
    url = f"http://127.0.0.1:{free_port()}/video"
    child = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10"),
        *("-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-huffman", huffman, "-f", "mpjpeg"),
        *("-content_type", "multipart/x-mixed-replace;boundary=ffmpeg", "-listen", "1", url),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


@pytest.mark.parametrize(("huffman", "arrives"), [("optimal", False), ("default", True)])
async def test_jpeg_that_never_arrives_is_the_codecs_fault(huffman: str, arrives: bool, mediamtx: RealMediamtx) -> None:
    engine = FfmpegEngine(FfmpegSettings())
    async with mjpeg(huffman) as url:
        row = RowReader(CameraTypes.parse({"default": "{link}"})).read({"id": 1, "rtsp_url": url})
        assert isinstance(row, Camera)
        plan = engine.plan(row, Media(VideoStream("mjpeg", 320, 240)), Target(rtsp_url=mediamtx.rtsp_url))

        async def publishing() -> bool:
            path = (await paths(mediamtx)).get("cam1", {})
            return bool(path.get("ready")) and (
                any("RFC 2435" in line for line in publication.log) or path["bytesReceived"] > 10_000
            )

        # The camera may not listen yet: then the publisher ends, and another one is started.
        for _ in range(10):
            publication = await engine.start(plan, lambda _: None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await publication.ended()
                continue
            break
        try:
            await eventually(publishing, 20, "a path at the media server")
            assert ((await paths(mediamtx))["cam1"]["bytesReceived"] > 0) is arrives
        finally:
            await publication.stop()
        assert ("RFC 2435" in (await publication.ended()).unsendable) is not arrives
