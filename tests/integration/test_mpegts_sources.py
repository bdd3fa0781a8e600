"""Cameras that send MPEG-TS: both tracks arrive at the media server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.adapters.ffmpeg.ffprobe import FfprobeProber
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import Transport
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Media
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.server.target import Target
from tests.support.eventually import eventually
from tests.support.servers import TestServer, tracks

pytestmark = pytest.mark.usefixtures("ffmpeg")
SETTINGS = FfmpegSettings(probe_timeout_s=6)


@contextlib.asynccontextmanager
async def mpegts(*output: str) -> AsyncIterator[None]:
    """H.264 and AAC, sent without an end to where the output says."""
    async with SimulatedCamera(Clip.load("h264_aac")) as camera:
        child = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", camera.url(), "-c", "copy"),
            *("-f", "mpegts", *output),
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):  # an SRT sender ends with its listener
                child.kill()
            await child.wait()


@pytest.mark.parametrize("scheme", ["udp", "srt"])
async def test_the_sound_is_published_too(scheme: str, media_server: TestServer) -> None:
    port = free_port()
    listening = f"srt://127.0.0.1:{port}?mode=listener&pkt_size=1316"
    url = f"{scheme}://127.0.0.1:{port}"
    row = RowReader(CameraTypes.parse({"default": "{link}"})).read({"id": 1, "rtsp_url": url})
    assert isinstance(row, Camera)
    prober, engine = FfprobeProber(SETTINGS), FfmpegEngine(SETTINGS)
    # An SRT listener serves one caller and ends; the publisher gets one of its own.
    async with mpegts(f"{url}?pkt_size=1316" if scheme == "udp" else listening):
        media = (await prober.probe(row.source, row.options)).outcome
        assert isinstance(media, Media), media
        assert media.audio is not None and media.audio.adts
    async with mpegts(f"{url}?pkt_size=1316" if scheme == "udp" else listening):
        target = Target(rtsp_url=media_server.rtsp_url, publish=Transport.RTSP)
        plan = engine.plan(row, media, target)
        publication = await engine.start(plan, lambda _: None)
        try:

            async def both() -> bool:
                found = (await tracks(media_server)).get("cam1", [])
                return len(found) == 2 and any("audio" in track.lower() or "AAC" in track for track in found)

            await eventually(both, 20, "H.264 and AAC at the media server")
        finally:
            await publication.stop()
