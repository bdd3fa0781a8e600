"""What is done with all cameras that the list shows, and the list as a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_action_on_what_is_filtered_is_shown_before_it_is_done(backend: Backend, open_page: OpenPage) -> None:
    held = fleet.verdict("disabled", "none", "held_by_operator")
    backend.put(fleet.camera(1, phase="held", verdict=held, name="Gate", site="Yard"))
    backend.put(*(fleet.camera(number, site="Yard") for number in (2, 4, 5)))
    page = await open_page("#site=Yard")
    act, dialog = page.locator(".bulk-act"), page.locator("dialog.bulk")
    await expect(act).to_have_text("Act on 4 …")
    await act.click()
    await expect(dialog.locator("h2")).to_have_text("4 cameras")
    go = dialog.locator("button.primary")
    await expect(go).to_be_disabled()
    await dialog.get_by_label("Restart").check()
    await expect(dialog.locator(".bulk-told")).to_contain_text("It is done with 3 cameras. One after the other")
    await expect(dialog.locator(".bulk-rest")).to_have_text("1 × it is on hold: release it first: Gate")
    assert backend.actions == []
    await dialog.get_by_label("Hold").check()
    await expect(dialog.locator(".bulk-told")).to_contain_text("At once")
    await go.click()
    await expect(dialog.locator(".bulk-told")).to_have_text("Accepted for 3 cameras.")
    assert sorted(backend.actions) == [("2", "hold"), ("4", "hold"), ("5", "hold")]
    await expect(go).to_be_hidden()
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_have_count(0)


async def test_cameras_of_closed_groups_are_shown_too(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#group=site")
    await page.locator(".row.group").first.click()
    await page.locator(".bulk-act").click()
    await expect(page.locator("dialog.bulk h2")).to_have_text("60 cameras")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog.bulk")).to_have_count(0)


async def test_who_may_not_act_may_not_act_on_many(backend: Backend, open_page: OpenPage) -> None:
    backend.may_write = False
    page = await open_page()
    await expect(page.locator(".bulk-act")).to_be_disabled()
    await expect(page.locator(".bulk-act")).to_have_attribute("title", re.compile("Log in"))
    await page.locator(".search").fill("nothing like this")
    await expect(page.locator(".bulk-act")).to_have_text("Act on 0 …")


async def test_the_list_as_a_file_is_what_is_seen(backend: Backend, open_page: OpenPage, tmp_path: Path) -> None:
    backend.put(fleet.camera(1, site='Gate, "north"'))
    page = await open_page("#health=healthy,down&sort=-bitrate&q=10.")
    await page.get_by_label("Site", exact=True).select_option(label='Gate, "north"')
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="CSV").click()
    download = await downloading.value
    assert download.suggested_filename == "cameras.csv"
    await download.save_as(tmp_path / "cameras.csv")
    site = '"Gate, ""north"""'
    assert backend.exports == [{"health": "healthy,down", "q": "10.", "sort": "-bitrate", "site": site}]
