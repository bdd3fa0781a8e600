"""The wall: pictures of all cameras that are filtered, live ones too, on one monitor or several."""

from __future__ import annotations

import re
from typing import Any

import pytest

from restream.demo.embedded import free_port
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect
from tests.browser.test_drawer import PICTURE

pytestmark = pytest.mark.asyncio(loop_scope="package")

# A media server within the page: it answers an offer, and sends a picture that moves.
ANSWER = """async (offer) => {
    const canvas = document.createElement('canvas');
    const paint = canvas.getContext('2d');
    setInterval(() => {
        paint.fillStyle = `hsl(${performance.now() % 360} 90% 50%)`;
        paint.fillRect(0, 0, 300, 150);
    }, 40);
    const peer = new RTCPeerConnection();
    (window.peers ??= []).push(peer);
    for (const track of canvas.captureStream(25).getTracks()) peer.addTrack(track);
    await peer.setRemoteDescription({ type: 'offer', sdp: offer });
    await peer.setLocalDescription(await peer.createAnswer());
    await new Promise((resolve) => setTimeout(resolve, 500));
    return peer.localDescription.sdp;
}"""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Expose-Headers": "Location",
}


async def tiles(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(
        "[...document.querySelectorAll('.tile')].filter((each) => !each.hidden).map((each) => each.dataset.camera)"
    )
    return found


async def test_a_tile_shows_how_its_camera_is_and_leads_to_it(backend: Backend, open_page: OpenPage) -> None:
    backend.still = (200, PICTURE)
    backend.cameras = {str(number): backend.cameras[str(number)] for number in (1, 2, 3, 4)}
    page = await open_page("#tab=wall", wait=False)
    down = page.locator('.tile[data-camera="3"]')
    await expect(down.locator(".tile-mark")).to_have_text("Down")
    await expect(down.locator(".tile-why")).to_contain_text("refuses the login")
    await expect(down.locator(".tile-picture")).to_have_text("no picture")
    healthy = page.locator('.tile[data-camera="1"]')
    await expect(healthy.locator("img")).to_be_visible()
    await expect(healthy.locator("time")).to_contain_text("ago")
    backend.put(fleet.down(1, fleet.Cause.TIMEOUT, 0))
    await backend.publish()
    await expect(healthy.locator(".tile-mark")).to_have_text("Down")
    await expect(healthy.locator("img")).to_have_css("filter", "grayscale(1)")
    await down.locator("a").click()
    await expect(page.locator(".drawer h2")).to_have_text(backend.cameras["3"]["name"])
    await expect(page).to_have_url(backend.address + "#tab=wall&camera=3")


async def test_the_sites_of_a_page_are_named_and_where_each_begins(backend: Backend, open_page: OpenPage) -> None:
    backend.cameras = {
        str(number): fleet.camera(number, site="North gate" if number < 3 else "<b>South") for number in range(1, 5)
    }
    page = await open_page("#tab=wall", wait=False, expected=("404",))
    await expect(page.locator(".wall-sites bdi")).to_have_text(["<b>South", "North gate"])
    begins = await page.evaluate("[...document.querySelectorAll('.tile[data-begins]')].map((it) => it.dataset.camera)")
    assert begins == ["3", "1"]


async def test_an_empty_wall_says_why(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=wall&q=nothing-is-called-so", wait=False)
    await expect(page.locator(".panel.wall").get_by_text("No camera matches")).to_be_visible()
    backend.cameras = {}
    page = await open_page("#tab=wall", wait=False)
    await expect(page.locator(".panel.wall").get_by_text("No cameras yet")).to_be_visible()


async def test_pages_of_the_cameras_that_are_filtered(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=wall", wait=False, expected=("404",))
    where = page.locator(".wall-where")
    await expect(where).to_have_text(re.compile(r"^Page 1 of \d+, 60 cameras$"))
    seen = set(await tiles(page))
    pages = int((await where.inner_text()).split()[3].strip(","))
    assert pages > 1
    for number in range(2, pages + 1):
        await page.get_by_role("button", name="Next page").click()
        await expect(where).to_contain_text(f"Page {number} of")
        assert not seen & set(await tiles(page))
        seen |= set(await tiles(page))
    assert seen == set(backend.cameras)
    await page.get_by_label("Size of pictures").select_option("s")
    await expect(page).to_have_url(backend.address + "#tab=wall&size=s")
    await page.goto(backend.address + "#tab=wall&health=down")
    down = {key for key, each in backend.cameras.items() if each["verdict"]["health"] == "down"}
    await expect(where).to_contain_text(f"{len(down)} cameras")
    assert set(await tiles(page)) <= down


async def test_pages_turn_by_themselves_and_monitors_share_them(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=wall&every=60&page=1/2", wait=False, clock=True, expected=("WebSocket", "404"))
    other = await open_page("#tab=wall&every=60&page=2/2", wait=False, expected=("404",))
    await expect(page.locator(".tile").first).to_be_visible()
    await expect(other.locator(".tile").first).to_be_visible()
    first = await tiles(page)
    assert first
    assert not {*first} & {*await tiles(other)}
    await page.clock.fast_forward(61_000)
    await expect(page.locator(".wall-where")).to_contain_text("Page 2 of")
    assert not {*first} & {*await tiles(page)}


async def test_a_kiosk_shows_the_wall_alone_until_it_is_left(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=wall&kiosk=1", wait=False, expected=("WebSocket", "503", "502", "404"))
    await expect(page.locator(".tile").first).to_be_visible()
    for hidden in (".page-head", ".overview", ".wall-tools"):
        await expect(page.locator(hidden)).to_be_hidden()
    backend.refuse_sockets = backend.refuse_all = True
    await backend.drop_sockets()
    await expect(page.locator(".banner")).to_contain_text("The connection to the service is lost")
    backend.refuse_sockets = backend.refuse_all = False
    await page.keyboard.press("Escape")
    await expect(page.locator(".page-head")).to_be_visible()
    await expect(page).to_have_url(backend.address + "#tab=wall")
    await page.get_by_role("button", name="Kiosk").click()
    await expect(page.locator(".page-head")).to_be_hidden()


async def media_server(page: Page, status: int = 201, text: str = "") -> list[tuple[str, str]]:
    """What is asked of it; without a text it answers as a media server that sends pictures."""
    asked: list[tuple[str, str]] = []

    async def whep(route: Any) -> None:
        request = route.request
        asked.append((request.method, request.url))
        if request.method == "OPTIONS":
            await route.fulfill(status=204, headers=CORS)
        elif request.method == "DELETE":
            await route.fulfill(status=200, headers=CORS)
        else:
            body = text or await page.evaluate(ANSWER, request.post_data)
            await route.fulfill(status=status, headers=CORS | {"Location": "whep/session-1"}, body=body)

    await page.route("**/whep**", whep)
    return asked


async def live_wall(backend: Backend, open_page: OpenPage, expected: tuple[str, ...] = ()) -> tuple[Page, str]:
    address = f"http://127.0.0.1:{free_port()}/cam1/"
    backend.cameras = {"1": fleet.camera(1), "3": fleet.down(3, fleet.Cause.REFUSED)}
    backend.details_changes = {"players": {"webrtc": address, "hls": None, "rtsp": None, "srt": None}}
    backend.players = [address]
    expected = ("404", *expected)
    return await open_page("#tab=wall&size=l", wait=False, player=address, expected=expected), address


async def test_a_live_picture_by_webrtc_with_its_figures(backend: Backend, open_page: OpenPage) -> None:
    page, address = await live_wall(backend, open_page)
    asked = await media_server(page)
    await page.get_by_role("button", name="Live").click()
    live = page.locator('.tile[data-camera="1"] .tile-live')
    await expect(live).to_have_text(re.compile(r"^Live, [1-9]\d* fps, [\d.]+ [kM]?b/s$"))
    await expect(live).to_have_attribute("title", re.compile(r"^300 × 150, 0 packets lost$"))
    await expect(page.locator('.tile[data-camera="3"] video')).to_have_count(0)
    assert ("POST", f"{address}whep") in asked
    async with page.expect_request(lambda request: request.method == "DELETE") as ended:
        await page.get_by_role("tab", name="Cameras").click()
    assert (await ended.value).url == f"{address}whep/session-1"
    await expect(page.locator("video")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "words"), [(404, "no such stream now"), (401, "asks for a login"), (502, "is not reached by WebRTC")]
)
async def test_what_the_media_server_refuses_is_told(
    backend: Backend, open_page: OpenPage, status: int, words: str
) -> None:
    page, _ = await live_wall(backend, open_page, (str(status),))
    await media_server(page, status, "no")
    await page.get_by_role("button", name="Live").click()
    await expect(page.locator('.tile[data-camera="1"] .tile-live')).to_contain_text(words)


async def test_what_the_browser_plays_in_no_way_is_a_still(backend: Backend, open_page: OpenPage) -> None:
    page, _ = await live_wall(backend, open_page)
    backend.still = (200, PICTURE)
    backend.put(fleet.camera(1, video="mpeg4"))
    await backend.publish()
    await page.get_by_role("button", name="Live").click()
    tile = page.locator('.tile[data-camera="1"]')
    await expect(tile.locator(".tile-why")).to_have_text("this browser cannot play mpeg4 by WebRTC")
    await expect(tile.locator("img")).to_be_visible()


async def test_hls_in_place_of_what_cannot_be_played(backend: Backend, open_page: OpenPage) -> None:
    page, address = await live_wall(backend, open_page, ("400", "ERR_"))
    backend.details_changes["players"] |= {"hls": f"{address}index.m3u8"}
    await media_server(page, 400, "no")
    await page.get_by_role("button", name="Live").click()
    tile = page.locator('.tile[data-camera="1"]')
    await expect(tile.locator(".tile-live")).to_contain_text("HLS, some seconds late")
    await expect(tile.locator("iframe")).to_have_attribute("src", f"{address}?controls=false&muted=true&autoplay=true")
