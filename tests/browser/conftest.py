"""A real browser, started once; every test has a page of its own in a context of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.browser import fleet
from tests.browser.backend import Backend
from tests.conftest import needs

try:
    from playwright.async_api import Browser, Page, async_playwright, expect
except ImportError:  # the fixture below skips, or fails when services are required
    Browser = Page = async_playwright = expect = None  # type: ignore[assignment,misc]

__all__ = ["OpenPage", "Page", "choose", "expect"]

# As long as a busy machine may take to show what will come; nothing waits longer than it has to.
PATIENCE_MS = 30_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    needs(request.config, async_playwright and CHROMIUM, "Chromium with Playwright")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        # Media servers of tests are on loopback, which WebRTC leaves out otherwise.
        arguments = ["--no-sandbox", "--allow-loopback-in-peer-connection"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def backend() -> AsyncIterator[Backend]:
    """Sixty cameras, with a delta every half second."""
    backend = Backend(fleet.fleet(60))
    async with backend.serve() as address:
        backend.address = address
        yield backend


OpenPage = Callable[..., Awaitable["Page"]]


async def choose(page: Page, tab: str) -> None:
    """A view by its tab, which may be below "More"."""
    it = page.locator(f"#tab-{tab}")
    await expect(page.locator(f"#tab-{tab}:not([hidden])")).to_be_attached()
    if not await it.is_visible():
        await page.locator(".tabs-more").click()
    await it.click()


@pytest_asyncio.fixture(loop_scope="package")
async def open_page(browser: Browser, backend: Backend) -> AsyncIterator[OpenPage]:
    """Opens the page in a context of its own. Afterwards: no error was logged, no other host was asked."""
    contexts = []
    errors: list[str] = []
    asked: list[str] = []
    players: set[str] = set()

    async def open_(
        hash_: str = "",
        *,
        expected: tuple[str, ...] = (),
        wait: bool = True,
        init: str = "",
        player: str = "",
        clock: bool = False,
        without: str = "",
        **options: Any,
    ) -> Page:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "color_scheme": "light"} | options
        context = await browser.new_context(**settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        if init:
            await page.add_init_script(init)
        if without:
            await page.route(f"**/{without}", lambda route: route.abort())
        if clock:
            await page.clock.install()

        def failed(text: str) -> None:
            # Chromium reports answers such as 401 and a lost socket as errors: tests name those they provoke.
            # Tests beside these make and remove network interfaces; the page loads again then.
            if not any(each in text for each in (*expected, "ERR_NETWORK_CHANGED")):
                errors.append(text)

        if player:
            players.add(urlsplit(player).netloc)
        page.on("console", lambda message: failed(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: failed(str(error)))
        page.on("websocket", lambda socket: asked.append(socket.url))
        await page.goto(backend.address + hash_)
        if wait:
            await page.locator(".row.camera").first.wait_for()
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            asked += await page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
        await context.close()
    assert errors == []
    # A player's frame is another host: the operator opened it, and it is gone when its test ends.
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme != "blob"}
    assert hosts <= {urlsplit(backend.address).netloc, *players}
