"""What draws the eye of somebody who looks elsewhere, and what is new when he looks again."""

from __future__ import annotations

import re

import pytest

from restream.domain.life.cause import Cause
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Messages and tones are counted, not shown.
COUNTING = """
window.told = [];
window.tones = 0;
window.Notification = class {
  static permission = 'granted';
  static requestPermission = async () => 'granted';
  constructor(title, { body }) { window.told.push(`${title}: ${body}`); }
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.tones += 1; start.apply(this, when); };
"""


async def fail_together(backend: Backend, host: str, numbers: range) -> None:
    backend.put(*(fleet.down(number, Cause.REFUSED, 0, host=host) for number in numbers))
    await backend.publish()


async def icon(page: Page) -> str:
    return await page.locator('link[rel="icon"]').get_attribute("href") or ""


async def test_title_and_icon_tell_how_many_are_down(backend: Backend, open_page: OpenPage) -> None:
    backend.cameras = {str(number): fleet.camera(number) for number in range(1, 9)}
    page = await open_page()
    await expect(page).to_have_title("restream: cameras")
    assert await icon(page) == "static/icon.svg"
    await fail_together(backend, "nvr", range(1, 3))
    await expect(page).to_have_title("(2) restream: cameras")
    assert "%3E2%3C" in await icon(page)
    backend.put(fleet.camera(1), fleet.camera(2))
    await backend.publish()
    await expect(page).to_have_title("restream: cameras")
    assert await icon(page) == "static/icon.svg"


async def test_new_incidents_are_told_to_those_who_asked(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page(init=COUNTING)
    await expect(page.locator(".row.incident")).to_have_count(1)
    await fail_together(backend, "nvr-a", range(10, 14))
    await expect(page.locator(".row.incident")).to_have_count(2)
    await page.locator("summary", has_text="Alerts").click()
    await page.get_by_label("Message of the browser").check()
    assert await page.evaluate("[window.told, window.tones]") == [[], 0]
    await page.get_by_label("Sound for new").check()
    assert await page.evaluate("window.tones") == 2, "it is heard when it is chosen"
    await fail_together(backend, "nvr-b", range(20, 24))
    await page.wait_for_function("window.told.length === 1")
    assert await page.evaluate("window.told") == ["Host nvr-b: 4 cameras affected: Connection refused"]
    assert await page.evaluate("window.tones") == 4
    # One camera more or less, or one that comes back at once, is the same incident.
    await fail_together(backend, "nvr-b", range(24, 25))
    backend.put(*(fleet.camera(number) for number in range(20, 25)))
    await backend.publish()
    await expect(page.locator(".row.incident")).to_have_count(2)
    await fail_together(backend, "nvr-b", range(20, 24))
    await expect(page.locator(".row.incident")).to_have_count(3)
    assert await page.evaluate("[window.told.length, window.tones]") == [1, 4]
    await page.reload()
    await page.locator("summary", has_text="Alerts").click()
    await expect(page.get_by_label("Sound for new")).to_be_checked()


async def test_what_broke_since_the_last_look_is_marked(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    note, marks = page.locator(".fresh-note"), page.locator(".row.camera .fresh-mark:visible")
    await expect(note).to_be_hidden()
    await page.goto("about:blank")
    backend.put(fleet.down(1, Cause.REFUSED, -1), fleet.down(2, Cause.REFUSED, -1, host="elsewhere"))
    await page.goto(backend.address)
    await expect(note).to_have_text(re.compile(r"^2 cameras failed since you last looked \(\d\d:\d\d:\d\d\)"))
    await expect(marks).to_have_count(2)
    await expect(page.locator('.row.camera[data-camera="1"] .fresh-mark')).to_have_text("new")
    await page.wait_for_timeout(1100)
    await page.get_by_role("button", name="Seen").click()
    await expect(note).to_be_hidden()
    await expect(marks).to_have_count(0)
