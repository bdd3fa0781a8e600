"""The page of the running service: real cameras, real ffmpeg, a real picture."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
import pytest_asyncio

from restream.config.places import ROOT
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from tests.browser.conftest import OpenPage, expect
from tests.support.servers import StandIn
from tests.support.service import running_service

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.usefixtures("ffmpeg")]


@pytest_asyncio.fixture(loop_scope="package")
async def backend(tmp_path: Path, postgres: str) -> AsyncIterator[SimpleNamespace]:
    """Three cameras; in place of the double that the other tests show."""
    server, cameras = StandIn(), [SimulatedCamera(Clip.load("h264")) for _ in range(3)]
    admin = await asyncpg.connect(postgres)
    await admin.execute("CREATE DATABASE page")
    dsn = postgres.rpartition("/")[0] + "/page"
    table = await asyncpg.connect(dsn)
    await table.execute((ROOT / "etc" / "schema.sql").read_text(encoding="utf-8"))
    await server.start()
    for number, camera in enumerate(cameras, 1):
        await camera.start()
        row = (number, f"Camera {number}", camera.url())
        await table.execute("INSERT INTO cameras (id, name, rtsp_url) VALUES ($1, $2, $3)", *row)
    try:
        async with running_service(tmp_path, server=server, overrides={"PG_DSN": dsn}) as service:
            yield SimpleNamespace(address=f"{service.base_url}/", cameras=cameras)
    finally:
        for camera in cameras:
            await camera.stop()
        await server.stop()
        await table.close()
        await admin.execute("DROP DATABASE page WITH (FORCE)")
        await admin.close()


async def test_a_camera_that_is_pulled_away_is_on_top_with_its_reason(
    backend: SimpleNamespace, open_page: OpenPage
) -> None:
    page = await open_page()
    row = page.locator('.row.camera[data-camera="3"]')
    await expect(page.locator('.counter[data-value="healthy"] .amount')).to_have_text("3")
    await expect(row).to_have_attribute("aria-rowindex", "4")
    began = time.monotonic()
    await backend.cameras[2].set_fault(Fault.REFUSE)
    # The first is the head of the list.
    await expect(row).to_have_attribute("aria-rowindex", "2")
    took_s = time.monotonic() - began
    print(f"\non top {took_s:.1f} s after it was pulled away")
    await expect(row).to_contain_text("refuses the connection")
    await backend.cameras[2].set_fault(Fault.NONE)
    await expect(page.locator('.counter[data-value="healthy"] .amount')).to_have_text("3")


async def test_the_picture_of_a_healthy_camera_and_an_action_on_it(
    backend: SimpleNamespace, open_page: OpenPage
) -> None:
    page = await open_page("#camera=1")
    drawer = page.locator(".drawer")
    await expect(drawer.locator(".verdict")).to_contain_text("Healthy")
    await drawer.get_by_role("button", name="Still picture").click()
    picture = drawer.locator(".preview img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    await drawer.get_by_role("button", name="Hold").click()
    await page.get_by_role("dialog").get_by_role("button", name="Hold").last.click()
    await expect(drawer.locator(".verdict")).to_contain_text("Disabled")
    await drawer.get_by_role("button", name="Release").click()
    await page.get_by_role("dialog").get_by_role("button", name="Release").last.click()
    await expect(drawer.locator(".verdict")).to_contain_text("Healthy")
