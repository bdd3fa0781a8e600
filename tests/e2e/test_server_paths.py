"""Paths that the real media server has for purposes of its own, and media that never reaches it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from restream.demo.cameras import Fault
from tests.e2e.conftest import AddCamera
from tests.support.servers import RealMediamtx, TestServer, paths
from tests.support.service import RunningService, running_service
from tests.support.verdicts import HEALTHY, PATIENT, tells

pytestmark = pytest.mark.usefixtures("ffmpeg")

H264_ALWAYS = {"alwaysAvailable": True, "alwaysAvailableTracks": [{"codec": "H264"}]}
NOBODY = "rtsp://127.0.0.1:1/nobody"


@contextlib.asynccontextmanager
async def configured(own_paths: dict[str, object]) -> AsyncIterator[RealMediamtx]:
    """A real server with paths of its own beside those of publishers."""
    server = RealMediamtx({"paths": {**own_paths, "all_others": {}}})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def reason_of(service: RunningService, key: str) -> tuple[str | None, str]:
    """What the first reason says beyond its code, and the hint."""
    verdict = (await service.cameras())[key]["verdict"]
    return verdict["reasons"][0].get("why"), verdict["hint"]


@pytest.mark.usefixtures("mediamtx")
async def test_a_path_that_is_always_available_is_no_publisher(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    await (await add_camera(1)).set_fault(Fault.REFUSE)
    await add_camera(2)
    await add_camera(3, clip="h265")
    async with (
        configured({f"cam{number}": H264_ALWAYS for number in (1, 2, 3)}) as server,
        running_service(tmp_path, server=server, overrides={"PG_DSN": dsn, **PATIENT}) as service,
    ):
        expected = {
            "1": ("down", "camera", "refused"),
            "2": HEALTHY,
            "3": ("down", "config", "codec_unsupported"),
        }
        await tells(service, expected)
        assert (await reason_of(service, "3"))[0] == "path_always_available"
        shown = (await paths(server))["cam1"]
        assert (shown["available"], shown["online"], shown["source"]) == (True, False, None)
        # Longer than any remnant of ours could explain: the server plays, and counts, all the while.
        await service.cycles(12, 60)
        await tells(service, expected)


@pytest.mark.usefixtures("mediamtx")
@pytest.mark.parametrize("publish", ["rtsp", "srt"])
async def test_a_path_that_the_server_fetches_takes_no_publisher(
    tmp_path: Path, dsn: str, add_camera: AddCamera, publish: str
) -> None:
    for number in range(1, 5):
        camera = await add_camera(number)
    own = {
        "cam1": {"source": NOBODY},
        "cam2": {"source": camera.url()},
        "cam3": {"source": "redirect", "sourceRedirect": NOBODY},
        "cam4": {"source": "http://127.0.0.1:1/nobody.m3u8", "sourceOnDemand": True},
    }
    async with configured(own) as server:
        overrides = {
            "PG_DSN": dsn,
            **PATIENT,
            "RESTREAM_MEDIAMTX__PUBLISH": publish,
            "RESTREAM_MEDIAMTX__SRT_URL": f"srt://127.0.0.1:{server.srt_port}",
        }
        async with running_service(tmp_path, server=server, overrides=overrides) as service:
            await tells(service, dict.fromkeys(("1", "2", "3", "4"), ("down", "media_server", "server_refused")))
            why, hint = await reason_of(service, "2")
            assert why == "path_pulled"
            assert "options.path" in hint


@contextlib.asynccontextmanager
async def odd_jpegs() -> AsyncIterator[str]:
    """An HTTP camera whose pictures RTP cannot carry (Huffman tables of its own, RFC 2435); its URL."""
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x240:r=5", "-t", "2", "-pix_fmt", "yuvj420p"),
        *("-c:v", "mjpeg", "-huffman", "optimal", "-f", "mpjpeg", "-"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    clip, _ = await process.communicate()

    async def play(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace;boundary=ffmpeg"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                for part in filter(None, clip.split(b"--ffmpeg\r\n")):
                    await response.write(b"--ffmpeg\r\n" + part)
                    await asyncio.sleep(0.2)
        return response

    application = web.Application()
    application.router.add_get("/video", play)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/video"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("stall_timeout_s", ["3", "60"], ids=["noticed by us", "cut off by the server"])
async def test_pictures_that_cannot_be_sent_are_never_healthy_nor_the_servers_fault(
    tmp_path: Path, dsn: str, add_camera: AddCamera, database: Any, mediamtx: TestServer, stall_timeout_s: str
) -> None:
    await add_camera(2)
    async with odd_jpegs() as url:
        await database.execute("INSERT INTO cameras (id, rtsp_url) VALUES (1, $1)", url)
        overrides = {"PG_DSN": dsn, **PATIENT, "RESTREAM_FFMPEG__STALL_TIMEOUT_S": stall_timeout_s}
        async with running_service(tmp_path, server=mediamtx, overrides=overrides) as service:
            await tells(service, {"1": ("down", "config", "codec_unsupported"), "2": HEALTHY})
            found = await service.get("/api/cameras/1")
            assert {span["health"] for span in found["timeline"]} <= {"unknown", "down"}
            assert "RFC 2435" in found["detail"]
