"""Every width, larger type, fingers, paper, texts that run the other way: nothing is cut or overflows without need."""

from __future__ import annotations

import re

import pytest

from restream.interfaces.http.page import STATIC
from tests.browser import everything, fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

UUID = "6f1c9d0e-1b7a-4c55-9a43-0f6b7f3a9d{:02d}"
# Telephones, tablets, screens; the half of some of them is what they have at 200 %.
WIDTHS = (320, 360, 384, 390, 512, 640, 699, 700, 720, 760, 768, 779, 780, 899, 900, 960, 1024, 1200, 1440, 1560, 1920)

PANELS = re.findall(r"\{ id: '(\w+)'", (STATIC / "js" / "panels.js").read_text(encoding="utf-8"))

# Cells whose text is wider than they are, in the rows on the screen.
CUT = """(column) => [...document.querySelectorAll(`.row.camera .cell.${column}`)]
    .filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent)"""


# Tabs that reach beyond their row.
CUT_TABS = """() => [...document.querySelectorAll('.tabs > :not([hidden])')].filter((each) =>
    each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right + 1).map((each) => each.id)"""


# What a finger would miss.
SMALL = """() => [...document.querySelectorAll('button, select, input, summary, a.plain, a.button, .row.camera')]
    .filter((each) => each.checkVisibility() && !each.closest('[inert]'))
    .map((each) => [each.className || each.name || each.textContent, each.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.height < 43.9 || box.width < 43.9))
    .map(([name, box]) => `${name} ${Math.round(box.width)} x ${Math.round(box.height)}`)"""


async def overflow(page: Page) -> int:
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


async def fits(page: Page, width: int) -> None:
    """Once it has taken notice of its width."""
    await page.wait_for_timeout(50)

    async def fitting() -> bool:
        return await overflow(page) <= 0

    await eventually(fitting, 5, f"nothing overflows at {width}")


def with_uuids(backend: Backend) -> None:
    backend.cameras = {
        UUID.format(number): fleet.camera(
            number, id=UUID.format(number), name=f"Gate {number}", site=f"Warehouse {site}"
        )
        for number, site in enumerate("ABABABAB", 10)
    }


@pytest.mark.parametrize("hash_", ["", "#columns=engine,server,node&stills=1", "#camera=3"])
async def test_no_width_overflows(backend: Backend, open_page: OpenPage, hash_: str) -> None:
    long = "An-extremely-long-name-without-any-space-" * 4
    backend.put(fleet.down(3, fleet.Cause.AUTH_FAILED, 60, name=long, site=long))
    backend.components[long] = {"state": "down", "since": fleet.ago(9), "detail": ""}
    page = await open_page(hash_, expected=("404",))
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await fits(page, width)
        beyond = await page.evaluate(
            "() => [...document.querySelectorAll('.row.camera')].some((row) => row.scrollWidth > row.clientWidth + 1)"
        )
        assert not beyond, width


LONG = "An-extremely-long-name-without-any-space-" * 4


@pytest.mark.parametrize("tab", PANELS)
async def test_no_panel_overflows(backend: Backend, open_page: OpenPage, tab: str) -> None:
    everything.fill(backend, LONG)
    # There is no picture of any camera of the wall.
    page = await open_page(f"#tab={tab}", wait=False, expected=("404",))
    await expect(page.locator(f"#panel-{tab}")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await fits(page, width)


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "ru-RU"])
async def test_no_view_overflows_in_any_language(backend: Backend, open_page: OpenPage, locale: str) -> None:
    """Nor does a dialog, nor are tabs cut: those without room are below "More"."""
    everything.fill(backend, "Laderampe Nord", locale[:2])
    page = await open_page(locale=locale, expected=("404",))
    for view in ("#", "#camera=3", *(f"#tab={each}" for each in PANELS)):
        await page.evaluate(f"location.hash = '{view}'")
        await page.wait_for_load_state("networkidle")
        for width in (320, 390, 512, 768, 1024, 1440, 1920):
            await page.set_viewport_size({"width": width, "height": 900})
            await fits(page, width)
            assert await page.evaluate(CUT_TABS) == [], (view, width)
    opened = (".bulk-act", '#tab=incidents .incident-card [data-deed="snooze"]', '#camera=3 [data-action="restart"]')
    for way in opened:
        view, _, button = way.rpartition(" ") if way.startswith("#") else ("#", "", way)
        await page.set_viewport_size({"width": 1024, "height": 900})
        await page.evaluate(f"location.hash = '{view.partition(' ')[0]}'")
        await page.locator(f"{view.partition(' ')[2]} {button}").first.click()
        dialog = page.locator("dialog[open]")
        await expect(dialog).to_be_visible()
        for width in (320, 390, 768, 1920):
            await page.set_viewport_size({"width": width, "height": 700})
            await fits(page, width)
            assert await dialog.evaluate("(it) => it.scrollWidth <= it.clientWidth"), (way, width)
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")


