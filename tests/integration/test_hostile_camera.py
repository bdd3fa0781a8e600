"""A camera that means harm: probe and publisher stay bounded in time and memory, and what they say fits on a page."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.adapters.ffmpeg.ffprobe import FfprobeProber
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import CameraTypes, parse_source
from restream.domain.engine import Media, ProbeFailure, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.server.target import Target
from tests.support.eventually import eventually
from tests.support.hostile_camera import MODES, HostileCamera
from tests.support.servers import StandIn

pytestmark = pytest.mark.usefixtures("ffmpeg")
SETTINGS = FfmpegSettings(probe_timeout_s=2, stall_timeout_s=2, memory_bytes=256 << 20)
# What is mapped and not counted by the limit: libraries, stacks.
MARGIN_BYTES = 128 << 20


@asynccontextmanager
async def watched_children() -> AsyncIterator[list[int]]:
    """The largest resident size of any child, in bytes, as the only item of the list."""
    peak = [0]

    async def watch() -> None:
        me = psutil.Process()
        while True:
            for child in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if "ff" in child.name():
                        peak[0] = max(peak[0], child.memory_info().rss)
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        watching.cancel()


@pytest.mark.parametrize("hidden", [True, False], ids=["script", "argv"])
@pytest.mark.parametrize("mode", MODES)
async def test_a_probe_is_bounded(mode: str, hidden: bool) -> None:
    settings = FfmpegSettings(probe_timeout_s=2, hide_source=hidden, memory_bytes=SETTINGS.memory_bytes)
    loop = asyncio.get_running_loop()
    tracemalloc.start()
    try:
        async with HostileCamera(mode) as camera, watched_children() as peak:
            prober = FfprobeProber(settings)
            began = loop.time()
            found = (await prober.probe(parse_source(camera.url), CameraOptions())).outcome
            assert loop.time() - began < prober.limit_s(CameraOptions()) + 15
        _, ours = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak[0] < settings.memory_bytes + MARGIN_BYTES
    assert ours < 40 << 20
    if isinstance(found, ProbeFailure):
        assert found.detail.isprintable() and len(found.detail) <= 400 and "sEcret" not in found.detail
    assert not [child for child in psutil.Process().children() if "ff" in child.name()]


@pytest.mark.parametrize("mode", ["garbage_rtp", "wild_rtp", "endless_sdp", "slow_bytes", "many_streams"])
async def test_a_publisher_is_bounded(mode: str, stand_in: StandIn) -> None:
    reader = RowReader(CameraTypes.parse({"default": "{link}"}))
    tracemalloc.start()
    try:
        async with HostileCamera(mode) as hostile, watched_children() as peak:
            camera = reader.read({"id": 1, "rtsp_url": hostile.url})
            assert isinstance(camera, Camera)
            media = Media(VideoStream("h264", 640, 360))
            engine = FfmpegEngine(SETTINGS, stop_grace_s=1.0)
            plan = engine.plan(camera, media, Target(rtsp_url=stand_in.rtsp_url))
            publication = await engine.start(plan, lambda _: None)
            ended = asyncio.ensure_future(publication.ended())
            await asyncio.wait({ended}, timeout=4)
            tail = publication.log
            await publication.stop()
            await ended
        _, ours = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak[0] < SETTINGS.memory_bytes + MARGIN_BYTES
    assert ours < 40 << 20
    assert len(tail) <= 21
    assert all(line.isprintable() and len(line) <= 400 and "sEcret" not in line for line in tail)


async def test_the_limit_reaches_the_program(stand_in: StandIn) -> None:
    async with HostileCamera("silence") as hostile:
        probing = asyncio.create_task(FfprobeProber(SETTINGS).probe(parse_source(hostile.url), CameraOptions()))

        def limits() -> str:
            found = [child for child in psutil.Process().children() if child.name() == "ffprobe"]
            return Path(f"/proc/{found[0].pid}/limits").read_text(encoding="ascii") if found else ""

        text = await eventually(limits, 5, "ffprobe runs")
        assert f"Max data size             {SETTINGS.memory_bytes}" in text
        await probing
