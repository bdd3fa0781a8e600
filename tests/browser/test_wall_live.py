"""The wall plays from a real MediaMTX: WebRTC, HLS where that is all there is, and what this browser cannot decode."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import pytest
import pytest_asyncio

from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, expect
from tests.browser.test_drawer import PICTURE
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, tracks

pytestmark = pytest.mark.asyncio(loop_scope="package")

WEBRTC, HLS = 1, 2


@pytest_asyncio.fixture(loop_scope="package")
async def playing() -> AsyncIterator[SimpleNamespace]:
    """A media server with one H.264 stream and one of H.265, and the addresses of its players."""
    if find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    webrtc, hls = free_port(), free_port()
    async with contextlib.AsyncExitStack() as stack:
        cameras = [await stack.enter_async_context(SimulatedCamera(Clip.load(name))) for name in ("h264", "h265")]
        server = RealMediamtx(
            {
                "webrtc": True,
                "webrtcAddress": f"127.0.0.1:{webrtc}",
                "webrtcLocalUDPAddress": f"127.0.0.1:{free_port()}",
                "webrtcIPsFromInterfaces": False,
                "webrtcAdditionalHosts": ["127.0.0.1"],
                "hls": True,
                "hlsAddress": f"127.0.0.1:{hls}",
                "hlsAlwaysRemux": True,
                "paths": {
                    f"cam{number}": {"source": camera.url(), "rtspTransport": "tcp"}
                    for number, camera in enumerate(cameras, 1)
                },
            }
        )
        await server.start()
        stack.push_async_callback(server.stop)

        async def flowing() -> bool:
            return len(await tracks(server)) == 2

        await eventually(flowing, 20, "both streams are there")
        yield SimpleNamespace(webrtc=f"http://127.0.0.1:{webrtc}/", hls=f"http://127.0.0.1:{hls}/", server=server)


def show(backend: Backend, playing: SimpleNamespace, *, ways: int) -> None:
    """The page knows these ways to them, and the first camera alone is H.264."""
    backend.cameras = {"1": fleet.camera(1), "2": fleet.camera(2, video="hevc")}
    backend.still = (200, PICTURE)
    backend.players = [playing.webrtc, playing.hls]
    backend.players_of = lambda path: {
        "webrtc": f"{playing.webrtc}{path}/" if ways & WEBRTC else None,
        "hls": f"{playing.hls}{path}/index.m3u8" if ways & HLS else None,
        "rtsp": None,
        "srt": None,
    }


async def test_live_by_webrtc_and_what_the_browser_cannot_decode(
    backend: Backend, open_page: OpenPage, playing: SimpleNamespace
) -> None:
    show(backend, playing, ways=WEBRTC)
    page = await open_page("#tab=wall&size=l&show=live", wait=False, player=playing.webrtc)
    live = page.locator('.tile[data-camera="1"] .tile-live')
    await expect(live).to_have_text(re.compile(r"^Live, [1-9]\d* fps, [\d.]+ [kM]?b/s$"))
    await expect(live).to_have_attribute("title", re.compile(r"^320 × 240, \d+ packets lost$|^320 × 180"))
    other = page.locator('.tile[data-camera="2"]')
    if await page.evaluate(
        "RTCRtpReceiver.getCapabilities('video').codecs.some((each) => each.mimeType === 'video/H265')"
    ):
        await expect(other.locator(".tile-live")).to_have_text(re.compile("^Live, "))
    else:
        await expect(other.locator(".tile-why")).to_have_text("this browser cannot play H.265 by WebRTC")
        await expect(other.locator("img")).to_be_visible()

    async def readers() -> int:
        url = f"{playing.server.api_url}/v3/webrtcsessions/list"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return len((await answer.json())["items"])

    assert await readers() >= 1
    await page.get_by_role("tab", name="Cameras").click()

    async def gone() -> bool:
        return await readers() == 0

    await eventually(gone, 15, "what is not looked at is not played")


async def has_player(playing: SimpleNamespace) -> bool:
    """Whether this build of the media server has what its page plays HLS with; builds from source may have none."""
    async with aiohttp.ClientSession() as session, session.get(f"{playing.hls}cam1/hls.min.js") as answer:
        return bool(await answer.read())


async def test_hls_where_there_is_no_other_way(backend: Backend, open_page: OpenPage, playing: SimpleNamespace) -> None:
    if not await has_player(playing):
        pytest.skip("this build of mediamtx has no player of HLS")
    show(backend, playing, ways=HLS)
    page = await open_page("#tab=wall&size=l&show=live", wait=False, player=playing.hls)
    tile = page.locator('.tile[data-camera="1"]')
    await expect(tile.locator(".tile-live")).to_contain_text("HLS, some seconds late")
    frame = tile.frame_locator("iframe")

    async def moving() -> bool:
        before = await frame.locator("video").evaluate("(it) => it.currentTime")
        await asyncio.sleep(0.3)
        return bool(before > 0 and await frame.locator("video").evaluate("(it) => it.currentTime") > before)

    await eventually(moving, 40, "the picture moves")


async def test_a_stream_that_goes_is_told_and_comes_back(
    backend: Backend, open_page: OpenPage, playing: SimpleNamespace
) -> None:
    show(backend, playing, ways=WEBRTC)
    page = await open_page(
        "#tab=wall&size=l&show=live", wait=False, player=playing.webrtc, expected=("ERR_CONNECTION", "404")
    )
    live = page.locator('.tile[data-camera="1"] .tile-live')
    await expect(live).to_have_text(re.compile("^Live, "))
    await playing.server.stop()
    await expect(live).to_contain_text(re.compile("is not reached by WebRTC|no pictures"))
    await playing.server.start()
    await expect(live).to_have_text(re.compile("^Live, "), timeout=90_000)