async def test_views_without_room_are_below_more(backend: Backend, open_page: OpenPage) -> None:
    everything.fill(backend, "North")
    page = await open_page("#tab=host", wait=False)
    more, events = page.locator(".tabs-more"), page.get_by_role("tab", name="Events")
    await page.set_viewport_size({"width": 2400, "height": 900})
    await expect(more).to_be_hidden()
    await expect(page.locator(".tabs > #tab-host")).to_have_attribute("aria-selected", "true")
    await page.set_viewport_size({"width": 390, "height": 800})
    await expect(more).to_have_text("Host")
    await expect(more).to_have_attribute("aria-label", "More: Host")
    await expect(events).to_be_hidden()
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#tab-host")).to_be_focused()
    await page.keyboard.press("Home")
    await expect(page.locator(".tabs-rest button").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(events).to_be_hidden()
    await more.click()
    await events.click()
    await expect(page).to_have_url(backend.address + "#tab=events")
    await expect(more).to_have_attribute("aria-expanded", "false")
    await expect(more).to_have_text("Events")
    await page.locator("#tab-cameras").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page).to_have_url(backend.address + "#tab=incidents")
    await expect(more).to_have_text("More")


@pytest.mark.parametrize("width", [1024, 1280, 1440, 1920])
async def test_ids_and_sites_are_whole(backend: Backend, open_page: OpenPage, width: int) -> None:
    with_uuids(backend)
    page = await open_page(viewport={"width": width, "height": 800})
    assert await page.evaluate(CUT, "id") == []
    assert await page.evaluate(CUT, "site") == []
    backend.cameras = {str(number): fleet.camera(number) for number in range(12_345, 12_360)}
    page = await open_page(viewport={"width": width, "height": 800})
    assert await page.evaluate(CUT, "id") == []
    assert await page.evaluate(CUT, "site") == []


async def test_larger_type_of_the_browser_is_followed(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    row = page.locator(".row.camera").first
    usual = await row.bounding_box()
    chosen = await page.context.new_cdp_session(page)
    await chosen.send("Page.setFontSizes", {"fontSizes": {"standard": 24}})
    await page.reload()
    await row.wait_for()
    assert await page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == 22.5
    larger = await row.bounding_box()
    assert usual
    assert larger
    assert larger["height"] == usual["height"] * 1.5
    assert await overflow(page) <= 0


async def test_a_finger_hits_what_it_is_put_on(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=3", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    await expect(page.locator(".drawer .stderr pre")).to_be_visible()
    assert await page.evaluate(SMALL) == []
    await page.locator(".drawer .close").click()
    for button in await page.locator(".fold").all():
        await button.click()
    assert await page.evaluate(SMALL) == []
    assert await overflow(page) <= 0


async def test_a_finger_hits_what_it_is_put_on_in_every_view(backend: Backend, open_page: OpenPage) -> None:
    everything.fill(backend, "Laderampe Nord")
    page = await open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, expected=("404",))
    for tab in PANELS:
        await page.evaluate(f"location.hash = '#tab={tab}'")
        await expect(page.locator(f"#panel-{tab}")).to_be_visible()
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate(SMALL) == [], tab
    await page.locator(".tabs-more").click()
    assert await page.evaluate(SMALL) == []


async def test_a_telephone_shows_a_camera_at_once(backend: Backend, open_page: OpenPage) -> None:
    backend.components["redis"] |= {"state": "down"}
    page = await open_page(viewport={"width": 390, "height": 664}, has_touch=True, is_mobile=True)
    box = await page.locator(".rows").bounding_box()
    assert box is not None
    assert box["y"] + 66 < 664
    await expect(page.locator(".chip", has_text="Redis")).to_be_visible()
    await expect(page.locator(".chip", has_text="Database")).to_be_hidden()
    await page.get_by_role("button", name="Service and host").click()
    await expect(page.locator(".chip", has_text="Database")).to_be_visible()
    await expect(page.get_by_label("Site", exact=True)).to_be_hidden()
    await page.get_by_role("button", name="Filters", exact=True).click()
    await expect(page.get_by_label("Site", exact=True)).to_be_visible()


async def test_a_name_that_runs_the_other_way_turns_nothing_around_it(backend: Backend, open_page: OpenPage) -> None:
    turned = "\u202egate"
    backend.put(*(fleet.down(number, fleet.Cause.REFUSED, site="שער", name=turned) for number in (1, 2, 3, 4)))
    backend.put(*(fleet.camera(number, site="שער", name=turned) for number in (5, 6)))
    page = await open_page("#camera=1")
    await expect(page.locator(".row.camera bdi", has_text="gate").first).to_be_attached()
    await expect(page.locator(".drawer h2")).to_have_attribute("dir", "auto")
    await expect(page.locator(".drawer-place")).to_have_text(re.compile("^ID 1 · \u2068שער\u2069 · 10"))
    await page.locator('.drawer [data-action="restart"]').click()
    await expect(page.locator("dialog h2")).to_contain_text("\u2068gate\u2069")


async def test_paper_has_every_camera_and_no_blank_pages(backend: Backend, open_page: OpenPage) -> None:
    backend.cameras = fleet.fleet(300)
    page = await open_page("#sort=id")
    await page.evaluate(
        """() => window.addEventListener('beforeprint', () => {
            window.printed = [...document.querySelectorAll('.rows .row')].map((row) => row.dataset.camera);
        })"""
    )
    pdf = await page.pdf(format="A4")
    assert await page.evaluate("window.printed") == [str(number) for number in range(1, 301)]
    # 300 rows of 36 px are ten sheets and a bit.
    assert 9 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 13
    assert await page.locator(".row.camera").count() < 60
