"""The live connection, its loss, its return, what replaces it, and who may have it."""

from __future__ import annotations

import pytest

from restream.domain.life.cause import Cause
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, expect
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

LOST = ("WebSocket connection", "503", "502", "401")


async def test_reconnects_and_resumes_where_it_broke(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page(expected=LOST)
    await expect(page.locator(".live")).to_have_attribute("data-state", "live")
    backend.refuse_sockets = backend.refuse_all = True
    await backend.drop_sockets()
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("The connection to the service is lost")
    await expect(banner).to_contain_text("old")
    await expect(page.locator(".row.camera").first).to_be_visible()
    backend.put(fleet.down(3, Cause.DNS, 0, name="Changed meanwhile"))
    attempts = backend.requests["/ws"]
    await page.get_by_role("button", name="Try now").click()
    await eventually(lambda: backend.requests["/ws"] > attempts, 5, "an attempt at once")
    backend.refuse_sockets = backend.refuse_all = False
    await expect(banner).to_be_hidden()
    await expect(page.locator('.row[data-camera="3"]')).to_contain_text("Changed meanwhile")
    assert backend.connects[-1]["instance"] == "first"
    assert int(backend.connects[-1]["generation"]) > 0


async def test_silence_is_a_loss_and_the_service_may_be_a_new_one(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page(expected=LOST)
    backend.silent = True
    await eventually(lambda: len(backend.connects) > 1, 8, "a connection in place of the silent one")
    backend.silent = False
    await expect(page.locator(".live")).to_have_attribute("data-state", "live")
    backend.instance = "second"
    del backend.cameras["3"]
    await backend.drop_sockets()
    await expect(page.locator(".summary")).to_have_text("59 cameras")


async def test_polls_where_sockets_cannot_be_had(backend: Backend, open_page: OpenPage) -> None:
    backend.refuse_sockets = True
    page = await open_page(expected=LOST)
    await expect(page.locator(".live")).to_have_attribute("data-state", "polling")
    await expect(page.locator(".banner")).to_contain_text("No live connection")
    backend.put(fleet.down(1, Cause.TIMEOUT, 0, name="Seen by polling"))
    await expect(page.locator('.row[data-camera="1"]')).to_contain_text("Seen by polling")
    backend.refuse_sockets = False
    await expect(page.locator(".live")).to_have_attribute("data-state", "live")
    await expect(page.locator(".banner")).to_be_hidden()


async def test_first_answer_missing(backend: Backend, open_page: OpenPage) -> None:
    backend.refuse_sockets = backend.refuse_all = True
    page = await open_page(expected=LOST, wait=False)
    await expect(page.locator(".banner")).to_contain_text("does not answer")
    await expect(page.locator(".panel .empty h2")).to_have_text("Waiting for the first data")


async def test_login_logout_and_a_session_that_ends(backend: Backend, open_page: OpenPage) -> None:
    backend.token = "open sesame"
    page = await open_page(expected=LOST, wait=False)
    token = page.get_by_label("Token")
    await expect(token).to_be_focused()
    await expect(page.locator(".shell")).to_be_hidden()
    await token.fill("wrong")
    await token.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("This is not the token.")
    await token.fill("open sesame")
    await token.press("Enter")
    await expect(page.locator(".row.camera").first).to_be_visible()
    assert "sesame" not in page.url
    await page.context.clear_cookies()
    await backend.drop_sockets()
    await expect(token).to_be_visible()
    await token.fill("open sesame")
    await token.press("Enter")
    await expect(page.locator(".live")).to_have_attribute("data-state", "live")
    await page.get_by_role("button", name="Log out").click()
    await expect(token).to_be_visible()
    assert await page.context.cookies() == []


async def test_below_a_prefix_of_a_reverse_proxy(backend: Backend, open_page: OpenPage) -> None:
    async with backend.serve(prefix="/cctv/restream") as address:
        backend.address = address
        page = await open_page("#camera=3")
        await expect(page.locator(".live")).to_have_attribute("data-state", "live")
        await expect(page.locator(".drawer .stderr pre")).to_be_visible()
        assert page.url.startswith(address)
