"""The audit log on the page, and events that say who asked."""

from __future__ import annotations

import pytest

from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, choose, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_who_may_configure_sees_who_did_what(backend: Backend, open_page: OpenPage) -> None:
    backend.token, backend.role = "sesame", "configure"
    nothing = {"role": "operate", "address": "10.0.0.7", "target": "", "detail": "", "node": "north"}
    backend.audit = [
        nothing | {"id": 1, "at": fleet.ago(60), "who": "", "action": "login", "result": "refused", "detail": "wrong"},
        nothing | {"id": 2, "at": fleet.ago(30), "who": "<b>anna", "action": "cameras/hold", "result": "done"},
    ]
    page = await open_page(expected=("401",), wait=False)
    await page.get_by_label("Token").fill("sesame")
    await page.get_by_label("Token").press("Enter")
    await choose(page, "audit")
    rows = page.locator(".panel.audit tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("<b>anna")
    await expect(rows.first).to_contain_text("Hold")
    await expect(rows.last).to_contain_text("not known")
    await expect(rows.last).to_contain_text("refused")


async def test_others_have_no_such_tab(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.locator("#tab-audit")).to_have_attribute("hidden", "")


async def test_events_say_who_asked(backend: Backend, open_page: OpenPage) -> None:
    backend.happened(kind="action", camera="1", name="Gate", before="", after="restart", detail="by anna")
    page = await open_page("#tab=events&kind=action", wait=False)
    await expect(page.locator(".event").first).to_contain_text("Asked for: Restart")
    await expect(page.locator(".event").first).to_contain_text("by anna")


async def test_who_sees_some_sites_alone_is_offered_what_he_may_do(backend: Backend, open_page: OpenPage) -> None:
    backend.token, backend.role, backend.sites = "sesame", "configure", ["North gate"]
    page = await open_page("#tab=maintenance", expected=("401",), wait=False)
    await page.get_by_label("Token").fill("sesame")
    await page.get_by_label("Token").press("Enter")
    form = page.get_by_role("form", name="Announce maintenance")
    await expect(form.get_by_label("Sites")).to_be_visible()
    await expect(form.get_by_label("Media servers")).to_be_hidden()
    await expect(form.get_by_label("All cameras")).to_be_hidden()
    await expect(page.locator("#tab-audit")).to_have_attribute("hidden", "")
    await expect(page.locator("#tab-incidents")).to_be_visible()


async def test_who_may_only_see_announces_no_maintenance(backend: Backend, open_page: OpenPage) -> None:
    backend.may_write = False
    page = await open_page("#tab=maintenance", wait=False)
    await expect(page.get_by_text("No maintenance is announced.")).to_be_visible()
    await expect(page.get_by_role("form", name="Announce maintenance")).to_be_hidden()
