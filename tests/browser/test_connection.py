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


async def test_people_log_in_with_a_password_and_programs_tokens_still_do(
    backend: Backend, open_page: OpenPage
) -> None:
    backend.token, backend.users = "open sesame", {"anna": "correct horse"}
    page = await open_page(expected=LOST, wait=False)
    await expect(page.get_by_label("User")).to_be_focused()
    await page.get_by_label("User").fill("anna")
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.get_by_label("Password", exact=True).press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("User or password is wrong.")
    await page.get_by_label("Password", exact=True).fill("correct horse")
    await page.get_by_label("Password", exact=True).press("Enter")
    await expect(page.locator(".row.camera").first).to_be_visible()
    leave = page.get_by_role("button", name="Log out")
    await expect(leave).to_have_attribute("title", "Logged in as anna")
    await leave.click()
    await page.get_by_role("button", name="Log in with a token").click()
    await expect(page.get_by_label("User")).to_be_hidden()
    await page.get_by_label("Token").fill("open sesame")
    await page.get_by_label("Token").press("Enter")
    await expect(page.locator(".row.camera").first).to_be_visible()


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


async def test_what_was_is_not_in_colour_and_nothing_can_be_done(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1", expected=LOST)
    restart = page.locator('[data-action="restart"]')
    await expect(restart).to_be_enabled()
    await expect(page.locator(".rows")).to_have_css("filter", "none")
    backend.refuse_sockets = backend.refuse_all = True
    await backend.drop_sockets()
    await expect(page.locator(".live")).to_have_attribute("data-state", "lost")
    for part in (".rows", ".overview", ".drawer-body"):
        await expect(page.locator(part)).to_have_css("filter", "grayscale(1)")
    await expect(restart).to_be_disabled()
    await expect(page.locator(".actions .note")).to_contain_text("There is no connection to the service")
    backend.refuse_sockets = backend.refuse_all = False
    await expect(restart).to_be_enabled()
    await expect(page.locator(".rows")).to_have_css("filter", "none")


async def test_while_the_service_stops_no_camera_is_being_started(backend: Backend, open_page: OpenPage) -> None:
    backend.stopping = True
    backend.cameras = {"1": fleet.camera(1, phase="stopping", verdict=fleet.verdict("unknown", "none", "draining", 1))}
    page = await open_page()
    await expect(page.locator(".row.camera .reason")).to_have_text("Not known now: the service is being stopped")
    await expect(page.locator(".row.camera .phase")).to_have_text("Stopping")


@pytest.mark.parametrize("file", ["js/list.js", "js/incidentpanel.js", "css/list.css"])
async def test_a_file_that_does_not_come_is_asked_for_again(backend: Backend, open_page: OpenPage, file: str) -> None:
    page = await open_page(expected=("ERR_FAILED", "Failed to fetch dynamically"), wait=False, without=file)
    await expect(page.locator(".unloaded")).to_have_text("The page could not be loaded completely. Trying again …")
    await page.unroute_all()
    await expect(page.locator(".row.camera").first).to_be_visible()
    await expect(page.locator(".unloaded")).to_have_count(0)
