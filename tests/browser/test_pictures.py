"""Pictures stay true while they are looked at, and nothing is offered that cannot be played."""

from __future__ import annotations

import re

import pytest

from restream.domain.life.cause import Cause
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect
from tests.browser.test_drawer import PICTURE
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

TAKEN = "/api/cameras/{id}/snapshot.jpg"
# As long as a picture is good, and a little.
OLD = 31_000


async def open_stills(backend: Backend, open_page: OpenPage, **cameras: fleet.Document) -> Page:
    """Two cameras with pictures in the list, by a clock that tests put forward."""
    backend.cameras = {"1": fleet.camera(1), "2": fleet.camera(2)} | cameras
    page = await open_page(expected=("503", "WebSocket"), wait=False, clock=True)
    await page.get_by_role("button", name="Pictures").click()
    return page


async def test_pictures_in_the_list_are_taken_again_and_tell_their_age(backend: Backend, open_page: OpenPage) -> None:
    backend.still = (200, PICTURE)
    page = await open_stills(backend, open_page)
    still = page.locator('.row.camera[data-camera="1"] .still')
    await expect(still.locator("time")).to_have_text(re.compile(r"^\d+s ago$"))
    await eventually(lambda: backend.requests[TAKEN] == 2, 8, "one for each camera")
    first = await still.locator("img").get_attribute("src")
    await page.clock.fast_forward(OLD)
    await eventually(lambda: backend.requests[TAKEN] >= 4, 8, "taken again")
    await expect(still.locator("img")).not_to_have_attribute("src", first or "")


async def test_a_camera_without_a_picture_is_tried_again(backend: Backend, open_page: OpenPage) -> None:
    backend.still = (503, "not now")
    page = await open_stills(backend, open_page)
    still = page.locator('.row.camera[data-camera="1"] .still')
    await expect(still).to_have_text("no picture")
    backend.still = (200, PICTURE)
    await page.clock.fast_forward(OLD)
    await expect(still.locator("img")).to_be_visible()


async def test_the_picture_of_a_camera_that_fails_is_grey_and_old(backend: Backend, open_page: OpenPage) -> None:
    backend.still = (200, PICTURE)
    page = await open_stills(backend, open_page, **{"3": fleet.down(3, Cause.AUTH_FAILED)})
    await expect(page.locator('.row.camera[data-camera="3"] .still')).to_have_text("no picture")
    still = page.locator('.row.camera[data-camera="1"] .still')
    await expect(still.locator("img")).to_have_css("filter", "none")
    backend.put(fleet.down(1, Cause.TIMEOUT, 0))
    await backend.publish()
    await expect(still.locator("img")).to_have_css("filter", "grayscale(1)")
    await expect(still.locator("time")).to_contain_text("ago")
    asked = backend.requests[TAKEN]
    assert asked == 2, "a camera that is down is not asked"


async def test_the_still_of_the_details_is_taken_again_and_turns_grey(backend: Backend, open_page: OpenPage) -> None:
    backend.still = (200, PICTURE)
    page = await open_page("#camera=1", expected=("WebSocket",), clock=True)
    await page.get_by_role("button", name="Still picture").click()
    screen = page.locator(".preview .screen")
    await expect(screen.locator("time")).to_contain_text("ago")
    await page.clock.fast_forward(OLD)
    await eventually(lambda: backend.requests[TAKEN] >= 2, 8, "taken again")
    backend.put(fleet.down(1, Cause.TIMEOUT, 0))
    await backend.publish()
    await expect(screen.locator("img")).to_have_css("filter", "grayscale(1)")
    await expect(page.locator(".preview .note")).to_have_text("The camera is not healthy: this is an old picture.")


async def test_what_the_browser_cannot_play_is_not_offered(backend: Backend, open_page: OpenPage) -> None:
    backend.put(fleet.camera(1, video="mpeg4"), fleet.camera(2, video="hevc"))
    page = await open_page("#camera=1")
    live = page.get_by_role("button", name="Live (WebRTC)")
    await expect(live).to_be_disabled()
    await expect(page.locator(".preview .note")).to_contain_text("cannot play mpeg4 by WebRTC, HLS")
    # By its address: its row may be further down than rows are made.
    await page.evaluate("location.hash = '#camera=2'")
    can = "(RTCRtpReceiver.getCapabilities('video')?.codecs ?? []).some((each) => each.mimeType === 'video/H265')"
    if await page.evaluate(can):
        await expect(live).to_be_enabled()
    else:
        await expect(page.locator(".preview .note")).to_contain_text("cannot play H.265 by WebRTC")
        await expect(live).to_be_disabled()


async def test_a_camera_that_is_down_offers_no_picture(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=3")
    await expect(page.locator(".preview .note")).to_contain_text("no picture while the camera is not sending")
    for name in ("Still picture", "Live (WebRTC)", "Live (HLS)"):
        await expect(page.get_by_role("button", name=name)).to_be_disabled()
    backend.put(fleet.camera(3))
    await backend.publish()
    await expect(page.get_by_role("button", name="Live (WebRTC)")).to_be_enabled()
