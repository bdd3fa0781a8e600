"""The panel of who is told of outages."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, choose
from tests.browser.everything import delivery, receiver
from tests.browser.test_layout import overflow

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG = "An-extremely-long-name-without-any-space-" * 4


async def test_receivers_their_last_messages_and_a_test(backend: Backend, open_page: OpenPage) -> None:
    backend.alerts = {
        "receivers": [receiver("desk"), receiver("mute", "no such user (550)", waiting=3, last_sent=None)],
        "deliveries": [delivery("desk", "sent"), delivery("mute", "failed", "no such user (550)")],
    }
    page = await open_page()
    await choose(page, "alerts")
    panel = page.locator("#panel-alerts")
    receivers, messages = panel.get_by_role("table").first, panel.get_by_role("table").nth(1)
    await expect(receivers.locator("tbody tr")).to_have_count(2)
    await expect(receivers.locator("tbody tr").nth(1)).to_contain_text("no such user (550)")
    await expect(messages.locator("tbody tr").first).to_contain_text("Reminder: down, 40 of scope host at 192.0.2.7")
    await expect(messages.locator("tbody tr").nth(1)).to_contain_text("given up")
    await receivers.get_by_role("button").first.click()
    await expect(panel.get_by_role("status")).to_have_text("Everybody took the test message.")
    await panel.get_by_role("button", name="Send a test message to all").click()
    await expect(panel.get_by_role("status")).to_have_text("Not taken by mute: no such user (550)")
    assert backend.tested == ["desk", None]


async def test_where_nobody_is_told_there_is_no_tab_and_no_width_overflows(
    backend: Backend, open_page: OpenPage
) -> None:
    page = await open_page()
    await expect(page.get_by_role("tab", name="Cameras")).to_be_visible()
    await expect(page.locator("#tab-alerts")).to_have_attribute("hidden", "")
    backend.alerts = {"receivers": [receiver(LONG, LONG)], "deliveries": [delivery(LONG, "failed", LONG)]}
    page = await open_page("#tab=alerts", wait=False)
    await expect(page.locator("#panel-alerts tbody tr")).to_have_count(2)
    for width in (390, 768, 1024, 1440, 1920):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await overflow(page) <= 0, width
