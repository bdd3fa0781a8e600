"""One key frame of a path, read from the media server as a viewer would, who is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from restream.adapters.pull.own_readers import WithoutOwnReaders
from restream.adapters.rtsp.server_key_frames import OwnReadings, ReadingPlace, ServerKeyFrames
from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.trust import UNCHECKED
from restream.ports.pictures import KeyFrame, NoKeyFrameError
from tests.support.eventually import eventually
from tests.support.servers import TestServer, tracks

_ENCODERS = {
    "h264": ("-c:v", "libx264", "-g", "5", "-preset", "ultrafast", "-slices", "3"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=5:log-level=none"),
    "mjpeg": ("-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p"),
}


def camera(path: str) -> Camera:
    found = RowReader(CameraTypes.parse({"default": "{link}"}), "{id}").read({"id": path, "link": "rtsp://c/"})
    assert isinstance(found, Camera)
    return found


@asynccontextmanager
async def published(server: TestServer, codec: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x192:rate=10"),
        *(*_ENCODERS[codec], "-f", "rtsp", f"{server.rtsp_url}/{codec}"),
    )
    try:
        await eventually(lambda: has(server, codec), 20)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def has(server: TestServer, path: str) -> bool:
    return path in await tracks(server)


async def size_of(frame: KeyFrame) -> tuple[int, int]:
    """Of what ffmpeg decodes of it, without a complaint."""
    form = {"h264": "h264", "hevc": "hevc", "mjpeg": "mjpeg"}[frame.codec]
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-f", form, "-i", "-", "-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    picture, complaints = await process.communicate(frame.data)
    assert complaints == b""
    _, width, height, _ = picture.split(None, 3)
    return int(width), int(height)


async def read_and_decoded(server: TestServer, codec: str) -> None:
    readings = OwnReadings()
    frames = ServerKeyFrames({DEFAULT_SERVER: ReadingPlace(server.rtsp_url, None, UNCHECKED)}, readings)
    async with published(server, codec):
        frame = await frames.latest(camera(codec))
        assert frame is not None
        assert frame.codec == codec
        assert await size_of(frame) == (320, 192)
        assert not readings.under_way()


@pytest.mark.program("ffmpeg")
@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_a_key_frame_is_read_and_can_be_decoded(media_server: TestServer, codec: str) -> None:
    await read_and_decoded(media_server, codec)


@pytest.mark.program("ffmpeg")
async def test_jpeg_without_its_headers_becomes_a_file(mediamtx: TestServer) -> None:
    """The stand-in takes no payload type that stands for itself."""
    await read_and_decoded(mediamtx, "mjpeg")


@pytest.mark.program("ffmpeg")
async def test_who_takes_a_picture_is_no_viewer(media_server: TestServer) -> None:
    readings = OwnReadings()
    frames = ServerKeyFrames({DEFAULT_SERVER: ReadingPlace(media_server.rtsp_url, None, UNCHECKED)}, readings)
    told = MediamtxServer(media_server.api_url, media_server.rtsp_url)
    watched = WithoutOwnReaders(told, DEFAULT_SERVER, {}, readings)

    async def readers(server: MediamtxServer | WithoutOwnReaders) -> int:
        view = (await server.observe()).view
        assert view is not None
        return view.paths["h264"].readers

    async with published(media_server, "h264"):
        reading = asyncio.create_task(endless(frames))
        assert await eventually(lambda: readers(told), 10) == 1
        assert await eventually(lambda: nobody(readers(watched)), 5)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert await eventually(lambda: nobody(readers(told)), 10)
    await told.close()


async def nobody(readers: object) -> bool:
    return await readers == 0  # type: ignore[misc]


async def endless(frames: ServerKeyFrames) -> None:
    while True:
        await frames.latest(camera("h264"))


async def test_a_path_that_is_not_there_is_told_in_one_line(media_server: TestServer) -> None:
    places = {DEFAULT_SERVER: ReadingPlace(media_server.rtsp_url, None, UNCHECKED)}
    with pytest.raises(NoKeyFrameError, match="no key frame from the media server") as told:
        await ServerKeyFrames(places, OwnReadings()).latest(camera("gone"))
    assert "\n" not in str(told.value)
    with pytest.raises(NoKeyFrameError, match="media server default"):
        await ServerKeyFrames({}, OwnReadings()).latest(camera("gone"))
