"""Themes, languages, small screens, accessibility."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest

from tests.browser import everything, fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, choose, expect
from tests.browser.test_drawer import PICTURE
from tests.browser.test_layout import PANELS
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")


# What another language may break: names that are missing, empty or the same twice, and which language it is.
RULES_OF_WORDS = [
    "aria-command-name",
    "aria-dialog-name",
    "aria-input-field-name",
    "aria-meter-name",
    "aria-progressbar-name",
    "aria-toggle-field-name",
    "aria-tooltip-name",
    "button-name",
    "document-title",
    "empty-heading",
    "empty-table-header",
    "form-field-multiple-labels",
    "frame-title",
    "html-has-lang",
    "html-lang-valid",
    "image-alt",
    "input-button-name",
    "label",
    "landmark-unique",
    "link-name",
    "region",
    "select-name",
    "summary-name",
    "svg-img-alt",
    "table-duplicate-name",
    "valid-lang",
    "label-title-only",
]

# Texts and names on the page that are English, in a page of another language: by the table of texts.
ENGLISH = """async (language) => {
    const texts = Object.values(await fetch('static/texts.json').then((answer) => answer.json()));
    const its = new Set(texts.map((each) => each[language]));
    const english = new Set(texts.map((each) => each.en).filter((each) => /[a-z]{2}/.test(each) && !its.has(each)));
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest('code, pre, script')) found.push(walker.currentNode.data);
    }
    for (const each of document.querySelectorAll('*')) {
        for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'data-label', 'aria-valuetext'])
            found.push(each.getAttribute(name) ?? '');
    }
    return found.map((each) => each.trim()).filter((each) => english.has(each));
}"""


async def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds, in words."""
    if not await page.evaluate("'axe' in window"):
        source = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        await page.evaluate(source)
    options: dict[str, Any] = {"iframes": False, "resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = rules
    found: dict[str, Any] = await page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing(backend: Backend, open_page: OpenPage, theme: str) -> None:
    for number in range(4):
        backend.happened(camera=str(number + 1), name=f"Camera {number}", cause="timeout", side="camera")
    backend.start_queue = 3
    backend.components["redis"] |= {"state": "down"}
    page = await open_page("#camera=3", color_scheme=theme, reduced_motion="reduce")
    await expect(page.locator(".drawer .stderr pre")).to_be_visible()
    assert await violations(page) == []
    await page.locator('[data-action="restart"]').click()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.locator(".bulk-act").click()
    await page.locator("dialog.bulk").get_by_label("Restart").check()
    await expect(page.locator("dialog.bulk .bulk-told")).to_contain_text("It is done with")
    assert await violations(page) == []


@pytest.mark.parametrize("tab", PANELS)
async def test_axe_finds_nothing_in_any_panel(backend: Backend, open_page: OpenPage, tab: str) -> None:
    for number in range(4):
        backend.happened(camera=str(number + 1), name=f"Camera {number}", cause="timeout", side="camera")
    backend.nodes = [fleet.node("north"), fleet.node("south", state="lost")]
    backend.still = (200, PICTURE)
    # Of what a panel asks, the double of the service has not everything.
    page = await open_page(f"#tab={tab}", wait=False, expected=("404",), color_scheme="dark", reduced_motion="reduce")
    await expect(page.locator(f"#panel-{tab}")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert await violations(page) == []
    await page.emulate_media(color_scheme="light")
    assert await violations(page) == []


@pytest.mark.parametrize("locale", ["de-DE", "ru-RU"])
async def test_every_view_is_in_the_language_of_the_reader(backend: Backend, open_page: OpenPage, locale: str) -> None:
    """Also the names that are only read out."""
    everything.fill(backend, "Laderampe Nord", locale[:2])
    page = await open_page(locale=locale, expected=("404",), reduced_motion="reduce")
    asked: set[Any] = set()

    def begins(request: Any) -> None:
        asked.add(request)

    def ends(request: Any) -> None:
        asked.discard(request)

    page.on("request", begins)
    page.on("requestfinished", ends)
    page.on("requestfailed", ends)

    async def answered() -> bool:
        await page.evaluate("new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))")
        return not asked

    for view in ("#group=cause", "#camera=3", *(f"#tab={each}" for each in PANELS), "#"):
        await page.evaluate(f"location.hash = '{view}'")
        if view == "#":
            await page.locator(".bulk-act").click()
        await eventually(answered, 10, f"{view} has what it asked for")
        assert await violations(page, RULES_OF_WORDS) == [], view
        assert await page.evaluate(ENGLISH, locale[:2]) == [], view


async def test_axe_finds_nothing_in_a_kiosk(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=wall&kiosk=1", wait=False, expected=("404",))
    await expect(page.locator(".tile").first).to_be_visible()
    assert await violations(page) == []


async def test_axe_finds_nothing_in_the_login(backend: Backend, open_page: OpenPage) -> None:
    backend.token = "x"
    page = await open_page(wait=False)
    await expect(page.get_by_label("Token")).to_be_visible()
    assert await violations(page) == []


async def background(page: Page) -> str:
    return await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")


async def test_theme_follows_the_system_until_one_is_chosen(open_page: OpenPage) -> None:
    page = await open_page(color_scheme="dark")
    dark = await background(page)
    await page.emulate_media(color_scheme="light")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert await background(page) != dark
    await page.get_by_label("Theme").select_option("dark")
    assert await background(page) == dark
    await page.reload()
    await expect(page.get_by_label("Theme")).to_have_value("dark")
    assert await background(page) == dark


@pytest.mark.parametrize(
    ("locale", "down", "number"),
    [("en-GB", "Down", "1,200"), ("de-DE", "Ausfall", "1.200"), ("ru-RU", "Отказ", "1 200")],
)
async def test_language_of_the_browser(
    backend: Backend, open_page: OpenPage, locale: str, down: str, number: str
) -> None:
    backend.cameras = fleet.fleet(1200)
    page = await open_page("#camera=3", locale=locale)
    await expect(page.locator(".row.camera .cell.health").first).to_have_text(down)
    await expect(page.locator(".tab-count").first).to_have_text(
        re.compile(number.replace(" ", r"\s").replace(".", r"\."))
    )
    assert await page.evaluate("document.documentElement.lang") == locale[:2]
    # A key without a text would be shown as itself.
    await expect(page.locator(".drawer .stderr pre")).to_be_visible()
    words = await page.evaluate(
        """() => document.body.innerText + [...document.querySelectorAll('[aria-label],[title],[placeholder]')]
            .map((each) => [each.ariaLabel, each.title, each.placeholder].join(' ')).join(' ')"""
    )
    keys = await page.evaluate("fetch('static/texts.json').then((answer) => answer.json()).then(Object.keys)")
    assert [key for key in keys if key.count(".") and re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.])", words)] == []


async def test_language_can_be_chosen_and_is_remembered(open_page: OpenPage) -> None:
    page = await open_page("#q=Stairs")
    await page.get_by_label("Language").select_option("ru")
    await expect(page.locator(".row.camera .cell.health").first).to_have_text("Отказ")
    await expect(page.locator(".search")).to_have_value("Stairs")
    await page.reload()
    await expect(page.get_by_role("tab", name="События")).to_be_visible()


@pytest.mark.parametrize("locale", ["de-DE", "ru-RU"])
async def test_a_phone_never_scrolls_sideways(backend: Backend, open_page: OpenPage, locale: str) -> None:
    long = "An-extremely-long-name-without-any-space-" * 4
    backend.put(fleet.down(3, fleet.Cause.AUTH_FAILED, 60, name=long, site=long))
    backend.happened(camera="3", name=long, cause="auth_failed", detail=long)
    page = await open_page(viewport={"width": 360, "height": 740}, locale=locale)

    async def fits(what: str) -> None:
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, (what, width)

    await fits("list")
    for tab in ("unmanaged", "events", "host"):
        await choose(page, tab)
        await fits(tab)
    await page.locator("#tab-cameras").click()
    await page.locator('.row.camera[data-camera="3"]').click()
    await expect(page.locator(".drawer .stderr pre")).to_be_visible()
    await fits("drawer")
    box = await page.locator(".drawer").bounding_box()
    assert box is not None
    assert box["width"] == 360
    overflow = await page.locator(".drawer-body").evaluate("body => body.scrollWidth - body.clientWidth")
    assert overflow <= 0
    await page.locator(".drawer .close").click()
    await expect(page.locator(".drawer")).to_be_hidden()
