"""What stands in the address: steps of the back button, links, and addresses of nothing."""

from __future__ import annotations

import re

import pytest

from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, expect
from tests.browser.test_list import row

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_sort_that_there_is_none_of_is_the_usual_one(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#sort=constructor")
    await expect(page.locator(".row.incident")).to_have_count(1)
    await expect(page.get_by_role("columnheader", name="Health")).to_have_attribute("aria-sort", re.compile("."))
    assert await page.locator("option", has_text="constructor").count() == 0


async def test_of_a_camera_that_there_is_not_nothing_is_offered(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=999", expected=("404",))
    drawer = page.locator(".drawer")
    await expect(drawer.locator("h2")).to_have_text("999")
    await expect(drawer.locator(".error").first).to_contain_text("not in the table")
    await expect(drawer.locator(".drawer-body button:visible")).to_have_count(0)
    backend.put(fleet.camera(999, name="It comes"))
    await backend.publish()
    await expect(drawer.locator("h2")).to_have_text("It comes")
    await expect(drawer.locator('[data-action="restart"]')).to_be_enabled()
    await expect(drawer.locator(".error").first).to_be_hidden()


async def test_filters_and_searches_are_steps_of_the_back_button(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await page.locator('.counter[data-value="down"]').click()
    await page.keyboard.press("/")
    await page.keyboard.type("stairs", delay=200)
    await expect(page).to_have_url(backend.address + "#health=down&q=stairs")
    await page.go_back()
    await expect(page).to_have_url(backend.address + "#health=down")
    await expect(page.locator(".search")).to_have_value("")
    await page.go_back()
    await expect(page.locator(".summary")).to_have_text("60 cameras")
    await page.go_forward()
    await expect(page.locator('.counter[data-value="down"]')).to_have_attribute("aria-pressed", "true")


async def test_a_row_is_a_link(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#sort=id&q=stairs")
    link = row(page, "3").get_by_role("link")
    await expect(link).to_have_attribute("href", "#q=stairs&sort=id&camera=3")
    for target in (link, row(page, "3").locator(".cell.since")):
        async with page.context.expect_page() as opened:
            await target.click(button="middle")
        other = await opened.value
        await expect(other.locator(".drawer h2")).to_have_text(backend.cameras["3"]["name"])
        await other.close()
    await expect(page.locator(".drawer")).to_be_hidden()
    await link.click()
    await expect(page.locator(".drawer")).to_be_visible()
    await page.go_back()
    await expect(page.locator(".drawer")).to_be_hidden()
