"""Thousands of cameras: how soon the list is there, how fast a change is painted, and that nothing piles up.

Limits are an order of magnitude above what is measured, so that a busy machine fails nothing; figures are printed (-s).
"""

from __future__ import annotations

import os
import random

import pytest

from restream.domain.life.cause import Cause
from tests.browser import everything, fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")

CAMERAS = 5000
UPDATES = int(os.environ.get("PAGE_UPDATES", "60"))

# Watches from within the page: first row, and for each message the time until what it changed is painted.
WATCH = """
window.seen = { first: null, messages: [], long: [] };
// Whatever keeps the page from answering for 50 ms and more.
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) window.seen.long.push([startTime, duration]);
}).observe({ type: 'longtask', buffered: true });
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...args) {
    super(...args);
    // Before the page's own listener.
    this.addEventListener('message', ({ data }) => {
      const begin = performance.now();
      const { cameras } = JSON.parse(data);
      if (!cameras?.length) return;
      const parsed = performance.now();
      requestAnimationFrame(() => setTimeout(() => {
        window.seen.messages.push({ cameras: cameras.length, ms: performance.now() - parsed });
      }));
    });
  }
};
addEventListener('DOMContentLoaded', () => new MutationObserver((_, observer) => {
  if (!document.querySelector('.row.camera')) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.seen.first = performance.now(); }));
}).observe(document.body, { childList: true, subtree: true }));
"""


async def open_fleet(backend: Backend, open_page: OpenPage, hash_: str = "") -> Page:
    """Every view has something to show."""
    backend.cameras = fleet.fleet(CAMERAS)
    everything.fill(backend, "Loading dock")
    backend.interval_s = 2
    return await open_page(hash_, init=WATCH, wait=not hash_, expected=("404",))


LONG_TASKS = """(since) => window.seen.long.filter(([begin]) => begin > since).map(([, took]) => Math.round(took))"""


async def test_first_list_of_5000(backend: Backend, open_page: OpenPage) -> None:
    page = await open_fleet(backend, open_page)
    await page.wait_for_function("() => window.seen.first !== null")
    first_ms = await page.evaluate("window.seen.first")
    rows = await page.locator(".row").count()
    print(f"\nfirst list of {CAMERAS}: {first_ms:.0f} ms after the navigation, {rows} rows in the document")
    assert rows < 60
    assert first_ms < 15_000


@pytest.mark.parametrize("tab", ["cameras", "wall", "incidents", "maintenance", "alerts", "report", "events"])
async def test_delta_of_50_among_5000(backend: Backend, open_page: OpenPage, tab: str) -> None:
    page = await open_fleet(backend, open_page, "" if tab == "cameras" else f"#tab={tab}")
    await page.wait_for_load_state("networkidle")
    began = await page.evaluate("performance.now()")
    dice = random.Random(1)
    arrived = "(count) => window.seen.messages.filter((each) => each.cameras === 50).length === count"
    for count in range(1, 6):
        numbers = dice.sample(range(1, CAMERAS), 50)
        backend.put(*(fleet.down(number, Cause.TIMEOUT, 0) for number in numbers))
        await backend.publish()
        await page.wait_for_function(arrived, arg=count)
    found = await page.evaluate("window.seen.messages.filter((each) => each.cameras === 50).map((each) => each.ms)")
    long = await page.evaluate(LONG_TASKS, began)
    await expect(page.locator('.counter[data-value="down"] .amount')).to_have_text(
        str(backend.status()["health"]["down"])
    )
    print(
        f"\n{tab}: delta of 50 among {CAMERAS} painted after {', '.join(f'{each:.0f}' for each in found)} ms, "
        f"long tasks: {', '.join(f'{each} ms' for each in long) or 'none'}"
    )
    assert sorted(found)[len(found) // 2] < 1000


async def test_scrolling_keeps_few_rows(backend: Backend, open_page: OpenPage) -> None:
    page = await open_fleet(backend, open_page)
    await page.locator(".list").focus()
    await page.keyboard.press("End")
    await page.wait_for_function(
        """() => Math.max(...[...document.querySelectorAll('.rows .row')]
            .map((row) => Number(row.getAttribute('aria-rowindex'))))
            === Number(document.querySelector('.list').getAttribute('aria-rowcount'))"""
    )
    assert await page.locator(".row").count() < 60


async def test_memory_stays_bounded(backend: Backend, open_page: OpenPage) -> None:
    """PAGE_UPDATES=2000 makes it a long run."""
    page = await open_fleet(backend, open_page)
    session = await page.context.new_cdp_session(page)
    dice = random.Random(2)

    async def updates(count: int) -> None:
        for number in range(count):
            chosen = dice.sample(range(1, CAMERAS), 50)
            backend.put(*(fleet.camera(each, bitrate_bps=dice.randint(1, 10**7)) for each in chosen))
            backend.happened(camera="1", name=f"event {number}", cause="timeout")
            await backend.publish()
            await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")

    async def used() -> tuple[int, int]:
        await page.evaluate("window.seen.messages.length = 0")
        await session.send("HeapProfiler.collectGarbage")
        heap = await session.send("Runtime.getHeapUsage")
        nodes = await session.send("Memory.getDOMCounters")
        return heap["usedSize"], nodes["nodes"]

    await updates(20)
    before, nodes_before = await used()
    await updates(UPDATES)
    after, nodes_after = await used()
    print(
        f"\n{UPDATES} updates of 50: heap {before / 1e6:.1f} to {after / 1e6:.1f} MB, "
        f"nodes {nodes_before} to {nodes_after}"
    )
    assert after < before * 1.3 + 5_000_000
    assert nodes_after < nodes_before + 500
