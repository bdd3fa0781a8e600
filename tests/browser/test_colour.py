"""Colour is never alone: what it tells is a shape and a word as well, also in the reader's own colours."""

from __future__ import annotations

import pytest

from restream.domain.life.cause import Cause
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect
from tests.browser.test_drawer import PICTURE
from tests.browser.test_seen import frozen

pytestmark = pytest.mark.asyncio(loop_scope="package")

HEALTHS = {"healthy": "Healthy", "degraded": "Degraded", "down": "Down", "unknown": "Unknown", "disabled": "Disabled"}

# What is coloured by a health, without a pictogram or without words. Bars have their words beside them, see below.
BARE = """() => [...document.querySelectorAll('[data-health], .chip')]
    .filter((each) => each.checkVisibility() && !each.matches('.night-bar, svg *'))
    .filter((each) => !each.textContent.trim() || !each.querySelector('.icon[data-icon]')?.checkVisibility())
    .map((each) => each.outerHTML.slice(0, 200))"""

# What each health looks like without its colour.
SHAPES = """(places) => Object.fromEntries([...document.querySelectorAll(`${places} .icon`)]
    .filter((each) => each.checkVisibility()).map((each) => [each.dataset.icon, each.innerHTML]))"""
WORDS = """(places) => Object.fromEntries([...document.querySelectorAll(places)]
    .filter((each) => each.checkVisibility()).map((each) => [each.dataset.health, each.innerText.trim()]))"""

OWN_COLOUR = """(icons) => icons.filter((each) => each.checkVisibility())
    .filter((each) => getComputedStyle(each).color !== getComputedStyle(each.parentElement).color)
    .map((each) => each.parentElement.className)"""

# Colours of a thing and of what is behind it.
APART = """([thing, property, behind, other]) => {
    const colour = (place, name) => getComputedStyle(document.querySelector(place)).getPropertyValue(name);
    return [colour(thing, property), colour(behind, other)];
}"""


async def apart(page: Page, thing: str, property_: str, behind: str, other: str) -> None:
    mine, its = await page.evaluate(APART, [thing, property_, behind, other])
    assert mine != its, (thing, mine)


async def told_without_colour(page: Page, places: str) -> None:
    """Each health has a pictogram of its own, and its word."""
    shapes = await page.evaluate(SHAPES, places)
    assert shapes.keys() == HEALTHS.keys()
    assert len(set(shapes.values())) == len(HEALTHS), shapes
    words = await page.evaluate(WORDS, places)
    assert {health: word.split("\n")[0] for health, word in words.items()} == HEALTHS


@pytest.mark.parametrize("colours", ["none", "active"])
async def test_colour_is_never_alone(backend: Backend, open_page: OpenPage, colours: str) -> None:
    """`active`: the reader has chosen few colours of his own, which replace all of the page's."""
    backend.still = (200, PICTURE)
    backend.host["cpu_percent"] = 97.0
    backend.put(fleet.down(1, Cause.TIMEOUT))
    assert backend.incidents.open
    backend.put(fleet.camera(1))
    backend.pictures["3"] = frozen("3")
    for before, after in (("healthy", "down"), ("down", "healthy")):
        backend.happened(camera="3", name="Gate", before=before, after=after, cause="timeout")
    page = await open_page("", viewport={"width": 1440, "height": 2800}, forced_colors=colours, expected=("404",))
    assert await page.evaluate("matchMedia('(forced-colors: active)').matches") is (colours == "active")

    # Counters, components, gauges, rows.
    await told_without_colour(page, ".row.camera .cell.health")
    await expect(page.locator(".gauge[data-level=full] .value")).to_contain_text("▲")
    await expect(page.locator(".live")).to_contain_text("Live")
    await page.locator('.counter[data-health="down"]').press("Enter")
    await expect(page.locator('.counter[data-health="down"]')).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate(BARE) == []
    if colours == "active":
        await apart(page, ".gauge .fill", "background-color", ".gauge .bar", "background-color")
        await apart(page, ".camera .health .icon path:last-child", "stroke", ".camera .health .icon", "color")
        assert await page.locator(".icon").evaluate_all(OWN_COLOUR) == [], "pictograms have the colour of their words"
        chosen = '.tab-bar [aria-selected="true"], .counter[aria-pressed="true"]'
        assert await page.locator(chosen).evaluate_all(
            "(all) => all.map((it) => getComputedStyle(it).outlineStyle)"
        ) == [
            "solid",
            "double",
        ], "what is chosen has a line, and another one with the focus"

    # One camera: its verdict, the day as a band, the hour as a line, its pictures, its events.
    await page.evaluate("location.hash = '#camera=3'")
    await expect(page.locator(".strip button").first).to_be_visible()
    await expect(page.locator(".drawer .event").first).to_be_visible()
    assert await page.evaluate(BARE) == []
    heights = await page.locator(".day .span").evaluate_all(
        "(all) => all.map((it) => [it.dataset.health, it.getAttribute('height')])"
    )
    tall = dict(heights)
    assert len(set(tall.values())) == len(tall) > 2, "each health has a height of its own"
    assert all(": " in each for each in await page.locator(".day .span title").all_text_contents())
    await expect(page.locator(".day")).to_have_attribute("aria-label", "Down 2 times in the last 24 hours")
    for spark in await page.locator(".spark:visible").all():
        assert await spark.get_attribute("aria-label")
        await expect(spark.locator(".spark-line")).to_have_count(1)
    for kept in await page.locator(".strip button").all():
        assert (await kept.inner_text()).strip()
    await apart(
        page,
        '.strip [aria-pressed="true"]',
        "outline-color" if colours == "active" else "border-color",
        '.strip [aria-pressed="false"]',
        "border-color",
    )
    if colours == "active":
        await apart(page, ".day .span", "fill", ".day", "background-color")

    # Incidents: those that last and those that are over.
    await page.evaluate("location.hash = '#tab=incidents'")
    await expect(page.locator(".night-bar[data-health=disabled]").first).to_be_visible()
    assert await page.evaluate(BARE) == []
    for health, word in (("down", "still"), ("disabled", "–")):
        bar = page.locator(f".night-bar[data-health={health}]").first
        await expect(page.locator(".night-row").filter(has=bar).locator(".night-text").first).to_contain_text(word)
    open_, over = [
        await page.locator(f".night-bar[data-health={each}]").first.evaluate("(it) => it.offsetHeight")
        for each in ("down", "disabled")
    ]
    assert open_ > over
    await apart(page, ".night-bar", "background-color", ".night-track", "background-color")

    # The wall: a frame, a pictogram and a word on every tile.
    await page.evaluate("location.hash = '#tab=wall'")
    await expect(page.locator(".tile").first).to_be_visible()
    await told_without_colour(page, ".tile-mark")
    assert await page.evaluate(BARE) == []
    frames = dict(
        await page.locator(".tile:not([hidden])").evaluate_all(
            "(all) => all.map((it) => [it.dataset.health, getComputedStyle(it).borderTopStyle])"
        )
    )
    assert len({frames[each] for each in ("healthy", "degraded", "down", "unknown")}) == 4
