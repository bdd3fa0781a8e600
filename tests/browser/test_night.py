"""A night on the page of the running service: a switch fails and is taken in hand, planned work wakes nobody."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
import pytest_asyncio

from restream.config.places import ROOT
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import embedded_redis, redis_binary
from restream.demo.mediamtx import find_mediamtx
from tests.browser.conftest import OpenPage, Page, choose, expect
from tests.browser.test_incidents import sign
from tests.conftest import needs
from tests.support.eventually import eventually
from tests.support.mail_server import mail_server
from tests.support.servers import RealMediamtx, StandIn
from tests.support.service import running_service

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.usefixtures("ffmpeg")]

SCHEMAS = ("schema.sql", "schema_records.sql", "schema_history.sql")


def noon_zone() -> str:
    """A zone in which midnight is far: the report is of one day."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


async def set_faults(cameras: Iterable[SimulatedCamera], *faults: Fault) -> None:
    """One after the other in turn: behind a switch that fails cameras show more than one."""
    for number, camera in enumerate(cameras):
        await camera.set_fault(faults[number % len(faults)])


@pytest_asyncio.fixture(loop_scope="package")
async def backend(request: pytest.FixtureRequest, tmp_path: Path, postgres: str) -> AsyncIterator[SimpleNamespace]:
    """Forty cameras of a site and four of another, each on an address of its own, and a mail server."""
    needs(request.config, redis_binary(), "Redis")
    async with contextlib.AsyncExitStack() as stack:
        admin = await asyncpg.connect(postgres)
        stack.push_async_callback(admin.close)
        await admin.execute("CREATE DATABASE night")
        stack.push_async_callback(admin.execute, "DROP DATABASE night WITH (FORCE)")
        dsn = postgres.rpartition("/")[0] + "/night"
        table = await asyncpg.connect(dsn)
        stack.push_async_callback(table.close)
        for name in SCHEMAS:
            await table.execute((ROOT / "etc" / name).read_text(encoding="utf-8"))
        clip = Clip.load("h264_small")
        sites: dict[str, list[SimulatedCamera]] = {"South": [], "North": []}
        for number in range(1, 45):
            camera = await stack.enter_async_context(SimulatedCamera(clip, host=f"127.40.0.{number}"))
            site = "South" if number <= 40 else "North"
            sites[site].append(camera)
            row = (number, f"Camera {number}", site, camera.url())
            await table.execute("INSERT INTO cameras (id, name, site, rtsp_url) VALUES ($1, $2, $3, $4)", *row)
        server = RealMediamtx() if find_mediamtx() else StandIn()
        await server.start()
        stack.push_async_callback(server.stop)
        mail = await stack.enter_async_context(mail_server())
        config = tmp_path / "restream.yml"
        sections = {
            "cameras": {"engine": "relay"},
            "redis": {"url": await stack.enter_async_context(embedded_redis())},
            "history": {"zone": noon_zone()},
            "smtp": {"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "cameras@example.com"},
            "alerts": {
                # As with the usual 30 s, incidents are there by then.
                "down_after_s": 10,
                "up_after_s": 1,
                "page_url": "https://cameras.example/",
                "receivers": {"desk": {"email": "ops@example.com"}},
            },
        }
        config.write_text(json.dumps(sections), encoding="utf-8")
        # The environment of the test would come before the file.
        overrides = {"PG_DSN": dsn, "RESTREAM_REDIS__URL": sections["redis"]["url"]}
        service = await stack.enter_async_context(
            running_service(tmp_path, "--config", str(config), server=server, overrides=overrides)
        )
        yield SimpleNamespace(address=f"{service.base_url}/", sites=sites, mail=mail, service=service)


def subjects(backend: SimpleNamespace) -> list[str]:
    return [str(letter["Subject"]) for _, letter in backend.mail.taken]


def body(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def a_switch_fails(backend: SimpleNamespace, page: Page) -> None:
    """It is one incident, one message whose link leads to it; what falls silent later comes along."""
    await expect(page.locator('.counter[data-value="healthy"] .amount')).to_have_text("44", timeout=60_000)
    await set_faults(backend.sites["South"][:36], Fault.REFUSE, Fault.SILENT)
    await page.get_by_role("tab", name="Incidents").click()
    card = page.locator(".incident-cards .incident-card")
    await expect(card).to_contain_text("Site South: 36 cameras affected", timeout=60_000)
    await expect(card).to_have_count(1)
    await eventually(lambda: backend.mail.taken, 60, "somebody is told")
    ((_, letter),) = backend.mail.taken
    link = re.search(r"https://cameras\.example/(#\S*incident=\S+)", body(letter))
    assert link, body(letter)
    assert "36 cameras" in str(letter["Subject"])
    await set_faults(backend.sites["South"][36:], Fault.SILENT)
    await page.goto(backend.address + link[1])
    await expect(page.locator(".incident-chosen .incident-card")).to_contain_text("Site South: 40 cameras affected")


async def it_is_taken_in_hand(page: Page) -> None:
    card = page.locator(".incident-chosen .incident-card")
    await card.get_by_role("button", name="Acknowledge").click()
    await sign(page, "Acknowledge", "switch in cabinet 3")
    await expect(card).to_contain_text(re.compile("In hand: Ann.*switch in cabinet 3"))


async def work_is_announced(backend: SimpleNamespace, page: Page) -> None:
    """And its cameras go away while it lasts."""
    await choose(page, "maintenance")
    panel = page.locator(".panel.maintenance")
    await panel.get_by_label("What for").fill("new recorder")
    await panel.get_by_label("Sites").fill("North")
    end = await page.evaluate("new Date(Date.now() + 36e5 - new Date().getTimezoneOffset() * 6e4).toISOString()")
    await panel.get_by_label("Until").fill(end[:16])
    await panel.get_by_role("button", name="Announce").click()
    await expect(panel.locator("tbody tr")).to_contain_text("Sites: North")
    await eventually(lambda: marked(backend), 20, "the cameras of the site are in maintenance")
    await set_faults(backend.sites["North"], Fault.REFUSE)
    await backend.service.reach({str(number): "disabled" for number in range(41, 45)})


async def marked(backend: SimpleNamespace) -> bool:
    cameras = await backend.service.cameras()
    codes = [[each["code"] for each in cameras[str(number)]["verdict"]["reasons"]] for number in range(41, 45)]
    return all("maintenance" in each for each in codes)


async def the_report_says_so(page: Page) -> None:
    await choose(page, "report")
    panel = page.locator(".panel.report")
    sites = panel.locator("section").nth(1)

    async def row_of(site: str) -> dict[str, str]:
        heads = await sites.locator("thead th").all_text_contents()
        cells = await sites.locator("tbody tr", has_text=site).locator("td, th").all_text_contents()
        return dict(zip(heads, cells, strict=True))

    async def said() -> bool:
        await page.reload()
        await panel.get_by_label("Range").select_option("today")
        await sites.locator("tbody tr", has_text="North").wait_for()
        south, north = await row_of("South"), await row_of("North")
        assert (south["Cameras"], south["Outages"]) == ("40", "40"), south
        assert south["Available"] != "100%" and south["Down"] != "–", south
        assert (north["Available"], north["Down"], north["Outages"]) == ("100%", "–", "0"), north
        assert north["Planned"] != "–", north
        return True

    await eventually(said, 60, "the report has the night")
    await expect(panel.locator("section").nth(2)).to_contain_text("Connection refused")


async def test_a_night(backend: SimpleNamespace, open_page: OpenPage) -> None:
    page = await open_page()
    await a_switch_fails(backend, page)
    await it_is_taken_in_hand(page)
    await set_faults(backend.sites["South"], Fault.NONE)
    await work_is_announced(backend, page)
    await page.get_by_role("tab", name="Incidents").click()
    await expect(page.get_by_text("Nothing is open.")).to_be_visible(timeout=90_000)
    row = page.locator(".night-row")
    await expect(row).to_contain_text(re.compile("Site South: 40 cameras affected.*Ann: switch in cabinet 3"))
    await expect(page.locator(".night-row")).to_have_count(1)
    await the_report_says_so(page)
    told = subjects(backend)
    assert len(told) == 2, f"one that they are down, one that they are back, none of the planned work: {told}"
    assert "South" in told[1]
