"""The list in a real browser: what is shown, in which order, and how it follows the service."""

from __future__ import annotations

import re

import pytest

from restream.domain.life.cause import Cause
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, choose, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")


def row(page: Page, camera_id: str):
    return page.locator(f'.row.camera[data-camera="{camera_id}"]')


async def shown_ids(page: Page) -> list[str]:
    """Cameras in the document, from the top."""
    return await page.evaluate(
        """() => [...document.querySelectorAll('.row.camera')]
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
            .map((row) => row.dataset.camera)"""
    )


async def test_first_view_counts_and_shows_the_worst_first(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    down = backend.status()["health"]["down"]
    await expect(page.locator('.counter[data-value="down"] .amount')).to_have_text(str(down))
    await expect(page.locator(".summary")).to_have_text("60 cameras")
    healths = await page.evaluate(
        """() => [...document.querySelectorAll('.row.camera')]
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
            .map((row) => row.dataset.health)"""
    )
    await expect(page.locator("#tab-visionaire")).to_have_attribute("hidden", "")  # no such hosts
    order = ["down", "degraded", "unknown", "healthy", "disabled"]
    assert healths == sorted(healths, key=order.index)
    assert healths[0] == "down"
    first = row(page, "3")
    await expect(first.locator(".cell.health")).to_have_text("Down")
    await expect(first.locator(".cell.health .icon")).to_have_attribute("data-icon", "down")
    await expect(first.locator(".cell.reason")).to_contain_text("refuses the login or password")


async def test_components_host_start_queue_and_stopping(backend: Backend, open_page: OpenPage) -> None:
    backend.components["redis"] |= {"state": "down", "detail": "connection refused"}
    backend.start_queue = 12
    page = await open_page()
    redis = page.locator(".chip", has_text="Redis")
    await expect(redis).to_contain_text("down")
    await expect(redis).to_have_attribute("title", "connection refused")
    await expect(page.get_by_role("meter", name="CPU")).to_have_attribute("aria-valuenow", "38")
    await expect(page.locator(".queue")).to_contain_text("(at most 8 at once), 12 waiting")
    await expect(page.locator(".queue")).not_to_contain_text("refused")
    backend.start_queue = 0
    await expect(page.locator(".queue")).to_be_hidden()
    backend.stopping = True
    await expect(page.locator(".banner")).to_contain_text("The service is stopping")


async def test_what_is_said_of_components_is_said_in_the_readers_language(
    backend: Backend, open_page: OpenPage
) -> None:
    backend.components["database"] |= {
        "state": "down",
        "detail": "Connection refused (db:5432); start PostgreSQL, or correct host and port of the DSN",
    }
    page = await open_page(locale="ru-RU")
    told = "соединение отклонено (db:5432); запустите PostgreSQL или исправьте узел и порт в DSN"
    await expect(page.locator(".chip", has_text="База данных")).to_have_attribute("title", told)


async def test_a_change_arrives_and_touches_one_row_only(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#sort=id&q=1")
    await page.evaluate(
        """() => {
            window.touched = new Set();
            new MutationObserver((changes) => {
                for (const { target } of changes) {
                    const element = target.nodeType === 1 ? target : target.parentElement;
                    const row = element?.closest('.row.camera');
                    // Seconds tick in every row: that is no rendering of it.
                    if (row && !element.closest('time')) window.touched.add(row.dataset.camera);
                }
            }).observe(document.querySelector('.rows'), {
                subtree: true, childList: true, characterData: true, attributes: true });
        }"""
    )
    backend.put(fleet.down(11, Cause.TIMEOUT, 0))
    await backend.publish()
    await expect(row(page, "11").locator(".cell.health")).to_have_text("Down")
    assert await page.evaluate("[...window.touched]") == ["11"]


async def test_new_and_removed_cameras(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    backend.put(fleet.down(900, Cause.DNS, name="Brand new"))
    await backend.publish()
    await expect(row(page, "900")).to_contain_text("Brand new")
    backend.remove("900")
    await backend.publish()
    await expect(row(page, "900")).to_have_count(0)
    await expect(page.locator(".summary")).to_have_text("60 cameras")


async def test_search_and_filters_live_in_the_address(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await page.keyboard.press("/")
    await page.keyboard.type("warehouse")
    await expect(page.locator(".summary")).to_contain_text("of 60 cameras")
    await expect(page).to_have_url(backend.address + "#q=warehouse")
    await page.locator('.counter[data-value="down"]').click()
    await page.locator('.counter[data-value="camera"]').click()
    await expect(page.locator('.counter[data-value="down"]')).to_have_attribute("aria-pressed", "true")
    expected = {
        key
        for key, each in backend.cameras.items()
        if "Warehouse" in each["site"] and each["verdict"]["health"] == "down" and each["verdict"]["fault"] == "camera"
    }
    await expect(page.locator(".summary")).to_have_text(f"{len(expected)} of 60 cameras")
    assert set(await shown_ids(page)) == expected
    copy = await open_page(page.url.partition("#")[2] and "#" + page.url.partition("#")[2])
    await expect(copy.locator(".summary")).to_have_text(f"{len(expected)} of 60 cameras")
    await expect(copy.locator(".search")).to_have_value("warehouse")
    await copy.get_by_role("button", name="Clear filters").click()
    await expect(copy.locator(".summary")).to_have_text("60 cameras")
    page = copy
    await page.get_by_label("Site", exact=True).select_option(label="Main building")
    count = sum(each["site"] == "Main building" for each in backend.cameras.values())
    await expect(page.locator(".summary")).to_have_text(f"{count} of 60 cameras")
    await page.get_by_label("Site", exact=True).select_option(label="All sites")
    await page.get_by_label("Camera type").select_option(label="DAHUA")
    count = sum(each["camera_type"] == "DAHUA" for each in backend.cameras.values())
    await expect(page.locator(".summary")).to_have_text(f"{count} of 60 cameras")


async def test_filters_by_engine_server_and_node_come_with_a_choice(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.get_by_label("Site", exact=True)).to_be_visible()
    await expect(page.locator('select[aria-label="Engine"]')).to_be_hidden()
    backend.put(fleet.camera(1, engine="pull", phase="idle", media_server="west", node="site-b"))
    await backend.publish()
    for label, value in (("Engine", "pull"), ("Media server", "west"), ("Node", "site-b"), ("Phase", "Idle")):
        await page.locator(f'select[aria-label="{label}"]').select_option(label=value)
        assert await shown_ids(page) == ["1"]
    await expect(page).to_have_url(backend.address + "#phase=idle&engine=pull&server=west&node=site-b")
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator(".summary")).to_have_text("60 cameras")


async def test_columns_that_are_asked_for(backend: Backend, open_page: OpenPage) -> None:
    backend.put(fleet.camera(1, engine="relay", media_server="west"))
    page = await open_page("#sort=id")
    await expect(row(page, "1").locator(".cell.engine")).to_be_hidden()
    await page.get_by_text("Columns", exact=True).click()
    await page.get_by_label("Engine", exact=True).and_(page.locator("input")).check()
    await page.get_by_label("Media server", exact=True).and_(page.locator("input")).check()
    await expect(row(page, "1").locator(".cell.engine")).to_have_text("relay")
    await expect(row(page, "1").locator(".cell.server")).to_have_text("west")
    await expect(row(page, "1").locator(".cell.node")).to_be_hidden()
    await expect(page).to_have_url(backend.address + "#sort=id&columns=engine%2Cserver")
    # Each cell stands below its head.
    for name in ("engine", "server", "reason", "retry"):
        head, cell = (page.locator(f"{place} .cell.{name}").first for place in (".head", ".row.camera"))
        boxes = [await each.bounding_box() for each in (head, cell)]
        assert boxes[0] and boxes[1] and abs(boxes[0]["x"] - boxes[1]["x"]) < 2
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Node", exact=True).and_(page.locator("input"))).to_be_hidden()


async def test_sort_by_columns(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    head = page.get_by_role("columnheader", name="Bitrate")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    rates = [backend.cameras[key]["bitrate_bps"] or -1 for key in await shown_ids(page)]
    assert rates == sorted(rates, reverse=True)
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "ascending")
    await expect(page).to_have_url(backend.address + "#sort=-bitrate")


async def test_groups_open_and_close(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_label("Group by").select_option("cause")
    group = page.locator(".row.group", has_text="Login refused")
    await expect(group).to_have_attribute("aria-expanded", "true")
    await expect(row(page, "3")).to_be_visible()
    await group.click()
    await expect(group).to_have_attribute("aria-expanded", "false")
    await expect(row(page, "3")).to_have_count(0)
    await page.get_by_label("Group by").select_option("site")
    await expect(page.locator(".row.group").first).to_contain_text("cameras")
    await expect(page).to_have_url(backend.address + "#group=site")


async def test_cameras_that_fail_together_are_one_incident(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    incident = page.locator(".row.incident")
    await expect(incident).to_have_count(1)
    await expect(incident).to_contain_text("8 cameras affected")
    await expect(incident).to_contain_text("Unreachable")
    await expect(row(page, "33")).to_have_count(0)
    await incident.click()
    await expect(row(page, "33")).to_be_visible()
    # Who searches wants the camera itself.
    await page.locator(".search").fill(backend.cameras["33"]["name"])
    await expect(page.locator(".row.incident")).to_have_count(0)
    await expect(row(page, "33")).to_be_visible()


async def test_a_filter_makes_no_incident_of_a_few(backend: Backend, open_page: OpenPage) -> None:
    backend.cameras = {str(number): fleet.camera(number, site="South") for number in range(1, 306)}
    backend.put(*(fleet.down(number, Cause.UNREACHABLE, site="South", host=f"h{number}") for number in (5, 70, 150)))
    backend.put(*(fleet.down(number, Cause.UNREACHABLE, site="North", host=f"h{number}") for number in (400, 401, 402)))
    page = await open_page()
    await page.locator('.counter[data-value="network"]').click()
    await expect(page.locator(".summary")).to_have_text("6 of 308 cameras")
    incident = page.locator(".row.incident")
    await expect(incident).to_have_text(re.compile("Site North: 3 cameras affected"))
    assert set(await shown_ids(page)) == {"5", "70", "150"}


async def test_many_that_are_degraded_for_one_reason_are_one_row(backend: Backend, open_page: OpenPage) -> None:
    frozen = fleet.verdict("degraded", "camera", "picture_frozen", 60)
    backend.cameras = {str(number): fleet.camera(number) for number in range(1, 10)}
    backend.put(*(fleet.camera(number, host="10.9.9.9", verdict=frozen) for number in range(100, 400)))
    backend.put(fleet.down(1, Cause.REFUSED))
    page = await open_page()
    heading = page.locator(".row.incident")
    await expect(heading).to_have_count(1)
    await expect(heading).to_contain_text("Host 10.9.9.9: 300 cameras affected")
    await expect(heading.locator(".heading-mark")).to_have_text("Degraded")
    assert (await shown_ids(page))[:2] == ["1", "2"]
    await heading.click()
    await expect(row(page, "100")).to_be_visible()
    backend.put(fleet.camera(100))
    await backend.publish()
    await expect(heading).to_contain_text("299 cameras affected")


async def test_an_outage_of_the_media_server_is_one_incident(backend: Backend, open_page: OpenPage) -> None:
    for number in range(40, 60):
        backend.put(
            fleet.camera(number, phase="waiting", verdict=fleet.verdict("down", "media_server", "server_down", 5))
        )
    page = await open_page()
    await expect(page.locator(".row.incident").first).to_contain_text("Media server: 20 cameras affected")


async def test_keyboard_walks_opens_and_closes(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#sort=id&q=Stairs")
    ids = await shown_ids(page)
    await page.locator(".list").focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator(".drawer h2")).to_be_focused()
    await expect(page.locator(".drawer h2")).to_have_text(backend.cameras[ids[1]]["name"])
    await expect(row(page, ids[1])).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Escape")
    await expect(page.locator(".drawer")).to_be_hidden()
    await expect(page.locator(".list")).to_be_focused()
    active = await page.locator(".list").get_attribute("aria-activedescendant")
    assert await page.locator(f"#{active}").get_attribute("data-camera") == ids[1]


async def test_no_match_and_no_cameras_say_what_to_do(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#q=nothing-like-this", wait=False)
    await expect(page.locator(".empty h2")).to_have_text("No camera matches")
    backend.cameras.clear()
    backend.instance = "second"
    await backend.drop_sockets()
    await expect(page.locator(".empty h2")).to_have_text("No cameras yet")
    await expect(page.locator(".empty")).to_contain_text("INSERT INTO cameras")


async def test_hostile_strings_stay_text(backend: Backend, open_page: OpenPage) -> None:
    evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
    reason = {"code": evil, "text": evil}
    backend.put(
        fleet.camera(
            5,
            name=evil,
            site=evil,
            host=evil,
            camera_type=evil,
            phase=evil,
            detail=evil,
            path=evil,
            verdict={"health": "down", "fault": "camera", "reasons": [reason], "hint": evil, "since": fleet.ago(1)},
        )
    )
    backend.happened(camera="5", name=evil, before=evil, after=evil, cause=evil, detail=evil)
    backend.components[evil] = {"state": evil, "since": fleet.ago(9), "detail": evil}
    backend.details_changes = {
        "stderr_tail": [evil],
        "command": [evil],
        "command_stdin": evil,
        "command_reasons": [evil],
        "players": {"rtsp": evil, "hls": "javascript:window.hacked=3", "webrtc": "data:text/html,x", "srt": None},
    }
    backend.streams = [
        {
            "name": evil,
            "available": True,
            "source_type": evil,
            "tracks": [evil],
            "inbound_bytes": 1,
            "readers": 0,
            "camera": None,
            "managed": False,
            "bitrate_bps": 1,
            "moved": fleet.ago(1),
        }
    ]
    page = await open_page("#camera=5")
    await expect(page.locator(".drawer h2")).to_have_text(evil)
    await expect(page.locator(".stderr pre")).to_have_text(evil)
    await expect(page.get_by_role("button", name="Live (WebRTC)")).to_be_hidden()
    await page.get_by_label("Group by").select_option("site")
    await choose(page, "events")
    await expect(page.locator(".panel.events .event").first).to_contain_text("<img")
    await choose(page, "unmanaged")
    await expect(page.locator(".panel.unmanaged td").first).to_have_text(evil)
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("img[src=x]").count() == 0
    hrefs = await page.evaluate(
        "[...document.querySelectorAll('[href],[src]')].map((e) => e.href || e.src).map(String)"
    )
    assert not [each for each in hrefs if each.startswith(("javascript", "data:text"))]


async def test_the_newest_failure_is_on_top(backend: Backend, open_page: OpenPage) -> None:
    backend.cameras = {str(number): fleet.camera(number) for number in range(1, 9)}
    backend.put(fleet.down(2, Cause.REFUSED, 600), fleet.down(7, Cause.TIMEOUT, 5), fleet.down(4, Cause.DNS, 60))
    page = await open_page()
    assert (await shown_ids(page))[:4] == ["7", "4", "2", "1"]
